"""rag_index over real files of ten kinds: every file is accounted for, every loss is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelwright.config import Settings
from modelwright.errors import BadRequest, DataError
from modelwright.graphs.context import RunContext
from modelwright.tools.rag_index import Args, Result, checks, estimate, rag_index

HANDBOOK = Path(__file__).parents[2] / "examples" / "docs" / "handbook"


def run(context: RunContext, **args: object) -> tuple[Args, Result]:
    context.settings = Settings(embedder="hashing", cache=context.settings.cache)
    checked = rag_index.validate(args)
    assert isinstance(checked, Args)
    result = rag_index.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def test_the_handbook_is_indexed_and_what_cannot_be_is_named(tool_context: RunContext, workspace: Path) -> None:
    shutil.copytree(HANDBOOK, workspace / "docs")
    (workspace / "docs" / "noise.txt").write_bytes(bytes(range(256)))
    (workspace / "docs" / "cut.pdf").write_bytes((HANDBOOK / "datasheet.pdf").read_bytes()[:300])
    args, result = run(tool_context, path="docs")
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    assert {one.reason for one in result.refused} == {"binary", "broken"}
    assert (result.documents, result.refused_files) == (13, 2)
    kinds = {"code", "csv", "docx", "email", "html", "jsonl", "markdown", "notebook", "pdf", "text"}
    assert {one.kind for one in result.losses} == kinds
    page = next(one for one in result.losses if one.kind == "html")
    assert (page.tables, page.notes) == (1, ["2 scripts, styles or hidden elements left out"])
    assert "2 files refused" in result.summary
    assert estimate(args, workspace).seconds > 0


def test_a_check_fails_when_a_document_loses_half_of_its_text(tool_context: RunContext, workspace: Path) -> None:
    (workspace / "a.txt").write_text("some words", encoding="utf-8")
    args, result = run(tool_context, path="a.txt")
    lost = result.model_copy(deep=True)
    lost.losses[0].characters_out = 1
    lost.found += 1
    assert [check.passed for check in checks(args, lost)] == [False, True, False]


def test_bad_arguments_are_refused_with_a_fix(tool_context: RunContext, workspace: Path) -> None:
    with pytest.raises(DataError, match="no file or folder"):
        run(tool_context, path="nothing")
    (workspace / "a.txt").write_text("x y", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be called auto"):
        run(tool_context, path="a.txt", index="auto")
    with pytest.raises(BadRequest, match=r"rag_index\.index"):
        rag_index.validate({"path": "a.txt", "index": "../x"})


def test_files_that_are_too_large_cost_nothing_and_are_named(tool_context: RunContext, workspace: Path) -> None:
    (workspace / "docs").mkdir()
    (workspace / "docs" / "a.txt").write_text("some words", encoding="utf-8")
    with (workspace / "docs" / "huge.txt").open("wb") as stream:
        stream.truncate(2 << 30)  # holes: no bytes on disk
    args, result = run(tool_context, path="docs")
    assert estimate(args, workspace).seconds < 10
    assert [one.reason for one in result.refused] == ["too large"]
