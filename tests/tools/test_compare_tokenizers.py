"""compare_tokenizers on the built-in vocabulary and one that knows nothing: counts, checks, the user's own texts, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import gguf_write
from modelwright.errors import DataError, ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.tools.compare_tokenizers import Args, Result, checks, compare_tokenizers, estimate, read_texts
from tests.engines import tiny


def run(context: RunContext, **args: Any) -> tuple[Args, Result]:
    checked = compare_tokenizers.validate(args)
    assert isinstance(checked, Args)
    result = compare_tokenizers.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def test_shipped_samples_tell_english_from_arabic(tool_context: RunContext, workspace: Path) -> None:
    args, result = run(tool_context, models=["builtin"])
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    by_domain = {row.domain: row for row in result.rows}
    assert set(by_domain) == {"english", "arabic", "mixed", "code", "json", "legal"}
    assert (by_domain["english"].tokens, by_domain["english"].words) == (170, 147)
    english, arabic = (by_domain[name].tokens_per_word for name in ("english", "arabic"))
    assert english is not None
    assert arabic is not None
    assert arabic > 3 * english
    assert by_domain["arabic"].split_characters > 0
    assert all(row.round_trip for row in result.rows)
    assert any(one.kind == "emoji" and "tokens for one emoji" in one.strange for one in result.strange_splits)
    assert estimate(args, workspace).seconds > 0

    result.rows[0].tokens += 1
    assert [check.passed for check in checks(args, result)] == [True, True, False, True]


def test_the_users_folder_of_texts_and_two_models(make_tool_context: Callable[..., RunContext], workspace: Path) -> None:
    folder = tiny.make(workspace / "tiny")
    gguf_write.write(folder, tiny.tokenizer_for("llama"), workspace / "t.gguf", dtype="f16", name="t", progress=lambda *a, **k: None)
    (workspace / "texts").mkdir()
    (workspace / "texts" / "news.txt").write_text("The council met on Monday and raised the price of parking.\n", encoding="utf-8")
    (workspace / "texts" / "wörter.txt").write_text("Straßenbahnhaltestelle übermorgen\n", encoding="utf-8")
    args, result = run(make_tool_context(), models=["builtin", "t.gguf"], texts="texts")
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    assert [(row.name, row.domain) for row in result.rows] == [
        (name, domain) for name in ("builtin", "t.gguf") for domain in ("news", "wörter")
    ]
    assert result.fewest["news"] == "builtin"
    assert [one.vocabulary for one in result.tokenizers] == [49152, 1008]
    assert "news" in "\n".join(result.table)


def test_equal_tokenizers_share_the_first_place(tool_context: RunContext, workspace: Path) -> None:
    (workspace / "a.txt").write_text("one two", encoding="utf-8")
    _, result = run(tool_context, models=["builtin", "builtin"], texts="a.txt")
    assert result.fewest == {"a": "builtin, builtin (2)"}


def test_what_is_no_text_is_refused_before_a_model_is_opened(workspace: Path, tool_context: RunContext) -> None:
    (workspace / "empty.txt").write_text("  \n", encoding="utf-8")
    (workspace / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    (workspace / "folder").mkdir()
    for name, reason in (("empty.txt", "is empty"), ("bytes.txt", "not UTF-8"), ("folder", "no files"), ("gone.txt", "does not exist")):
        with pytest.raises(DataError, match=reason):
            read_texts(name, workspace)
    with pytest.raises(ModelRefError):
        run(tool_context, models=["nonesuch"])
