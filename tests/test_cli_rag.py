"""The commands about documents, as a shell runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelwright import cli_rag
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
    code, out = invoke(cli_rag.rag_search, "dishwasher", "--top-k", "1", "--mode", "lexical", "kinds=markdown")
    assert code == 0
    assert "maintenance.md" in out
    code, out = invoke(cli_rag.rag_answer, "Can the tanks go in a dishwasher?", "--json")
    assert code == 0
    (workspace / "answer.json").write_text(out, encoding="utf-8")
    assert json.loads(out)["result"]["found"] is True
    code, out = invoke(cli_rag.cite, "verify", "answer.json")
    assert (code, out.splitlines()[-1]) == (0, "1 sentences, 1 of 1 proofs hold")
    (workspace / "docs").rename(workspace / "moved")
    assert invoke(cli_rag.cite, "verify", "answer.json")[0] == 1
    assert invoke(cli_rag.cite, "verify", "answer.json", "--root", "moved")[0] == 0
    code, out = invoke(cli_rag.rag_answer, "Who won in 1998?")
    assert (code, out.split(":")[0]) == (1, "Not found")
    code, out = invoke(cli_rag.why_not, "nothing.md", "dishwasher", "--json")
    assert json.loads(out)["stage"] == "not indexed"
    assert invoke(cli_rag.rag_search, "x", "--index", "nope")[0] == 2
