"""The graph: plan, gate, approve, execute, verify, route, report, remember; compiled with a SQLite checkpointer.

Two facts: writes are synchronous (`durability="sync"` at invoke; async re-ran finished nodes after a kill), and each
checkpoint holds the whole state, so old ones are pruned.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # before the import: plain types only come back from disk
os.environ.setdefault("LANGSMITH_TRACING", "false")

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from modelwright.errors import BadRequest
from modelwright.graphs.deps import Deps
from modelwright.graphs.nodes import Nodes
from modelwright.graphs.state import RunState
from modelwright.workspace import open_sqlite

RECURSION_LIMIT = 1_000_000
"""LangGraph's own bound starts afresh with each resume; ours live in the state."""
KEEP_CHECKPOINTS = 3
PRUNE_EVERY = 10
VACUUM_FROM_BYTES = 20_000_000

EDGES: dict[str, list[str]] = {
    "plan": ["gate", "approve", "report"],
    "gate": ["route", "approve", "report"],
    "approve": ["plan", "gate", "route"],
    "execute": ["verify", "route", "gate"],
    "verify": ["route"],
    "route": ["execute", "plan", "approve", "report"],
    "report": ["remember"],
}


def build(deps: Deps, checkpointer: BaseCheckpointSaver[Any]) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled graph of one run."""
    nodes, graph = Nodes(deps), StateGraph(RunState)
    for name in (*EDGES, "remember"):
        graph.add_node(name, getattr(nodes, name))
    graph.add_edge(START, "plan")
    for name, targets in EDGES.items():
        choose = nodes.heard if name == "approve" else _next
        graph.add_conditional_edges(name, choose, targets)
    graph.add_edge("remember", END)
    return graph.compile(checkpointer=checkpointer)


def _next(state: RunState) -> str:
    return state["next"]


def open_checkpointer(path: Path) -> SqliteSaver:
    """Raises BadRequest when the file is damaged or cannot be written."""
    try:
        saver = SqliteSaver(open_sqlite(path))
        saver.setup()
        return saver
    except sqlite3.Error as error:
        raise BadRequest(f"{path}: {error}", fix="free some space, or move the file away: runs that wait cannot be resumed then") from None


def saved_state(saver: SqliteSaver, run: str) -> dict[str, Any]:
    """The state of a run as it was saved last, without building its graph; empty before the first checkpoint."""
    saved = saver.get_tuple({"configurable": {"thread_id": run}})
    return dict(saved.checkpoint["channel_values"]) if saved else {}


class Pruner:
    """Keeps the last few checkpoints of a run; each holds the whole state. Every PRUNE_EVERY calls, so it costs little."""

    def __init__(self, saver: SqliteSaver, run: str) -> None:
        self._saver, self._run, self._calls = saver, run, 0

    def __call__(self) -> None:
        self._calls += 1
        if self._calls % PRUNE_EVERY == 0:
            self.now()

    def now(self) -> None:
        keep = "select checkpoint_id from checkpoints where thread_id = ? order by checkpoint_id desc limit ?"
        with self._saver.cursor() as cursor:
            for table in ("writes", "checkpoints"):
                cursor.execute(
                    f"delete from {table} where thread_id = ? and checkpoint_id not in ({keep})", (self._run, self._run, KEEP_CHECKPOINTS)
                )

    def at_the_end(self) -> None:
        """Prune, and give the space back to the disk when there is much of it."""
        self.now()
        with self._saver.cursor() as cursor:
            pages, free, size = (cursor.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
            if pages * size > VACUUM_FROM_BYTES and free > pages / 2:
                cursor.execute("vacuum")
