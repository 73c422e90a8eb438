"""Models are loaded in children here: three short questions, a few tokens each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import BadRequest, EngineMissing, ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.modelrefs import Model, builtin_gguf
from modelwright.tools import _evaluation_models as models
from modelwright.tools.compare import Contamination, Result, compare

QUESTIONS = ["Say hi.", "What is 2+2?", "Name one colour."]
RUBRIC = "[[check]]\nname = 'short'\nkind = 'max_words'\nvalue = 12\n[[check]]\nname = 'digit'\nkind = 'regex'\npattern = '[0-9]'\n"


def write_chat(path: Path, questions: list[str]) -> Path:
    rows = [{"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": "It is 4."}]} for q in questions]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def data(workspace: Path) -> Path:
    (workspace / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    return write_chat(workspace / "eval.jsonl", QUESTIONS)


def call(context: RunContext, **args: Any) -> Result:
    context.settings.threads = 1  # two threads of llama.cpp collapse when another process is busy
    result = compare.run(compare.validate({"max_new_tokens": 8, **args}), context)
    assert isinstance(result, Result)
    return result


def test_a_model_against_itself_cannot_tell_with_difference_zero(data: Path, tool_context: RunContext) -> None:
    write_chat(data.parent / "train.jsonl", [QUESTIONS[1], "Another question"])
    args = {
        "models": ["builtin", str(builtin_gguf())],
        "dataset": "eval.jsonl",
        "metrics": ["rubric", "perplexity"],
        "train_dataset": "train.jsonl",
    }
    result = call(tool_context, **args)

    assert (result.verdict, result.verdict_metric, result.rows) == ("cannot tell", "rubric", 3)
    assert [(pair.metric, pair.difference, pair.verdict, pair.n) for pair in result.pairs] == [
        ("rubric", 0, "cannot tell", 3),
        ("rubric_pass", 0, "cannot tell", 3),
        ("answer_perplexity", 0, "cannot tell", 3),
    ]
    assert [model.name for model in result.models] == ["builtin", "builtin (2)"]
    assert result.models[0].scores == result.models[1].scores
    assert set(result.sizes.values()) == {builtin_gguf().stat().st_size}
    assert isinstance(result.contamination, Contamination)
    assert (result.contamination.prompts, result.contamination.lines) == (1, [2])
    assert "cannot tell whether builtin (2) is better than builtin on rubric" in result.summary

    lines = [json.loads(line) for line in Path(result.items_path).read_text(encoding="utf-8").splitlines()]
    assert [line["prompt"] for line in lines] == QUESTIONS
    assert all(line["models"]["builtin"]["answer"] == line["models"]["builtin (2)"]["answer"] != "" for line in lines)
    assert all(sample.answers["builtin"] for sample in result.samples)
    assert all(check.passed for check in compare.checks(compare.validate(args), result))
    assert [sample.why for sample in result.samples] == ["least loss", "median", "least gain"]

    _checks_of_windows_count_lines(result)
    data.write_text(data.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    failed = [check.name for check in compare.checks(compare.validate(args), result) if not check.passed]
    assert failed == ["data set and rubric are unchanged"]


def _checks_of_windows_count_lines(result: Result) -> None:
    """Of plain text each window is a line."""
    four = result.models[0].scores["answer_perplexity"].model_copy(update={"n": 4})
    text = [model.model_copy(update={"scores": {"perplexity": four}, "answered": 0}) for model in result.models]
    failed = {
        check.name: check.detail
        for check in compare.checks(
            compare.validate({"models": ["a", "b"], "dataset": "x.txt"}), result.model_copy(update={"models": text, "pairs": []})
        )
        if not check.passed
    }
    assert failed == {"the items file is whole": "3 lines for 4 items"}


class Scripted(RunContext):
    """A real context whose models are written down; the scoring job is real."""

    answers: dict[str, list[str]]

    def job(self, engine: str, spec: dict[str, Any]) -> dict[str, Any]:
        if engine != "generate":
            return super().job(engine, spec)
        texts = self.answers[Path(spec["model"]["path"]).name]
        numbers = {"output_tokens": 3, "prompt_tokens": 5, "seconds": 0.1}
        details = [{"text": text, "finish": "length" if text.endswith("…") else "stop", **numbers} for text in texts]
        return {"answers": texts, "details": details, "seconds": 0.3, "tokens_per_second": 30.0, "engine": spec["engine"]}


@pytest.fixture
def scripted(tool_context: RunContext, workspace: Path) -> Callable[..., Scripted]:
    def make(**answers: list[str]) -> Scripted:
        for name in answers:
            folder = workspace / name
            folder.mkdir()
            (folder / "config.json").write_text("{}", encoding="utf-8")
        context = Scripted(**{name: getattr(tool_context, name) for name in ("workspace", "output_dir", "job_dir", "settings", "report")})
        context.answers = answers
        return context

    return make


def test_a_clear_gain_is_better_and_the_samples_show_the_ends(workspace: Path, scripted: Callable[..., Scripted]) -> None:
    (workspace / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    write_chat(workspace / "eval.jsonl", [f"question {i}" for i in range(20)])
    long = "many words " * 10
    old = ["42"] + [long] * 19
    new = [long + "…"] + [long] + ["It is 4."] * 18
    result = call(scripted(old=old, new=new), models=["old", "new"], dataset="eval.jsonl")

    assert (result.verdict, result.verdict_metric) == ("better", "rubric")
    assert "new is better than old on rubric: +0.85" in result.summary
    assert [(sample.why, sample.line, sample.gain) for sample in result.samples] == [
        ("biggest gain", 3, 1),
        ("median", 13, 1),
        ("biggest loss", 1, -1),
    ]
    by_metric = {pair.metric: pair for pair in result.pairs}
    assert by_metric["rubric_pass"].test.endswith("McNemar exact test")
    assert by_metric["rubric"].low > 0
    assert result.models[1].truncated == 1
    assert any("1 of 20 answers were cut" in note for note in result.notes)
    assert result.models[1].pass_rate.mean == 0.9
    assert result.models[1].checks["short"].mean == 0.9


def test_of_three_models_every_pair_is_compared_and_the_last_against_the_first_decides(
    workspace: Path, scripted: Callable[..., Scripted]
) -> None:
    write_chat(workspace / "eval.jsonl", [f"question {i}" for i in range(8)])
    context = scripted(a=["It is 4."] * 8, b=["no"] * 8, c=["no"] * 8)
    result = call(context, models=["a", "b", "c"], dataset="eval.jsonl", metrics=["exact_match"])
    verdicts = [(pair.a, pair.b, pair.verdict) for pair in result.pairs]
    assert verdicts == [("a", "b", "worse"), ("a", "c", "worse"), ("b", "c", "cannot tell")]
    assert result.verdict == "worse"
    assert any("not corrected for their number" in note for note in result.notes)


def test_names_are_short_and_unique() -> None:
    found = [
        Model("builtin", "gguf", "/x/b.gguf", is_builtin=True),
        Model("runs/s1/adapter", "adapter", "/runs/s1/adapter"),
        Model("runs/s2/adapter", "adapter", "/runs/s2/adapter"),
        Model("builtin", "gguf", "/x/b.gguf", is_builtin=True),
        Model("/far/q.gguf", "gguf", "/far/q.gguf"),
    ]
    assert models.short_names(found) == ["builtin", "s1/adapter", "s2/adapter", "builtin (2)", "q.gguf"]


def test_the_builtin_model_runs_where_the_others_do() -> None:
    builtin, adapter = Model("builtin", "gguf", "/x/b.gguf", is_builtin=True), Model("a", "adapter", "/a")
    file = Model("/q.gguf", "gguf", "/q.gguf")
    assert models.choose_engines([builtin, file]) == ["llama.cpp", "llama.cpp"]
    assert models.choose_engines([builtin, adapter, file]) == ["transformers", "transformers", "llama.cpp"]


@pytest.mark.parametrize(
    ("args", "error", "said"),
    [
        ({"models": ["builtin"]}, BadRequest, "compare.models"),
        ({"models": ["builtin", "nowhere"]}, ModelRefError, "no model 'nowhere'"),
        ({"models": ["builtin", "openai:http://localhost:1/v1#m"]}, EngineMissing, "not built yet"),
        ({"metric": ["rubric"]}, BadRequest, "did you mean metrics?"),
        ({"train_dataset": "no.jsonl"}, BadRequest, "no.jsonl"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    data: Path, tool_context: RunContext, args: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said.replace("?", r"\?")):
        call(tool_context, **{"models": ["builtin", "builtin"], "dataset": "eval.jsonl", **args})
    assert not tool_context.job_dir.exists()


def test_the_estimate_grows_with_rows_and_models_and_knows_models_that_are_not_there_yet(data: Path, workspace: Path) -> None:
    def seconds(**args: Any) -> float:
        return compare.estimate(compare.validate({"dataset": "eval.jsonl", **args}), workspace).seconds

    two = seconds(models=["builtin", "builtin"])
    assert 0 < seconds(models=["builtin", "builtin"], limit=1) < two < seconds(models=["builtin"] * 3)
    assert seconds(models=["builtin", "$s1.model"]) > two  # both by transformers then
    assert seconds(models=["builtin", "builtin"], metrics=["perplexity"]) < two
