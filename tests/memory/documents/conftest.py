"""An index over a few files with the hashing embedder, which needs no model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.config import Settings
from modelwright.graphs.context import RunContext

SPEC = {"pattern": "", "index": "default", "chunker": "auto", "chunk_tokens": 60, "overlap": 0, "access": [], "max_file_bytes": 10_000_000}


@pytest.fixture
def docs(workspace: Path) -> Path:
    folder = workspace / "docs"
    folder.mkdir()
    (folder / "pump.md").write_text("# Pump\n\nThe pump is red and loud.\n\n# Tank\n\nThe tank holds four litres.\n", encoding="utf-8")
    (folder / "zebra.txt").write_text("Zebras have stripes. They live in herds.", encoding="utf-8")
    return folder


@pytest.fixture
def new_context(make_tool_context: Callable[..., RunContext]) -> Callable[[], RunContext]:
    """A context as each call gets one: its jobs are its own."""
    made: list[RunContext] = []

    def make() -> RunContext:
        context = make_tool_context(f"call-{len(made)}")
        context.settings = Settings(embedder="hashing", cache=context.settings.cache)
        made.append(context)
        return context

    return make


@pytest.fixture
def index(docs: Path, new_context: Callable[[], RunContext]) -> Callable[..., dict[str, Any]]:
    """Index the folder in a real child process; the result."""

    def run(**changes: Any) -> dict[str, Any]:
        return new_context().documents.index({**SPEC, "root": str(docs), **changes})

    return run
