"""The graph: plan, gate, approve, execute, verify, route, report, remember; compiled with a SQLite checkpointer.

Two facts: writes are synchronous (`durability="sync"` at invoke; async re-ran finished nodes after a kill), and each
checkpoint holds the whole state, so old ones are pruned.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # before the import: plain types only come back from disk
os.environ.setdefault("LANGSMITH_TRACING", "false")

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from modelwright.graphs.deps import Deps
from modelwright.graphs.nodes import Nodes
from modelwright.graphs.state import RunState
from modelwright.workspace import open_sqlite

RECURSION_LIMIT = 1_000_000
"""LangGraph's own bound starts afresh with each resume; ours live in the state."""
KEEP_CHECKPOINTS = 3
PRUNE_EVERY = 10

EDGES: dict[str, list[str]] = {
    "plan": ["gate", "approve", "report"],
    "gate": ["route", "approve", "report"],
    "approve": ["plan", "gate", "route"],
    "execute": ["verify", "route"],
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
    connection = open_sqlite(path)
    saver = SqliteSaver(connection)
    saver.setup()
    return saver


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
