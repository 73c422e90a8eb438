"""One real evaluation of the built-in model, and everything that is refused before one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import BadRequest, DataError, ModelwrightError
from modelwright.graphs.context import RunContext
from modelwright.tools import _evaluation_rows as rows
from modelwright.tools.evaluate import Result, evaluate

RUBRIC = "[[check]]\nname = 'short'\nkind = 'max_words'\nvalue = 12\n"


def write_rows(path: Path, examples: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(example) + "\n" for example in examples), encoding="utf-8")
    return path


def chat(question: str, answer: str = "It is 4.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def call(context: RunContext, **args: Any) -> Result:
    context.settings.threads = 1  # two threads of llama.cpp collapse when another process is busy
    result = evaluate.run(evaluate.validate({"model": "builtin", "max_new_tokens": 8, **args}), context)
    assert isinstance(result, Result)
    return result


def test_every_metric_of_the_builtin_model_is_measured_with_its_interval(workspace: Path, tool_context: RunContext) -> None:
    (workspace / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    write_rows(workspace / "eval.jsonl", [chat("What is 2+2?"), chat("Say hi."), chat("Name a colour."), {"messages": "broken"}])
    metrics = ["rubric", "exact_match", "contains", "regex", "rouge_l", "bleu", "perplexity"]
    result = call(tool_context, dataset="eval.jsonl", metrics=metrics, pattern="[a-z]")

    assert set(result.scores) == {*metrics[:-1], "answer_perplexity"}
    assert all(score.n == 3 and score.low <= score.mean <= score.high for score in result.scores.values())
    assert result.scores["regex"].mean == 1
    assert result.scores["answer_perplexity"].mean > 1
    assert result.pass_rate == result.checks["short"]
    assert (result.rows, result.engine, result.name) == (3, "llama.cpp", "builtin")
    assert result.tokens_per_second > 0
    assert "version" in result.signatures["bleu"]
    assert any("1 bad rows" in note for note in result.notes)
    assert "builtin on 3 rows: rubric" in result.summary

    items = [json.loads(line) for line in Path(result.items_path).read_text(encoding="utf-8").splitlines()]
    assert [item["line"] for item in items] == [1, 2, 3]
    assert items[0]["prompt"] == "What is 2+2?"
    assert items[0]["reference"] == "It is 4."
    assert items[0]["answer"]
    assert set(items[0]["scores"]) == {*metrics[:-1], "rubric_pass"}
    assert items[0]["checks"] == {"short": True}
    assert items[0]["nll"] > 0
    assert sum(item["finish"] == "length" for item in items) == result.truncated
    args = evaluate.validate({"model": "builtin", "dataset": "eval.jsonl"})
    assert all(check.passed for check in evaluate.checks(args, result))

    again = call(tool_context_like(tool_context), dataset="eval.jsonl", metrics=metrics, pattern="[a-z]")
    assert again.scores == result.scores  # the jobs were finished: nothing runs again

    args = evaluate.validate({"model": "builtin", "dataset": "eval.jsonl", "metrics": metrics, "pattern": "[a-z]"})
    fewer = result.model_copy(update={"scores": {"rubric": result.scores["rubric"]}})
    [missing] = [check.detail for check in evaluate.checks(args, fewer) if not check.passed]
    assert missing == "missing: bleu, contains, exact_match, perplexity, regex, rouge_l"

    Path(result.items_path).write_text("", encoding="utf-8")
    failed = [check.name for check in evaluate.checks(args, result) if not check.passed]
    assert failed == ["every row has its outcome"]


def tool_context_like(context: RunContext) -> RunContext:
    """The same call made again, as after a kill."""
    return RunContext(
        workspace=context.workspace,
        output_dir=context.output_dir,
        job_dir=context.job_dir,
        settings=context.settings,
        report=context.report,
    )


def test_plain_text_gives_perplexity_by_windows(workspace: Path, tool_context: RunContext) -> None:
    (workspace / "story.txt").write_text("The little boat went out to sea. " * 20 + "\n", encoding="utf-8")
    result = call(tool_context, dataset="story.txt")
    assert set(result.scores) == {"perplexity"}
    assert (result.pass_rate, result.truncated, result.tokens_per_second) == (None, 0, None)
    assert any("same tokenizer" in note for note in result.notes)
    assert all(check.passed for check in evaluate.checks(evaluate.validate({"model": "builtin", "dataset": "story.txt"}), result))


@pytest.mark.parametrize(
    ("files", "args", "said"),
    [
        ({}, {"dataset": "no.jsonl"}, "no.jsonl"),
        ({"e.jsonl": ""}, {"dataset": "e.jsonl"}, "e.jsonl"),
        ({"e.jsonl": '{"messages": [{"role": "user", "content": "hi"}]}\n'}, {"dataset": "e.jsonl", "metrics": ["rouge_l"]}, "e.jsonl"),
        ({"e.jsonl": '{"text": "hello"}\n'}, {"dataset": "e.jsonl", "metrics": ["rouge_l"]}, "only perplexity"),
        ({"e.jsonl": json.dumps(chat("a"))}, {"dataset": "e.jsonl", "metrics": ["rubric"]}, "needs a rubric"),
        ({"e.jsonl": json.dumps(chat("a"))}, {"dataset": "e.jsonl", "rubric": "r.toml", "metrics": ["rubric"]}, "no rubric at"),
        ({"e.jsonl": json.dumps(chat("a")), "rubric.toml": "x ="}, {"dataset": "e.jsonl"}, "rubric.toml: not readable"),
        ({"e.jsonl": json.dumps(chat("a"))}, {"dataset": "e.jsonl", "metrics": ["regex"], "pattern": "("}, "not a regular expression"),
        ({"e.jsonl": json.dumps(chat("a"))}, {"dataset": "e.jsonl", "metrics": ["accuracy"]}, "evaluate.metrics"),
        ({"e.jsonl": json.dumps(chat("a"))}, {"dataset": "e.jsonl", "limit": 0}, "evaluate.limit"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    workspace: Path, tool_context: RunContext, files: dict[str, str], args: dict[str, Any], said: str
) -> None:
    for name, text in files.items():
        (workspace / name).write_text(text, encoding="utf-8")
    with pytest.raises(ModelwrightError) as caught:
        call(tool_context, **args)
    assert said in str(caught.value)
    assert "\n" not in caught.value.message
    assert not tool_context.job_dir.exists()


def test_a_prompt_longer_than_the_context_is_refused_with_its_number(workspace: Path, tool_context: RunContext) -> None:
    write_rows(workspace / "eval.jsonl", [chat("short"), chat("word " * 9000)])
    with pytest.raises(DataError, match="prompt 2 is too long"):
        call(tool_context, dataset="eval.jsonl", metrics=["exact_match"])


def test_an_endless_pattern_of_a_rubric_ends_the_scoring_and_names_the_check(workspace: Path, tool_context: RunContext) -> None:
    (workspace / "rubric.toml").write_text("[[check]]\nname = 'endless'\nkind = 'regex'\npattern = '(x+x+)+y'\n", encoding="utf-8")
    spec = {
        "references": [None],
        "metrics": ["rubric"],
        "rubric": str(workspace / "rubric.toml"),
        "seed": 1,
        "models": [{"name": "m", "answers": ["x" * 60], "nll": None}],
    }
    with pytest.raises(BadRequest, match="check 'endless'"):
        tool_context.job("score", spec)


def test_the_metrics_are_chosen_by_what_stands_there(workspace: Path) -> None:
    text, chats = write_rows(workspace / "t.jsonl", [{"text": "hello"}]), write_rows(workspace / "c.jsonl", [chat("a")])
    assert rows.default_metrics(rows.read_set(text, None, 7).is_text, None) == ["perplexity"]
    assert rows.default_metrics(rows.read_set(chats, None, 7).is_text, None) == ["rouge_l", "exact_match"]
    assert rows.default_metrics(False, workspace / "rubric.toml") == ["rubric"]


def test_a_limit_draws_a_seeded_sample_in_file_order(workspace: Path) -> None:
    path = write_rows(workspace / "eval.jsonl", [chat(f"question {i}") for i in range(30)])
    first, again, other = (rows.read_set(path, 10, seed) for seed in (1, 1, 2))
    lines = [item.line for item in first.items]
    assert lines == sorted(lines) == [item.line for item in again.items]
    assert lines != [item.line for item in other.items]
    assert first.notes == ["10 of 30 rows, drawn with seed 1"]
    assert len(rows.read_set(path, 99, 1).items) == 30


def test_prompts_and_references_come_from_every_format(workspace: Path) -> None:
    turns = [{"role": "system", "content": "Be brief."}, *chat("a")["messages"], *chat("b", "last")["messages"]]
    [item] = rows.read_set(write_rows(workspace / "c.jsonl", [{"messages": turns}]), None, 7).items
    assert (item.reference, item.messages) == ("last", turns[:-1])
    assert item.prompt.startswith("system: Be brief.\nuser: a")
    [item] = rows.read_set(write_rows(workspace / "p.jsonl", [{"prompt": "q", "chosen": "good", "rejected": "bad"}]), None, 7).items
    assert (item.prompt, item.reference) == ("q", "good")
