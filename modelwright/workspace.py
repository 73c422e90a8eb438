"""The workspace: the folder you stand in, and `.modelwright/` in it.

`modelwright.db` is the one truth (runs, events, ledger, hashes), `checkpoints.db` is LangGraph's, `jobs/KEY/` is the
scratch of child processes, `runs/RUN/` what a run leaves for people. Every commit survives `kill -9` (WAL). The
ledger's connection also syncs to disk at each commit, and with it all that was committed before, so the loss of power
cannot make it forget an effect; the others do not (20 ms a step on a busy machine).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from modelwright.errors import BadRequest
from modelwright.files import clear_os_errors

SCHEMA = """
create table if not exists runs (
    id text primary key, request text not null, status text not null, exit_code integer, created real not null, updated real not null,
    options text not null, plan text, spent text, error text);
create table if not exists events (
    run text not null, seq integer not null, time real not null, type text not null, step text, data text not null, primary key (run, seq));
create table if not exists ledger (
    key text primary key, tool text not null, version text not null, args text not null, inputs text not null, status text not null,
    run text not null, step text not null, attempts integer not null, started real not null, ended real, result text, error text,
    peak_memory_bytes integer);
create table if not exists plans (id text primary key, run text not null, plan text not null);
create table if not exists steps (
    run text not null, plan text not null, step text not null, record text not null, call text, primary key (run, plan, step));
create table if not exists predictions (
    key text primary key, tool text not null, features text not null, machine text not null, time real not null,
    predicted_seconds real not null, seconds real not null, predicted_memory integer not null, memory integer not null);
create table if not exists hashes (
    path text primary key, size integer not null, mtime_ns integer not null, inode integer not null, sha256 text not null);
"""


class Workspace:
    """Paths and the database of one folder. Creates nothing until something is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.home = self.root / ".modelwright"

    @property
    def database(self) -> Path:
        return self.home / "modelwright.db"

    @property
    def checkpoints(self) -> Path:
        return self.home / "checkpoints.db"

    def run_dir(self, run: str) -> Path:
        return self.home / "runs" / run

    def job_dir(self, key: str) -> Path:
        return self.home / "jobs" / key[:16]

    def connect(self, *, synced: bool = False) -> sqlite3.Connection:
        """A connection with the tables in place; `synced` for the ledger. Raises a clear error for a read-only folder or a damaged file."""
        with clear_os_errors(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
            ignore = self.home / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        try:
            connection = open_sqlite(self.database, synced=synced)
            connection.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise BadRequest(
                f"{self.database}: {error}", fix="close other programs that use it, or move the file away and start anew"
            ) from None
        return connection


def open_sqlite(path: Path, *, synced: bool = False) -> sqlite3.Connection:
    """WAL, ten seconds of patience with other writers, rows by name, every statement its own commit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.row_factory = sqlite3.Row
    connection.execute("pragma journal_mode=wal")
    connection.execute(f"pragma synchronous={'full' if synced else 'normal'}")
    connection.execute("pragma trusted_schema=off")
    return connection
