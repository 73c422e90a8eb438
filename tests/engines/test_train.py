"""Real training of a two-layer model with random weights: every method, a kill, too little memory, and what is refused."""

from __future__ import annotations

import copy
import json
import resource
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from modelwright.canonical import sha256_of_path
from modelwright.engines import hf, train
from modelwright.engines.child import Job
from modelwright.engines.client import run_job
from modelwright.engines.train_clock import KEPT
from modelwright.errors import BadRequest, DataError, EngineCrashed, ModelRefError, ToolFailed, TrainingFailed
from modelwright.modelrefs import resolve
from tests.engines import tiny

Json = dict[str, Any]
Run = Callable[..., Json]


def chat(question: str, answer: str) -> Json:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture(autouse=True)
def own_memory_bound() -> Iterator[None]:
    """Training bounds its process's memory; here that process is the tests'."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "colours.jsonl"
    colours = ["red", "blue", "green", "black", "white", "pink"]
    rows = [chat(f"Say {colour} {n}", f"The word is {colour}." + " really" * n) for n in range(4) for colour in colours]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def spec(base: Path, dataset: Path, tmp_path: Path) -> Json:
    return {
        "model": asdict(resolve(str(base), tmp_path)),
        "dataset": str(dataset),
        "dataset_sha256": sha256_of_path(dataset),
        "method": "lora",
        "epochs": 5,
        "max_steps": None,
        "learning_rate": 2e-2,
        "lora_rank": 4,
        "lora_alpha": 8,
        "batch_size": 8,
        "max_length": 64,
        "seed": 7,
        "threads": 1,
        "cache_dir": str(tmp_path / "cache"),
        "output": str(tmp_path / "out" / "tuned"),
        "checkpoint_steps": 3,
        "sample_tokens": 8,
        "args": {"dataset": "colours.jsonl"},
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def start(spec: Json, name: str = "job") -> Json:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        job = Job(folder, spec)
        with job._events:
            return train.run(copy.deepcopy(spec), job)

    return start


def weights(folder: str) -> Any:
    from safetensors.torch import load_file

    return load_file(Path(folder) / "adapter_model.safetensors")


def said(folder: Path) -> list[Json]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def test_lora_teaches_and_leaves_everything_that_belongs_to_the_result(spec: Json, run: Run, tmp_path: Path) -> None:
    spec |= {"eval_dataset": spec["dataset"], "eval_sha256": spec["dataset_sha256"]}
    result = run(spec)
    folder = Path(result["output"])
    assert result["losses"][-1] < result["losses"][0] - 0.5
    assert result["eval_loss_after"] < result["eval_loss_before"]
    assert result["steps"] == 15
    assert result["scope"]["rows_trained"] == result["mask"]["rows"] == 24
    assert result["mask"]["rows_without_stop"] == 0
    assert 0 < result["mask"]["trained_share"] < 0.7
    assert {p.name for p in folder.iterdir()} >= {
        "adapter_model.safetensors",
        "adapter_config.json",
        "tokenizer.json",
        "README.md",
        "finetune.json",
        "training.json",
        "training_log.jsonl",
        "loss.png",
        "samples.json",
    }
    assert json.loads((folder / "finetune.json").read_text(encoding="utf-8")) == spec["args"]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert result["scope"]["weights_sha256"] in card
    assert "Licence" in card
    assert [sample["before"] == sample["after"] for sample in result["samples"]].count(False) > 0
    steps = [event for event in said(tmp_path / "job") if event["message"].startswith("train")]
    assert [event["step"] for event in steps] == list(range(1, 16))
    assert steps[-1].keys() >= {"steps", "loss", "tokens_per_second", "trained_tokens_per_second", "eta_seconds"}


def test_the_adapter_loads_on_its_base_and_answers_as_trained(spec: Json, run: Run, tmp_path: Path) -> None:
    result = run(spec | {"epochs": 20})
    model, tokenizer = hf.load(resolve(result["output"], tmp_path), tmp_path / "cache")
    text = tokenizer.apply_chat_template([{"role": "user", "content": "Say red 0"}], tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    out = model.generate(**ids, max_new_tokens=20, do_sample=False)[0, ids["input_ids"].shape[1] :]
    assert tokenizer.decode(out).startswith("The word is")
    assert tokenizer.eos_token_id in out.tolist()


@pytest.mark.parametrize("method", ["dora", "qlora", "full"])
def test_the_other_methods_teach_too(method: str, spec: Json, run: Run, tmp_path: Path) -> None:
    result = run(spec | {"method": method, "learning_rate": 3e-3 if method == "full" else 2e-2})
    assert result["losses"][-1] < result["losses"][0]
    assert result["weights_finite"]
    assert result["scope"]["method"] == method
    model = resolve(result["output"], tmp_path)
    assert model.kind == ("hf" if method == "full" else "adapter")
    hf.load(model, tmp_path / "cache")


def test_a_killed_run_that_is_run_again_ends_with_the_same_adapter(
    spec: Json, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec |= {"max_steps": 6, "checkpoint_steps": 2}
    undisturbed = run(spec, "undisturbed")["scope"]["weights_sha256"]
    spec["output"] = str(tmp_path / "out" / "again")
    monkeypatch.setenv("MODELWRIGHT_FAULT", "job.train:4")
    with pytest.raises(EngineCrashed):
        run_job("train", spec, tmp_path / "killed")
    monkeypatch.delenv("MODELWRIGHT_FAULT")
    assert not Path(spec["output"]).exists()
    (tmp_path / "killed" / KEPT).write_text('{"seconds": 500}', encoding="utf-8")
    result = run(spec, "killed")
    assert result["seconds"] > 500
    assert any(note.startswith("went on from step 2; 8:20 min") for note in result["notes"])
    assert any(event["message"] == "resume from step 2" for event in said(tmp_path / "killed"))
    assert len(result["losses"]) == 6
    assert result["scope"]["weights_sha256"] == undisturbed


def test_out_of_memory_takes_fewer_rows_at_once_and_trains_the_same(
    spec: Json, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real allocation failure: while more than two rows are in a batch, the forward pass asks for a petabyte."""
    import torch
    from transformers import LlamaModel

    plenty = run(spec, "plenty")
    real = LlamaModel.forward

    def greedy(self: Any, input_ids: Any = None, **kwargs: Any) -> Any:
        if self.training and len(input_ids) > 2:
            torch.empty(2**50, dtype=torch.uint8)
        return real(self, input_ids=input_ids, **kwargs)

    monkeypatch.setattr(LlamaModel, "forward", greedy)
    scarce = run(spec | {"output": str(tmp_path / "out" / "scarce")}, "scarce")
    assert scarce["rows_at_once"] == 2
    assert [note.partition(",")[0] for note in scarce["notes"]] == ["out of memory"] * 2
    assert scarce["scope"]["batch_size"] == 8
    rounding = 10 if scarce["scope"]["products"] == "bfloat16" else 1  # 8 bits of mantissa, where the processor has AMX
    assert scarce["losses"] == pytest.approx(plenty["losses"], abs=2e-3 * rounding)
    pairs = zip(weights(plenty["output"]).values(), weights(scarce["output"]).values(), strict=True)
    assert all(torch.allclose(a, b, atol=5e-3 * rounding) for a, b in pairs)


