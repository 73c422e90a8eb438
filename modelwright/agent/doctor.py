"""Looks at the machine, the extras and the stores without importing anything heavy; each finding has its fix."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from modelwright import config, modelrefs, tools
from modelwright.errors import EngineMissing, ModelwrightError
from modelwright.files import existing_parent
from modelwright.graphs import predictions
from modelwright.text import counted, human_bytes
from modelwright.workspace import Workspace

EXTRAS = {
    "llama": ("llama_cpp", "llama-cpp-python"),
    "train": ("trl", "trl"),
    "qlora": ("bitsandbytes", "bitsandbytes"),
    "data": ("pyarrow", "pyarrow"),
    "eval": ("sacrebleu", "sacrebleu"),
    "rag": ("sentence_transformers", "sentence-transformers"),
    "tui": ("textual", "textual"),
    "gptq": ("gptqmodel", "gptqmodel"),
}
NEEDS_DISK = 3_000_000_000


@dataclass(frozen=True)
class Finding:
    name: str
    ok: bool
    found: str
    fix: str = ""
    stops: bool = False
    """Nothing runs here before it is mended; an extra that is missing stops only what needs it."""


def examine(root: Path) -> list[Finding]:
    return [
        *_machine(root),
        *_extras(),
        _compiler(),
        _builtin(),
        _settings(root),
        *_plugins(),
        *_stores(Workspace(root)),
        *_predictions(Workspace(root)),
    ]


def _machine(root: Path) -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    yield Finding(
        "python", sys.version_info >= (3, 11), platform.python_version(), "" if sys.version_info >= (3, 11) else "use Python 3.11 or newer"
    )
    yield Finding("processor", True, f"{os.cpu_count()} cores, {platform.machine()}, {psutil.cpu_percent(0.1):.0f}% busy")
    enough = memory.available > 5e9
    yield Finding(
        "memory",
        enough,
        f"{human_bytes(memory.available)} of {human_bytes(memory.total)} free",
        "" if enough else "LoRA on the built-in model takes 4 GB",
    )
    free = shutil.disk_usage(existing_parent(root.resolve())).free
    yield Finding(
        "disk",
        free > NEEDS_DISK,
        f"{human_bytes(free)} free here",
        "" if free > NEEDS_DISK else "free 3 GB for a fine-tune and its exports",
    )


def _extras() -> Iterator[Finding]:
    for extra, (module, package) in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        yield Finding(
            f"extra {extra}", there, _version(package) if there else "not installed", "" if there else f"pip install 'modelwright[{extra}]'"
        )


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _compiler() -> Finding:
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    needed = importlib.util.find_spec("llama_cpp") is None
    return Finding(
        "C++ compiler",
        bool(found) or not needed,
        found or "none",
        "" if found or not needed else "install g++: llama-cpp-python is compiled when installed",
    )


def _builtin() -> Finding:
    try:
        path = modelrefs.builtin_gguf()
    except EngineMissing as error:
        return Finding("built-in model", False, "not installed", error.fix)
    return Finding("built-in model", True, f"{path.name}, {human_bytes(path.stat().st_size)}")


def _settings(root: Path) -> Finding:
    try:
        settings = config.load(root)
    except ModelwrightError as error:
        return Finding("settings", False, error.message, error.fix, stops=True)
    found = config.find_file(root)
    cache = settings.cache_dir
    size = sum(f.stat().st_size for f in cache.rglob("*") if f.is_file()) if cache.is_dir() else 0
    return Finding("settings", True, f"{found or 'defaults'}; cache {cache} {human_bytes(size)}")


def _plugins() -> Iterator[Finding]:
    for name, error in tools.broken().items():
        yield Finding(f"tool {name}", False, error.message, error.fix)


def _predictions(workspace: Workspace) -> Iterator[Finding]:
    """For each tool how far its estimates were off on this machine, as they were and as corrected by the calls before."""
    history = predictions.History(workspace.database)
    for tool in history.tools:
        time = predictions.record(history.seconds(tool), least=predictions.SHORTEST)
        memory = predictions.record(history.memory(tool))
        if time is None:
            yield Finding(f"estimates of {tool}", True, "1 call; from the second on their error is known")
            continue
        said = f"{counted(time.calls, 'call')}: time off by {time.corrected:.0%}, {time.plain:.0%} before it learned"
        if memory is not None:
            said += f"; memory by {memory.corrected:.0%}, {memory.plain:.0%} before"
        yield Finding(f"estimates of {tool}", True, said)


def _stores(workspace: Workspace) -> Iterator[Finding]:
    for name, path in (("runs and ledger", workspace.database), ("checkpoints", workspace.checkpoints)):
        if path.is_file():
            yield _store(name, path)
    jobs = workspace.home / "jobs"
    if jobs.is_dir():
        size = sum(f.stat().st_size for f in jobs.rglob("*") if f.is_file())
        yield Finding("job scratch", True, human_bytes(size))


def _store(name: str, path: Path) -> Finding:
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            verdict = db.execute("pragma integrity_check").fetchone()[0]
        finally:
            db.close()
    except sqlite3.Error as error:
        verdict = str(error)
    ok = verdict == "ok"
    return Finding(
        name,
        ok,
        f"{path.name} {human_bytes(path.stat().st_size)}, {verdict[:80]}",
        "" if ok else f"move {path} away; finished artifacts stay",
        stops=not ok,
    )
