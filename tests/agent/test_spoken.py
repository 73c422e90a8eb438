"""How something is said: yes, stop, go on, a wish, a question, an addition."""

from __future__ import annotations

import pytest

from modelwright.agent.followups import spoken
from modelwright.agent.followups.spoken import Target


@pytest.mark.parametrize(
    ("text", "yes"),
    [("yes", True), ("ok, go ahead!", True), ("looks good", True), ("ok?", False), ("ok but rank 8", False), ("yes, quantize it", False)],
)
def test_a_yes_has_nothing_of_weight_beside_it(text: str, yes: bool) -> None:
    assert spoken.is_yes(text) is yes


@pytest.mark.parametrize(
    ("text", "stop"),
    [("stop", True), ("please stop the run", True), ("cancel", True), ("Pause it", True), ("remove stop words", False), ("go on", False)],
)
def test_a_stop_has_nothing_of_weight_beside_it(text: str, stop: bool) -> None:
    assert spoken.is_stop(text) is stop


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("go on", Target()),
        ("resume the fine-tuning", Target(frozenset({"finetune"}))),
        ("continue with the training", Target(frozenset({"finetune"}))),
        ("resume r261122-k7f2", Target(run="r261122-k7f2")),
        ("continue training on other.jsonl", None),
        ("does it go on", None),
    ],
)
def test_go_on_may_name_what_is_meant(text: str, target: Target | None) -> None:
    assert spoken.go_on(text) == target


@pytest.mark.parametrize(
    ("text", "adds"),
    [
        *(("also Q8_0", True), ("and Q8_0", True), ("Q8_0 as well", True), ("not only Q4_K_M but also Q8_0", True), ("add Q8_0", True)),
        *(("use Q8_0", False), ("and only Q8_0", False), ("Q8_0 instead", False), ("Q4_K_M and Q8_0", False)),
    ],
)
def test_an_addition_says_so(text: str, adds: bool) -> None:
    assert spoken.adds(text) is adds


@pytest.mark.parametrize(
    ("text", "wish"),
    [("hmm, I'd like Q8_0", "Q8_0"), ("Could you please use Q6_K?", "use Q6_K"), ("yes, but rank 8", "rank 8"), ("ok", "ok")],
)
def test_a_wish_is_read_without_its_politeness(text: str, wish: str) -> None:
    assert spoken.wish(text) == wish


def test_a_question_asks_and_changes_nothing() -> None:
    assert spoken.is_question("how long will it take")
    assert spoken.is_question("safe?")
    assert not spoken.is_question("use Q6_K?")
    assert not spoken.is_question("also Q8_0?")