def test_the_loss_is_the_models_own_loss(spec: Json, run: Run, base: Path, dataset: Path) -> None:
    """Logits only where the loss looks must give what the model gives with all of them."""
    import torch
    from transformers import AutoModelForCausalLM

    from modelwright.engines.chat_template import stop_tokens
    from modelwright.engines.train_data import collate, encode_rows, load_rows

    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), tiny.tokenizer_for("llama")
    examples, _ = encode_rows(load_rows(dataset, None), tokenizer, stop_tokens(tokenizer, model), dataset, 64)
    rows = [{"input_ids": e.input_ids, "labels": e.labels} for e in examples]
    with torch.no_grad():
        expected = float(model(**collate(rows, tokenizer.pad_token_id)).loss)
    spec |= {"eval_dataset": str(dataset), "eval_sha256": sha256_of_path(dataset), "max_steps": 1}
    assert run(spec)["eval_loss_before"] == pytest.approx(expected, abs=1e-4)


def test_a_model_whose_loss_is_no_number_fails_at_the_first_step(spec: Json, run: Run, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tiny.make(tmp_path / "broken")
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingFailed, match="became nan at step 1"):
        run(spec | {"model": asdict(resolve(str(broken), tmp_path))})
    assert not Path(spec["output"]).exists()


