from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import perplexity, runtimes
from modelwright.engines.child import Job
from modelwright.errors import DataError
from modelwright.modelrefs import Model, builtin_gguf, resolve
from tests.engines import tiny

TEXT = "The boat went out to sea, and the sea was calm. " * 4
TALK = [{"role": "user", "content": "What is the capital of France?"}, {"role": "assistant", "content": "It is Paris."}]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model("tiny", "hf", str(tiny.make(tmp_path_factory.mktemp("tiny") / "model")))


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    made = Job(tmp_path, {})
    yield made
    made._events.close()


def measure(model: Model, job: Job, **data: Any) -> dict[str, Any]:
    return perplexity.run({"model": asdict(model), "threads": 1, "cache_dir": "/nowhere", **data}, job)


def test_llama_cpp_gives_the_loss_that_its_own_scores_give(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    import llama_cpp
    import numpy as np

    monkeypatch.setattr(runtimes, "ROWS", 7)  # several parts, the last one shorter
    found = measure(resolve("builtin", Path()), job, texts=[TEXT])
    llm = llama_cpp.Llama(str(builtin_gguf()), n_ctx=256, n_threads=1, logits_all=True, verbose=False)
    tokens = llm.tokenize(TEXT.encode(), add_bos=True)
    llm.eval(tokens)
    losses = []
    for position in range(len(tokens) // 2, len(tokens) - 1):  # the slow, obvious way
        row = llm.scores[position].astype(np.float64)
        losses.append(math.log(np.exp(row).sum()) - row[tokens[position + 1]])
    assert found["tokens"] == [len(losses)]
    assert found["perplexity"] == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-3)
    assert (found["name"], found["engine"], found["window"]) == ("perplexity", "llama.cpp", len(tokens))
    assert "same tokenizer" in found["note"]


def test_transformers_gives_the_loss_that_the_model_gives_itself(tiny_model: Model, job: Job) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = measure(tiny_model, job, texts=[TEXT])
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_model.path), AutoTokenizer.from_pretrained(tiny_model.path)
    ids = torch.tensor([tokenizer(TEXT).input_ids])
    labels = ids.clone()
    labels[:, : ids.shape[1] // 2 + 1] = -100
    with torch.no_grad():
        loss = model(ids, labels=labels).loss.item()
    assert math.log(found["perplexity"]) == pytest.approx(loss, rel=1e-4)


def test_long_text_is_cut_into_windows_whose_second_half_is_scored(tiny_model: Model, job: Job) -> None:
    found = measure(tiny_model, job, texts=[TEXT * 20, TEXT])
    assert len(found["nll"]) >= 2
    assert set(found["tokens"]) == {255}  # as llama.cpp: logits 256..510 predict tokens 257..511
    assert found["perplexity"] == pytest.approx(math.exp(sum(found["nll"]) / sum(found["tokens"])))


def test_a_model_that_wants_a_bos_gets_it_in_front_of_each_window(tiny_model: Model) -> None:
    runtime = runtimes.open_runtime(tiny_model, engine=None, cache_dir="/nowhere", threads=1)
    runtime.encode = lambda text, plain=False: [0, *range(10, 1100)]
    runtime.adds_bos = True
    windows, size = perplexity.text_windows(runtime, ["any"])
    assert (size, [window[0] for window, _ in windows]) == (512, [0, 0])
    assert windows[1][0][1] == 10 + 512


@pytest.mark.parametrize("reference", ["builtin", "tiny"])
def test_only_the_answer_and_its_end_of_turn_are_scored(tiny_model: Model, reference: str) -> None:
    model = tiny_model if reference == "tiny" else resolve("builtin", Path())
    runtime = runtimes.open_runtime(model, engine=None, cache_dir="/nowhere", threads=1)
    tokens, first = runtimes.encode_answer(runtime, TALK, 1)
    assert tokens[first:] == runtime.encode("It is Paris.<|im_end|>")
    assert tokens[:first] == runtime.encode(runtime.render(TALK[:-1], generation=True))


def test_a_surprising_answer_has_a_higher_answer_perplexity(job: Job) -> None:
    odd = [TALK[0], {"role": "assistant", "content": "Umbrella zinc quarterly?"}]
    found = measure(resolve("builtin", Path()), job, conversations=[TALK, odd])
    assert found["name"] == "answer_perplexity"
    assert found["nll"][0] / found["tokens"][0] < found["nll"][1] / found["tokens"][1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"texts": ["short"]}, "perplexity needs at least 32"),
        ({"conversations": [TALK, [TALK[0], {"role": "assistant", "content": "long " * 600}]]}, "conversation 2 has"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_place(tiny_model: Model, job: Job, data: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        measure(tiny_model, job, **data)
