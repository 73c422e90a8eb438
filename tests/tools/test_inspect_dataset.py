"""The tool as a plan would call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import DataError, ModelRefError
from modelwright.tools.inspect_dataset import Result, Spread, inspect_dataset, suggested_max_length
from modelwright.types import Effect

TURNS = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello there!"}]


def write(path: Path, *rows: Any) -> None:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")


def call(context: Any, **args: Any) -> Result:
    validated = inspect_dataset.validate(args)
    result = inspect_dataset.run(validated, context)
    assert isinstance(result, Result)
    assert [check.name for check in inspect_dataset.checks(validated, result) if not check.passed] == []
    return result


def test_every_row_is_counted_and_problems_come_before_notices(workspace: Path, tool_context: Any) -> None:
    write(workspace / "rows.jsonl", {"messages": TURNS}, {"messages": TURNS}, "nonsense", {"text": "x"})
    result = call(tool_context, dataset="rows.jsonl", max_problems=2)
    assert (result.format, result.rows, result.usable_rows, result.bad_rows) == ("chat", 4, 2, 2)
    assert (result.problem_count, result.notice_count, result.duplicates.exact) == (2, 1, 1)
    assert [(p.line, p.notice) for p in result.problems] == [(3, False), (4, False)]
    assert result.roles == {"user": 2, "assistant": 2}
    assert (result.characters.min, result.words.max, result.tokens) == (len("Hello?\nHello there!"), 3, None)
    assert "first problem: line 3: not JSON" in result.summary


def test_the_summary_says_at_once_what_one_wants_to_know_before_training(workspace: Path, tool_context: Any) -> None:
    long = [{"role": "user", "content": "Hello? " * 60}, TURNS[1]]
    write(workspace / "rows.jsonl", *[{"id": n, "messages": TURNS} for n in range(3)], {"id": 4, "messages": long}, "nonsense")
    told = call(tool_context, dataset="rows.jsonl").summary
    assert told.startswith("rows.jsonl: chat, 4 usable rows of 5, ")
    assert "columns id, messages; words a row 3 / 62 / 62 (median / p95 / longest), 71 in all; name a model to count tokens" in told
    assert "duplicates: 2 exact; 1 problem, first problem: line 5: not JSON" in told
    assert "fields that are not used (rows): id (4)" in told
    assert len(told) <= 400


def test_the_suggested_length_cuts_no_row_unless_a_few_are_far_longer() -> None:
    def spread(p95: int, longest: int) -> Spread:
        return Spread(min=1, median=10, p95=p95, max=longest, total=longest)

    assert suggested_max_length(spread(140, 171)) == 192
    assert suggested_max_length(spread(128, 128)) == 128
    assert suggested_max_length(spread(140, 9000)) == 192


def test_with_a_model_the_summary_names_a_length_for_training(workspace: Path, tool_context: Any) -> None:
    write(workspace / "rows.jsonl", {"messages": TURNS}, {"messages": TURNS})
    result = call(tool_context, dataset="rows.jsonl", model="builtin")
    assert (result.suggested_max_length, result.columns) == (64, ["messages"])
    assert "max_length 64 cuts none" in result.summary
    assert "tokens a row" in result.summary


def test_lengths_are_the_ones_that_a_person_would_count(workspace: Path, tool_context: Any) -> None:
    write(workspace / "rows.jsonl", *({"text": "word " * n} for n in range(1, 21)))
    spread = call(tool_context, dataset="rows.jsonl").words
    assert (spread.min, spread.median, spread.p95, spread.max, spread.total) == (1, 10.5, 19, 20, 210)


def test_tokens_are_those_of_the_models_own_chat_template(workspace: Path, tool_context: Any) -> None:
    write(workspace / "rows.jsonl", {"messages": [{"role": "system", "content": "Be kind."}, *TURNS]}, {"messages": TURNS})
    tokens = call(tool_context, dataset="rows.jsonl", model="builtin").tokens
    # a turn is <|im_start|> role newline content <|im_end|> newline; the role "assistant" is two tokens in this vocabulary
    spoken = [["Be", " kind", "."], ["Hello", "?"], ["Hello", " there", "!"]]
    assert tokens
    assert tokens.min == 3 * 5 + 1 + sum(map(len, spoken))


def test_a_folders_tokenizer_counts_as_the_gguf_file_does(workspace: Path, make_tool_context: Any) -> None:
    from modelwright.engines.hf import builtin_folder
    from modelwright.modelrefs import builtin_gguf

    write(
        workspace / "rows.jsonl",
        {"messages": TURNS},
        {"messages": [*TURNS, {"role": "user", "content": "Ünïcode \U0001f600 x = 1;\n\n  ok"}, TURNS[1]]},
    )
    context = make_tool_context("folder")
    folder = call(context, dataset="rows.jsonl", model=str(builtin_folder(context.settings.cache_dir)))
    gguf = call(make_tool_context("gguf"), dataset="rows.jsonl", model=str(builtin_gguf()))
    assert folder.tokens == gguf.tokens
    assert folder.without_template == 0


def test_rows_that_the_template_refuses_are_counted_by_their_contents(workspace: Path, tool_context: Any) -> None:
    write(workspace / "rows.jsonl", {"text": "one two three"}, {"text": "four"})
    result = call(tool_context, dataset="rows.jsonl", model="builtin")
    assert result.tokens
    assert (result.tokens.min, result.tokens.max, result.without_template) == (1, 3, 0)


def test_a_file_without_a_usable_row_and_a_missing_model_are_bad_requests(workspace: Path, tool_context: Any) -> None:
    write(workspace / "rows.jsonl", "nonsense")
    with pytest.raises(DataError, match="no usable row"):
        call(tool_context, dataset="rows.jsonl")
    write(workspace / "rows.jsonl", {"text": "x"})
    with pytest.raises(ModelRefError):
        call(tool_context, dataset="rows.jsonl", model="no/such")


def test_a_change_of_the_file_meanwhile_is_noticed(workspace: Path, tool_context: Any) -> None:
    write(workspace / "rows.jsonl", {"text": "x"})
    args = inspect_dataset.validate({"dataset": "rows.jsonl"})
    result = inspect_dataset.run(args, tool_context)
    write(workspace / "rows.jsonl", {"text": "y"})
    assert "the file did not change meanwhile" in [c.name for c in inspect_dataset.checks(args, result) if not c.passed]


def test_a_row_that_got_lost_on_the_way_is_noticed(workspace: Path, tool_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelwright.data import reader

    write(workspace / "rows.jsonl", {"text": "x"}, {"text": "y"}, {"text": "z"})
    real = reader._sort
    monkeypatch.setattr(reader, "_sort", lambda record, found: None if record.line == 2 else real(record, found))
    args = inspect_dataset.validate({"dataset": "rows.jsonl"})
    failed = [check.detail for check in inspect_dataset.checks(args, inspect_dataset.run(args, tool_context)) if not check.passed]
    assert failed == ["2 usable and 0 bad of 3"]


def test_it_only_reads_and_its_estimate_grows_with_the_file(workspace: Path) -> None:
    assert inspect_dataset.effects == {Effect.READS_FILES}
    args = inspect_dataset.validate({"dataset": "rows.jsonl"})
    missing = inspect_dataset.estimate(args, workspace)
    write(workspace / "rows.jsonl", {"text": "x" * 20_000_000})
    full = inspect_dataset.estimate(args, workspace)
    assert full.seconds > missing.seconds
    assert full.memory_bytes > missing.memory_bytes
    assert full.seconds < inspect_dataset.estimate(args.model_copy(update={"model": "builtin"}), workspace).seconds