def test_rows_that_max_length_cuts_are_noted_by_line(spec: Json, run: Run, tmp_path: Path) -> None:
    data = tmp_path / "long.jsonl"
    long_row = chat("word " * 90, "yes")
    data.write_text(Path(spec["dataset"]).read_text(encoding="utf-8") + json.dumps(long_row) + "\n", encoding="utf-8")
    result = run(spec | {"dataset": str(data), "dataset_sha256": sha256_of_path(data), "max_steps": 3})
    assert result["mask"]["dropped_lines"] == [25]
    assert "1 rows, not used: lines 25" in result["notes"][0]


def test_a_max_length_that_leaves_nothing_is_refused_before_training(spec: Json, run: Run) -> None:
    with pytest.raises(TrainingFailed, match="no token would be trained"):
        run(spec | {"max_length": 8})


def test_a_changed_file_is_refused(spec: Json, run: Run) -> None:
    with pytest.raises(DataError, match="changed after the run was planned"):
        run(spec | {"dataset_sha256": "0" * 64})


def test_what_another_specification_left_in_the_job_folder_is_not_gone_on_from(spec: Json, run: Run, tmp_path: Path) -> None:
    first = run(spec | {"max_steps": 3})
    other = run(spec | {"max_steps": 3, "seed": 8, "output": str(tmp_path / "out" / "other")})
    assert not any(event["message"].startswith("resume") for event in said(tmp_path / "job"))
    assert other["losses"] != first["losses"]
    again = run(spec | {"max_steps": 3, "seed": 8, "output": str(tmp_path / "out" / "other")})
    assert any(event["message"] == "resume from step 3" for event in said(tmp_path / "job"))
    assert again["scope"]["weights_sha256"] == other["scope"]["weights_sha256"]  # its own output, which it may replace


def test_a_folder_that_came_to_the_output_meanwhile_is_kept(spec: Json, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real, mine = train.prove_weights, Path(spec["output"]) / "mine.txt"

    def prove(*args: Any, **kwargs: Any) -> Json:
        mine.parent.mkdir()
        mine.write_text("years of work", encoding="utf-8")
        return real(*args, **kwargs)

    monkeypatch.setattr(train, "prove_weights", prove)
    with pytest.raises(BadRequest, match="exists already"):
        run(spec | {"max_steps": 1})
    assert [p.name for p in mine.parent.parent.iterdir()] == ["tuned"]
    assert [p.name for p in mine.parent.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_learning_rate_that_moves_nothing_is_no_training(method: str, spec: Json, run: Run) -> None:
    with pytest.raises(TrainingFailed, match="stayed flat"):
        run(spec | {"method": method, "learning_rate": 1e-12})
    with pytest.raises(TrainingFailed, match="as before training"):
        run(spec | {"method": method, "learning_rate": 1e-45, "max_steps": 2})


def test_a_prompt_that_is_too_long_is_no_sample(spec: Json, run: Run, tmp_path: Path) -> None:
    data = tmp_path / "long.jsonl"
    data.write_text(json.dumps(chat("word " * 90, "yes")) + "\n" + Path(spec["dataset"]).read_text(encoding="utf-8"), encoding="utf-8")
    result = run(spec | {"dataset": str(data), "dataset_sha256": sha256_of_path(data), "max_steps": 1})
    assert [sample["prompt"] for sample in result["samples"]] == ["Say red 0", "Say blue 0", "Say green 0"]


def test_out_of_memory_outside_a_step_is_said_in_plain_words(spec: Json, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from modelwright.engines import train_samples

    monkeypatch.setattr(train_samples, "answers", lambda *args: torch.empty(2**50, dtype=torch.uint8))
    with pytest.raises(ToolFailed, match="out of memory"):
        run(spec)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_an_adapter_cannot_be_trained_again(spec: Json, run: Run, base: Path, tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", base)
    with pytest.raises(ModelRefError, match="is an adapter"):
        run(spec | {"model": asdict(resolve(str(adapter), tmp_path))})


def test_sampling_and_evaluation_say_how_far_they_are(spec: Json, run: Run, dataset: Path, tmp_path: Path) -> None:
    run(spec | {"eval_dataset": str(dataset), "eval_sha256": sha256_of_path(dataset), "max_steps": 1, "sample_tokens": 16})
    lines = [json.loads(line) for line in (tmp_path / "job" / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    sampled = [(line["step"], line["steps"]) for line in lines if line["message"].startswith("sample answers before")]
    assert sampled == [(0, 16), (8, 16), (16, 16)]
    looked = [(line["step"], line["steps"]) for line in lines if line["message"].startswith("evaluate before")]
    assert looked == [(0, 24), (8, 24), (16, 24), (24, 24)]
