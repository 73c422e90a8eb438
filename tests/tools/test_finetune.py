"""The finetune tool, from arguments to checks. Real training, on a two-layer model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.errors import BadRequest, DataError, EngineMissing, ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.tools.finetune import Args, Result, _epochs, _of_steps, checks, estimate, finetune
from tests.engines import tiny

MakeContext = Callable[..., RunContext]


@pytest.fixture
def rows(workspace: Path) -> Path:
    path = workspace / "tone.jsonl"
    words = ["red", "blue", "green", "black", "white", "pink", "grey", "gold"]
    chats = [{"prompt": f"Say {word}", "completion": f"The word is {word}."} for word in words]
    path.write_text("".join(json.dumps(chat) + "\n" for chat in chats), encoding="utf-8")
    return path


@pytest.fixture
def model(workspace: Path) -> str:
    return tiny.make(workspace / "model").name


@pytest.fixture
def done(workspace: Path, rows: Path, model: str, tool_context: RunContext) -> tuple[Args, Result]:
    args = Args(model=model, dataset=rows.name, epochs=14, learning_rate=2e-2, batch_size=4, max_length=64, output="tuned")
    result = finetune.run(args, tool_context)
    assert isinstance(result, Result)
    return args, result


def test_it_trains_and_its_checks_pass(done: tuple[Args, Result], workspace: Path) -> None:
    args, result = done
    assert [check.name for check in checks(args, result) if not check.passed] == []
    assert result.model == str(workspace / "tuned")
    assert result.loss_last < result.loss_first
    assert result.steps == 28
    assert {artifact.kind for artifact in result.artifacts} == {"adapter", "plot", "samples", "log"}
    assert "lora on 8 rows" in result.summary
    _checks_find_what_was_not_approved(args, result)
    _checks_find_missing_files_and_changed_data(args, result)


def _checks_find_what_was_not_approved(args: Args, result: Result) -> None:
    other = args.model_copy(update={"max_length": 128, "method": "dora"})
    failed = {check.name: check.detail for check in checks(other, result) if not check.passed}
    assert failed == {"as approved": "method 'lora' instead of 'dora'; max_length 64 instead of 128; dora False instead of True"}
    _checks_read_the_adapter_itself(args, result)
    risen = result.model_copy(update={"loss_last": result.loss_first + 1})
    assert [check.name for check in checks(args, risen) if not check.passed] == ["loss fell"]


def _checks_find_missing_files_and_changed_data(args: Args, result: Result) -> None:
    (Path(result.model) / "loss.png").unlink()
    (Path(result.model) / "adapter_model.safetensors").unlink()
    Path(result.scope["dataset"]).write_text('{"text": "other"}\n', encoding="utf-8")
    assert [check.name for check in checks(args, result) if not check.passed] == ["files", "as approved"]


def _checks_read_the_adapter_itself(args: Args, result: Result) -> None:
    config = Path(result.model) / "adapter_config.json"
    written = config.read_text(encoding="utf-8")
    config.write_text(json.dumps({**json.loads(written), "r": 8}), encoding="utf-8")
    assert [check.detail for check in checks(args, result) if not check.passed] == ["lora_rank 8 instead of 16"]
    config.write_text(written, encoding="utf-8")


def test_the_summary_says_how_many_rows_cannot_be_used_and_what_its_losses_are(
    workspace: Path, rows: Path, model: str, tool_context: RunContext
) -> None:
    whole = rows.read_text(encoding="utf-8").splitlines()[:4]
    rows.write_text("\n".join([*whole[:2], '{"prompt": "half', *whole[2:], '{"prompt": "only"}']) + "\n", encoding="utf-8")
    args = Args(model=model, dataset=rows.name, max_steps=3, learning_rate=2e-2, batch_size=4, max_length=64)
    result = finetune.run(args, tool_context)
    assert result.summary.startswith("lora on 4 of 6 rows, 2 cannot be used (line 3: ")
    assert f"loss {result.losses[0]:.2f} to {result.losses[-1]:.2f} (the first and the last of 3 steps), " in result.summary
    assert _of_steps([1.0] * 12) == " (means of the first and last 4 of 12 steps)"
    assert any("2 rows of tone.jsonl cannot be used" in note for note in result.notes)


def test_an_output_with_something_in_it_is_not_replaced(rows: Path, model: str, workspace: Path, tool_context: RunContext) -> None:
    (workspace / "mine").mkdir()
    (workspace / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    asked = {"model": model, "dataset": rows.name, "max_length": 64, "output": "mine"}
    (workspace / "mine" / "finetune.json").write_text(json.dumps(asked), encoding="utf-8")  # nor one that an earlier run made
    with pytest.raises(BadRequest, match="exists already"):
        finetune.run(Args(**asked), tool_context)
    assert (workspace / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_preference_pairs_are_sent_to_align(model: str, workspace: Path, tool_context: RunContext) -> None:
    (workspace / "pairs.jsonl").write_text('{"prompt": "Hi", "chosen": "Hello.", "rejected": "What?"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="preference pairs") as caught:
        finetune.run(Args(model=model, dataset="pairs.jsonl", max_length=64), tool_context)
    assert "align" in caught.value.fix


def test_a_length_beyond_the_models_context_is_refused(rows: Path, model: str, tool_context: RunContext) -> None:
    with pytest.raises(BadRequest, match="max_length 513 is more than the 512 tokens"):
        finetune.run(Args(model=model, dataset=rows.name, max_length=513), tool_context)


def test_qlora_without_its_package_names_the_pip_line(
    rows: Path, model: str, tool_context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "bitsandbytes" else real(name, *rest))
    with pytest.raises(EngineMissing) as caught:
        finetune.run(Args(model=model, dataset=rows.name, method="qlora", max_length=64), tool_context)
    assert caught.value.fix == "pip install 'modelwright[qlora]'"


def test_an_adapter_or_an_endpoint_cannot_be_trained(rows: Path, workspace: Path, tool_context: RunContext) -> None:
    (workspace / "adapter").mkdir()
    (workspace / "adapter" / "adapter_config.json").write_text("{}", encoding="utf-8")
    for ref, reason in (("adapter", "is an adapter already"), ("openai:http://localhost:1/v1#m", "is an endpoint")):
        with pytest.raises(ModelRefError, match=reason):
            finetune.run(Args(model=ref, dataset=rows.name), tool_context)


def test_the_estimate_grows_with_rows_epochs_and_length(workspace: Path, rows: Path) -> None:
    args = Args(dataset=rows.name)
    few = estimate(args, workspace)
    longer = estimate(args.model_copy(update={"epochs": 40}), workspace)
    rows.write_text(rows.read_text(encoding="utf-8") * 50, encoding="utf-8")
    many = estimate(args, workspace)
    assert few.seconds < longer.seconds < many.seconds
    assert few.memory_bytes <= many.memory_bytes
    assert few.disk_bytes < 50e6
    assert estimate(args.model_copy(update={"method": "full"}), workspace).disk_bytes > 500e6


def test_few_rows_are_seen_more_often_and_many_once() -> None:
    args = Args(dataset="x.jsonl")
    assert [_epochs(args, rows) for rows in (1, 20, 100, 5000)] == [10, 5, 1, 1]
    assert _epochs(args.model_copy(update={"epochs": 0.5}), 20) == 0.5


def test_max_steps_bounds_the_estimate(workspace: Path, rows: Path) -> None:
    rows.write_text(rows.read_text(encoding="utf-8") * 50, encoding="utf-8")
    assert estimate(Args(dataset=rows.name, max_steps=3), workspace).seconds < estimate(Args(dataset=rows.name), workspace).seconds / 2


def test_a_missing_data_set_is_named(workspace: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.jsonl is not a file"):
        estimate(Args(dataset="nothing.jsonl"), workspace)
