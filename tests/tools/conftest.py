"""The example handbook, indexed in the test's workspace with the embedder that needs no model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.config import Settings
from modelwright.graphs.context import RunContext

HANDBOOK = Path(__file__).parents[2] / "examples" / "docs" / "handbook"


@pytest.fixture
def handbook(make_tool_context: Callable[..., RunContext], workspace: Path) -> RunContext:
    """A context in whose workspace the index `default` holds the handbook."""
    import shutil

    from modelwright.tools.rag_index import rag_index

    shutil.copytree(HANDBOOK, workspace / "docs")
    for name in ("index", "ask"):
        context = make_tool_context(name)
        context.settings = Settings(embedder="hashing", cache=context.settings.cache)
        if name == "index":
            rag_index.run(rag_index.validate({"path": "docs"}), context)
    return context
