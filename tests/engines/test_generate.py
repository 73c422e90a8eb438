"""The built-in model answers in a child; the transformers side runs on a tiny model made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import generate, leftovers, runtimes
from modelwright.engines.child import Job
from modelwright.errors import BadRequest, DataError, EngineCrashed, EngineMissing, ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.modelrefs import Model, resolve
from tests.engines import tiny

QUESTIONS = ["Say hi.", "What is 2+2?", "Name three colours.", "Say hi."]


def ask(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}]


def spec_for(model: Model, questions: list[str], **changes: Any) -> dict[str, Any]:
    settings = {"max_new_tokens": 12, "threads": 1, "cache_dir": "/nowhere"}
    return {"model": asdict(model), "prompts": [ask(question) for question in questions], **settings, **changes}


def builtin_spec(**changes: Any) -> dict[str, Any]:
    return spec_for(resolve("builtin", Path()), QUESTIONS, **changes)


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    made = Job(tmp_path, {})
    yield made
    made._events.close()


def reported(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_killed_job_goes_on_where_it_was_and_gives_the_answers_of_an_unkilled_one(
    tool_context: RunContext, make_tool_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tool_context.job("generate", builtin_spec())
    assert len(whole["answers"]) == 4
    assert whole["answers"][0] == whole["answers"][3] != ""  # what was asked before changes nothing
    assert {d["finish"] for d in whole["details"]} == {"stop", "length"}
    assert all(d["output_tokens"] == 12 for d in whole["details"] if d["finish"] == "length")
    assert whole["output_tokens"] == sum(d["output_tokens"] for d in whole["details"])
    assert (whole["engine"], whole["tokens_per_second"] > 0) == ("llama.cpp", True)

    monkeypatch.setenv("MODELWRIGHT_FAULT", "job.answered:2")
    with pytest.raises(EngineCrashed):
        make_tool_context("s2").job("generate", builtin_spec())
    monkeypatch.delenv("MODELWRIGHT_FAULT")
    again = make_tool_context("s2")
    log = again.job_dir / "1-generate" / generate.FILE
    with log.open("a", encoding="utf-8") as stream:
        stream.write('{"index": 2, "te')  # a line torn by the kill
    assert again.job("generate", builtin_spec())["answers"] == whole["answers"]
    assert [event["step"] for event in reported(log.parent)] == [3, 4]


def test_transformers_answers_in_padded_batches_what_it_answers_one_by_one(tiny_folder: Path, job: Job) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    questions = ["Hi", "What is two and two, and what is three?", "Name it", "A much longer question, so that others are padded"]
    found = generate.run(spec_for(Model("tiny", "hf", str(tiny_folder)), questions), job)

    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32), AutoTokenizer.from_pretrained(tiny_folder)
    for question, detail in zip(questions, found["details"], strict=True):
        prompt = tokenizer.apply_chat_template(ask(question), tokenize=False, add_generation_prompt=True)
        ids = tokenizer(prompt, add_special_tokens=False).input_ids
        new: list[int] = []
        while len(new) < 12 and (not new or new[-1] != 2):  # 2 is <|im_end|>
            new.append(int(model(torch.tensor([ids + new])).logits[0, -1].argmax()))
        stopped = new[-1] == 2
        assert detail["text"] == tokenizer.decode(new[:-1] if stopped else new, skip_special_tokens=True)
        assert detail["finish"] == ("stop" if stopped else "length")
        assert detail["prompt_tokens"] == len(ids)
    assert found["engine"] == "transformers"


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft's own
def test_an_adapter_answers_otherwise_than_its_base(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tiny.adapter(tmp_path / "adapter", tiny_folder)
    answers = []
    for model in (Model("base", "hf", str(tiny_folder)), Model("tuned", "adapter", str(folder))):
        (tmp_path / model.ref).mkdir()
        job = Job(tmp_path / model.ref, {})
        answers.append(generate.run(spec_for(model, QUESTIONS), job)["answers"])
        job._events.close()
    assert answers[0] != answers[1]


def test_the_models_own_sampling_settings_do_not_reach_the_answers(tiny_folder: Path, tmp_path: Path, job: Job) -> None:
    import shutil

    loud = tmp_path / "loud"
    shutil.copytree(tiny_folder, loud)
    settings = {"do_sample": True, "temperature": 5.0, "repetition_penalty": 3.0, "eos_token_id": 2, "bos_token_id": 0}
    (loud / "generation_config.json").write_text(json.dumps(settings), encoding="utf-8")
    plain = generate.run(spec_for(Model("tiny", "hf", str(tiny_folder)), QUESTIONS), job)["answers"]
    assert generate.run(spec_for(Model("loud", "hf", str(loud)), QUESTIONS), job)["answers"] == plain


def test_a_log_keeps_whole_lines_of_the_same_job_only(tmp_path: Path) -> None:
    path = tmp_path / generate.FILE
    generate.AnswerLog(path, "one").add([{"index": 0, "text": "a"}, {"index": 1, "text": "b"}])
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"index": 2')
    same = generate.AnswerLog(path, "one")
    assert same.answers == {0: {"index": 0, "text": "a"}, 1: {"index": 1, "text": "b"}}
    assert same.has([0, 1])
    assert not same.has([1, 2])
    assert generate.AnswerLog(path, "two").answers == {}


def test_answers_of_a_model_that_was_written_anew_are_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"one")
    model = Model("m", "gguf", str(file))
    before = leftovers.fingerprint({}, model)
    file.write_bytes(b"other")
    assert leftovers.fingerprint({}, model) != before


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"model": asdict(Model("openai:http://h/v1#m", "endpoint", "http://h/v1#m"))}, EngineMissing, "not built yet"),
        ({"prompts": []}, BadRequest, "no prompts"),
        ({"prompts": [ask("short"), ask("long " * 600)]}, DataError, "prompt 2 is too long"),
        ({"max_new_tokens": 600}, DataError, "do not fit the model's context of 512"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_reason(
    tiny_folder: Path, job: Job, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        generate.run({**spec_for(Model("tiny", "hf", str(tiny_folder)), ["hi"]), **changes}, job)


def test_a_model_without_a_chat_template_says_so(tiny_folder: Path, tmp_path: Path, job: Job) -> None:
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(tiny_folder, bare, ignore=shutil.ignore_patterns("chat_template*"))
    config = json.loads((bare / "tokenizer_config.json").read_text(encoding="utf-8"))
    config.pop("chat_template", None)
    (bare / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelRefError, match="no chat template"):
        generate.run(spec_for(Model("bare", "hf", str(bare)), ["hi"]), job)


def test_batches_hold_every_prompt_once_and_never_too_many_tokens() -> None:
    runtime = object.__new__(runtimes.TransformersRuntime)
    prompts = [[1] * length for length in (5, 900, 7, 3000, 20, 6, 5, 5, 5, 5, 5, 5, 5)]
    groups = runtime.batches(prompts, 100)
    assert sorted(index for group in groups for index in group) == list(range(len(prompts)))
    assert max(map(len, groups)) == runtimes.BATCH
    for group in groups:
        assert len(group) == 1 or len(group) * (max(len(prompts[i]) for i in group) + 100) <= runtimes.BATCH_TOKENS
