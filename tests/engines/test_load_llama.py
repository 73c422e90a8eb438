"""Requests in one llama.cpp context: batched or alone they give the same tokens; lengths, times and caches are as told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import gguf_write, load_llama
from modelwright.engines.bench_prompts import Lengths, made
from modelwright.engines.load_llama import LlamaTarget, exactly
from modelwright.engines.load_transformers import TransformersTarget
from modelwright.engines.load_types import Options, Request, closed, opened
from modelwright.errors import BadRequest
from modelwright.modelrefs import Model
from modelwright.scoring import latency
from tests.engines import tiny

LENGTHS = Lengths(20, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def gguf(folder: Path) -> Path:
    path = folder.parent / "tiny.gguf"
    gguf_write.write(folder, tiny.tokenizer_for("llama"), path, dtype="f32", name="t", progress=lambda *a, **k: None)
    return path


class Spy(LlamaTarget):
    """Keeps the tokens that were chosen, by request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chosen: list[int] = []

    def choose(self, row: int) -> int:
        self.chosen.append(super().choose(row))
        return self.chosen[-1]


def target(gguf: Path, *, enforce: bool = True, prefix_cache: bool = False, slots: int = 3) -> Spy:
    model = Model("tiny.gguf", "gguf", str(gguf))
    return Spy(model, Options(enforce, prefix_cache, 60), threads=1, slots=slots, longest=64)


def test_requests_that_share_a_batch_write_what_they_write_alone(gguf: Path) -> None:
    requests = made(LENGTHS, 3, seed=1, salt="x")
    together, alone = target(gguf), target(gguf, slots=1)
    together.run(requests, closed(3))
    alone.run(requests, closed(1))
    assert together.chosen[0::3] + together.chosen[1::3] + together.chosen[2::3] == alone.chosen
    assert len(set(alone.chosen)) > 6


def test_every_request_has_its_length_and_its_times(gguf: Path) -> None:
    records = target(gguf).run(made(LENGTHS, 5, seed=1, salt="x"), closed(2))
    assert [record.index for record in records] == list(range(5))
    for record in records:
        assert (record.prompt_tokens, record.output_tokens, record.finish, record.cached_tokens) == (20, 6, "length", 0)
        assert record.scheduled == record.sent < record.first < record.end
        assert list(record.chunks) == sorted(record.chunks)
        assert len(record.chunks) == 6
    assert sum(a.sent < b.end and b.sent < a.end for a in records for b in records if a is not b) > 0


def test_without_enforcing_an_answer_ends_where_the_model_ends_it(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = target(gguf, enforce=False, slots=1)
    monkeypatch.setattr(there, "_ends", there._ends.__class__((1,), dtype=int))
    there._ends[0] = there.run(made(LENGTHS, 1, seed=1, salt="x"), closed(1)) and there.chosen[2]
    [record] = there.run(made(LENGTHS, 1, seed=1, salt="x"), closed(1))
    assert record.finish == "stop"
    assert record.output_tokens <= 3


def test_in_an_open_load_requests_wait_for_a_slot_and_that_is_queue_time(gguf: Path) -> None:
    load = opened(1e5, 4, "poisson", 1, seed=1)
    records = target(gguf).run(made(LENGTHS, 4, seed=1, salt="x"), load)
    queue = latency.values(records, "queue_ms")
    assert queue == sorted(queue)
    assert queue[3] >= (records[0].end - records[0].sent) * 1000
    assert [record.scheduled for record in records] == pytest.approx(list(load.arrivals), abs=1e-6)


def test_the_prefix_cache_is_used_only_when_it_is_asked_for(gguf: Path) -> None:
    with_cache, without = target(gguf, prefix_cache=True, slots=1), target(gguf, slots=1)
    same = made(LENGTHS, 3, seed=1, salt=None)
    assert [record.cached_tokens for record in with_cache.run(same, closed(1))] == [0, 19, 19]
    assert [record.cached_tokens for record in without.run(same, closed(1))] == [0, 0, 0]
    assert with_cache.chosen == without.chosen
    with_cache.fresh()
    assert with_cache.run(same[:1], closed(1))[0].cached_tokens == 0


def test_a_prompt_longer_than_a_batch_is_read_in_parts(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = made(Lengths(50, 3), 2, seed=1, salt="x")
    whole = target(gguf, slots=2)
    whole.run(requests, closed(2))
    monkeypatch.setattr(load_llama, "BATCH", 16)
    parts = target(gguf, slots=2)
    parts.run(requests, closed(2))
    assert sorted(parts.chosen) == sorted(whole.chosen)


def test_a_conversation_is_written_by_the_chat_template(gguf: Path) -> None:
    there = target(gguf)
    tokens = there.encode(Request(0, 0, 1, messages=({"role": "user", "content": "hi"},)))
    assert len(tokens) > len(there.encode(Request(0, 1, 1, text="hi")))


def test_what_does_not_fit_the_context_is_refused(gguf: Path) -> None:
    there = LlamaTarget(Model("t", "gguf", str(gguf)), Options(True, False, 1), threads=1, slots=1, longest=600)
    with pytest.raises(BadRequest, match="request 1: 510 tokens and an answer of 6 do not fit the model's context of 512"):
        there.run(made(Lengths(510, 6), 1, seed=1, salt="x"), closed(1))
    with pytest.raises(BadRequest, match="no GGUF file"):
        LlamaTarget(Model("t", "hf", str(gguf)), Options(True, False, 1), threads=1, slots=1, longest=60)


def test_exactly_repeats_what_is_too_short() -> None:
    assert exactly([1, 2, 3], 7) == [1, 2, 3, 1, 2, 3, 1]


def test_transformers_answers_a_batch_at_a_time_with_the_lengths_asked_for(folder: Path, gguf: Path) -> None:
    there = TransformersTarget(Model("tiny", "hf", str(folder)), Options(True, False, 60), threads=1, cache_dir=folder)
    requests = made(LENGTHS, 3, seed=1, salt="x")
    records = there.run(requests, closed(2))
    assert [(record.prompt_tokens, record.output_tokens, record.finish) for record in records] == [(20, 6, "length")] * 3
    assert records[0].first == records[1].first  # one batch
    assert records[2].sent >= records[1].end  # a static batch is waited for
    late = there.run(requests, opened(1e5, 3, "constant", 1, seed=1))
    assert latency.values(late, "queue_ms")[2] > 0
    with pytest.raises(BadRequest, match="no prefix cache"):
        TransformersTarget(Model("tiny", "hf", str(folder)), Options(True, True, 60), threads=1, cache_dir=folder)
