"""What a price is for: an hour, a million tokens read or written, electricity, or a machine for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.planner import Planner

from .test_phrases import OneTool

STATED: list[tuple[str, dict[str, Any]]] = [
    ("we own the box, 9k usd, four-year write-off, 310 tokens/s", {"hardware_price": 9000, "lifetime_years": 4, "price": None}),
    ("a node costs 260000 over four years and gives 9000 tokens a second", {"hardware_price": 260000, "lifetime_years": 4}),
    ("what does it cost at $0.40 / $1.60 per million in/out", {"price": 0.4, "output_price": 1.6}),
    ("an API at 0.15 input, 0.60 output per million, what is it a month", {"price": 0.15, "output_price": 0.6}),
    ("quanto custa: 0,20 dólar o milhão lido e 0,80 o milhão escrito", {"price": 0.2, "output_price": 0.8, "price_per": "million_tokens"}),
    ("the rig draws 450 watts at 0.28, what does it cost", {"power_watts": 450, "electricity_price": 0.28}),
    ("the card hire is 1.15 EUR/h, what are a million tokens", {"price": 1.15, "price_per": "hour"}),
    ("it runs 24 hours a day, 200 W, and serves 600 questions daily, what does it cost", {"requests_per_day": 600}),
    ("rent is 34 cents an hour, answers ~60 tokens, what is it a month", {"output_tokens": 60, "price": 0.34}),
    ("combien coûte le serveur : 22 000 dollars, amorti sur 6 ans", {"hardware_price": 22000, "lifetime_years": 6}),
    ("the box was 7000 dollars written off in 3 yrs, what is a request", {"hardware_price": 7000, "output_price": None}),
]


@pytest.mark.parametrize(("request_", "args"), STATED)
def test_a_price_is_for_what_the_words_say(request_: str, args: dict[str, Any], workspace: Path, all_tools: dict[str, Tool]) -> None:
    plan = Planner(OneTool("cost"), all_tools, workspace).plan(request_)
    assert plan.kind == "plan", plan.question
    assert {name: plan.steps[0].args.get(name) for name in args} == args


@pytest.mark.parametrize(("text", "card"), [("two H100s", "H100"), ("our L4s", "L4"), ("an L40S", "L40S")])
def test_cards_in_the_plural_are_the_card(text: str, card: str, tmp_path: Path) -> None:
    assert [c.value for c in find(text, tmp_path) if c.kind == "gpu"] == [card]
