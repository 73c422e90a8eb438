"""The commands about documents, as a shell runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelwright.cli import rag
from modelwright.config import Settings
from modelwright.graphs.context import RunContext


@pytest.fixture
def handbook(tool_context: RunContext, workspace: Path) -> RunContext:
    """The index `default` over one page."""
    from modelwright.tools.rag_index import rag_index

    (workspace / "docs").mkdir()
    text = "# Tanks\n\nNever put the tanks in a dishwasher: the seals deform above 55 °C.\n"
    (workspace / "docs" / "maintenance.md").write_text(text, encoding="utf-8")
    tool_context.settings = Settings(embedder="hashing", cache=tool_context.settings.cache)
    rag_index.run(rag_index.validate({"path": "docs"}), tool_context)
    return tool_context


def invoke(command: object, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, list(arguments))  # type: ignore[arg-type]
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_search_answer_why_not_and_verify(handbook: RunContext, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWRIGHT_EMBEDDER", "hashing")
    code, out = invoke(rag.rag_search, "dishwasher", "--top-k", "1", "--mode", "lexical", "kinds=markdown")
    assert code == 0
    assert "maintenance.md" in out
    code, out = invoke(rag.rag_answer, "Can the tanks go in a dishwasher?", "--json")
    assert code == 0
    (workspace / "answer.json").write_text(out, encoding="utf-8")
    assert json.loads(out)["result"]["found"] is True
    code, out = invoke(rag.cite, "verify", "answer.json")
    assert (code, out.splitlines()[-1]) == (0, "1 sentences, 1 of 1 proofs hold")
    (workspace / "docs").rename(workspace / "moved")
    assert invoke(rag.cite, "verify", "answer.json")[0] == 1
    assert invoke(rag.cite, "verify", "answer.json", "--root", "moved")[0] == 0
    code, out = invoke(rag.rag_answer, "Who won in 1998?")
    assert (code, out.split(":")[0]) == (1, "Not found")
    code, out = invoke(rag.why_not, "nothing.md", "dishwasher", "--json")
    assert json.loads(out)["stage"] == "not indexed"
    assert invoke(rag.rag_search, "x", "--index", "nope")[0] == 2


def test_indexes_are_listed_and_dropped(handbook: RunContext) -> None:
    assert invoke(rag.indexes)[1].split()[-5:] == ["default", "1", "1", "0", "auto"]
    assert json.loads(invoke(rag.indexes, "--json")[1])["indexes"][0]["index"] == "default"
    assert invoke(rag.indexes, "drop", "nope")[0] == 2
    assert invoke(rag.indexes, "drop", "default") == (0, "dropped default: 1 document, 1 chunk; the files stay\n")
    assert invoke(rag.indexes) == (0, "nothing is indexed here\n")
