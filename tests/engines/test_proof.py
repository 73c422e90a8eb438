"""The measure of a proof: KL against the obvious formula, and bounds that an adapter cannot slip through."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelwright.engines import proof
from modelwright.errors import ProofFailed
from tests.engines import tiny


def reference(logits: Any, without: Any = None) -> proof.Reference:
    return proof.Reference([[1, 2, 3]] * 3, [logits] * 3, [without] * 3 if without is not None else [])


def slow_kl(a: list[float], b: list[float]) -> float:
    p, q = ([math.exp(x) / sum(math.exp(y) for y in row) for x in row] for row in (a, b))
    return sum(x * math.log(x / y) for x, y in zip(p, q, strict=True))


LOGITS = np.random.default_rng(0).normal(0, 3, (3, 20)).astype(np.float32)


def test_divergence_is_the_textbook_one() -> None:
    other = LOGITS + np.random.default_rng(1).normal(0, 1, LOGITS.shape).astype(np.float32)
    expected = [slow_kl(a.tolist(), b.tolist()) for a, b in zip(LOGITS, other, strict=True)]
    assert proof.divergence(LOGITS, other) == pytest.approx(expected, rel=1e-5)


def test_a_constant_added_to_all_logits_changes_nothing() -> None:
    assert proof.divergence(LOGITS, LOGITS + 100).max() < 1e-9


def test_huge_logits_do_not_overflow() -> None:
    assert np.isfinite(proof.divergence(LOGITS * 1000, LOGITS * 999)).all()


def test_the_same_logits_pass_and_are_counted() -> None:
    found = proof.check_logits(reference(LOGITS), lambda ids: LOGITS, "f16")
    assert (found["prompts"], found["tokens"], found["top1"], found["kl_mean"]) == (3, 9, 1.0, 0.0)


def test_other_logits_fail() -> None:
    with pytest.raises(ProofFailed, match="mean KL"):
        proof.check_logits(reference(LOGITS), lambda ids: LOGITS[:, ::-1], "q8_0")


def test_logits_that_are_not_numbers_fail() -> None:
    with pytest.raises(ProofFailed):
        proof.check_logits(reference(LOGITS), lambda ids: LOGITS * np.nan, "f16")


@pytest.mark.parametrize(
    ("dtype", "effect", "allowed"),
    [
        ("f16", None, 1e-4),
        ("f16", 0.5, 1e-4),
        ("f32", 5e-4, 5e-5),
        ("f16", 0.0, proof.NOISE),
        ("q8_0", 1e-5, proof.BOUNDS["q8_0"]),
    ],
)
def test_the_bound_of_an_adapter_follows_its_effect(dtype: str, effect: float | None, allowed: float) -> None:
    assert proof.bound(dtype, effect) == pytest.approx(allowed)


def test_an_effect_is_what_switching_the_adapter_off_changes() -> None:
    assert reference(LOGITS).adapter_effect is None
    assert reference(LOGITS, LOGITS).adapter_effect == 0
    assert (reference(LOGITS, LOGITS[:, ::-1]).adapter_effect or 0) > 1


def test_the_fixture_has_the_strings_that_tell_tokenizers_apart() -> None:
    text = "\n".join(proof.STRINGS)
    for part in ("9" * 70, "\r\n", "😀", "今天", "   ", "don't", "DON'T", "\t"):
        assert part in text


def test_tokens_that_differ_are_named() -> None:
    tokenizer = tiny.tokenizer_for("llama")
    with pytest.raises(ProofFailed, match="tokenize differently"):
        proof.check_tokenizer(tokenizer, lambda text: list(tokenizer(text).input_ids) + ([9] if "€" in text or "12" in text else []))


def test_a_template_that_refuses_must_be_refused_by_both() -> None:
    class Tokenizer:
        chat_template = "x"

        def apply_chat_template(self, messages: Any, **_: Any) -> str:
            raise ValueError("no system role")

    refusing = "{{ raise_exception('no') }}"
    assert proof.check_template(Tokenizer(), refusing, bos="", eos="")["differing"] == 0
    with pytest.raises(ProofFailed):
        proof.check_template(Tokenizer(), "fine", bos="", eos="")


def test_a_template_may_ask_for_the_date_and_for_json() -> None:
    template = "{{ strftime_now('%Y')[:2] }} {{ messages[0] | tojson }}"
    assert proof.render_stored(template, [{"content": "ü"}], False, bos="", eos="") == '20 {"content": "ü"}'


def test_a_template_cannot_reach_python() -> None:
    assert proof.render_stored("{{ ''.__class__.__mro__ }}", [], False, bos="", eos="") is None


def test_stop_tokens_that_do_not_stop_fail() -> None:
    class Tokenizer:
        bos_token_id, eos_token_id = 1, 2

    assert proof.check_stops(Tokenizer(), [2, 7], bos=1, eos=2, ends=lambda token: True) == {"eos": 2, "stops": [2, 7]}
    with pytest.raises(ProofFailed, match="token 7"):
        proof.check_stops(Tokenizer(), [2, 7], bos=1, eos=2, ends=lambda token: token == 2)
    with pytest.raises(ProofFailed, match="eos token is 2"):
        proof.check_stops(Tokenizer(), [2], bos=1, eos=3, ends=lambda token: True)
