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

from modelwright.graphs.deps import Deps
from modelwright.graphs.nodes import Nodes
from modelwright.graphs.state import RunState
from modelwright.workspace import open_sqlite

RECURSION_LIMIT = 1_000_000
"""LangGraph's own bound starts afresh with each resume; ours live in the state."""
KEEP_CHECKPOINTS = 3

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


def prune(path: Path, run: str) -> None:
    """Keep the last few checkpoints of a run: each holds the whole state (390 kB for 30 steps unpruned)."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        keep = "select checkpoint_id from checkpoints where thread_id = ? order by checkpoint_id desc limit ?"
        for table in ("checkpoints", "writes"):
            connection.execute(f"delete from {table} where thread_id = ? and checkpoint_id not in ({keep})", (run, run, KEEP_CHECKPOINTS))
        connection.execute("pragma wal_checkpoint(truncate)")
    finally:
        connection.close()
