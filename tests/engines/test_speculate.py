"""Guessing ahead changes no token: prompt lookup and a draft model beside plain decoding, on a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.engines import gguf_write
from modelwright.engines.speculate import DraftModel, Greedy, Lookup, Race, _same_vocabulary
from modelwright.errors import BadRequest
from tests.engines import tiny

PROMPT = [5, 9, 12, 30, 44, 5, 9, 12, 31]


def gguf_of(folder: Path, seed: int, **changes: object) -> str:
    path = folder.with_suffix(".gguf")
    made = tiny.make(folder, seed=seed, **changes)
    gguf_write.write(made, tiny.tokenizer_for("llama"), path, dtype="f32", name="t", progress=lambda *a, **k: None)
    return str(path)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return gguf_of(folder / "one", 0), gguf_of(folder / "other", 1)


def greedy(path: str) -> Greedy:
    return Greedy(path, 1, 128)


@pytest.mark.parametrize("draft_tokens", [1, 4])
def test_prompt_lookup_writes_what_plain_decoding_writes(models: tuple[str, str], draft_tokens: int) -> None:
    race = Race(greedy(models[0]), Lookup(3), draft_tokens, 40)
    plain, guessed = race.plain(PROMPT), race.speculative(PROMPT)
    assert guessed.tokens == plain.tokens
    assert len(plain.tokens) == 40
    assert len(race.tally.step_seconds) == 39
    assert race.tally.accepted + race.tally.rounds >= 39


def test_a_draft_model_that_is_the_model_itself_is_always_right(models: tuple[str, str]) -> None:
    race = Race(greedy(models[0]), DraftModel(greedy(models[0])), 3, 21)
    plain, guessed = race.plain(PROMPT), race.speculative(PROMPT)
    assert guessed.tokens == plain.tokens
    assert (race.tally.accepted, race.tally.drafted, race.tally.rejections, race.tally.rounds) == (15, 15, 0, 5)


def test_a_draft_model_that_is_always_wrong_changes_nothing_but_the_cost(models: tuple[str, str]) -> None:
    race = Race(greedy(models[0]), DraftModel(greedy(models[1])), 3, 20)
    plain, guessed = race.plain(PROMPT), race.speculative(PROMPT)
    assert guessed.tokens == plain.tokens
    assert race.tally.rejections > 0
    assert race.tally.accepted < race.tally.drafted


def test_a_draft_model_of_another_vocabulary_is_refused(models: tuple[str, str], tmp_path: Path) -> None:
    other = gguf_of(tmp_path / "wide", 0, vocab_size=1100)
    with pytest.raises(BadRequest, match="the draft model has 1100 tokens"):
        _same_vocabulary(greedy(models[0]), greedy(other))
    _same_vocabulary(greedy(models[0]), greedy(models[1]))
