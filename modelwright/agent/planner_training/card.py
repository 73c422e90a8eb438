"""CARD.md of the adapter, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.agent.planner_training.rows import NEAR
from modelwright.types import Json


def card(scores: Json, recipe: Json, rows: Mapping[str, int]) -> str:
    """What it is, how it was made, how good it is on held-out requests, and where it is wrong."""
    train, adapter, paired = recipe["finetune"], scores["adapter"], scores["paired"]
    low, high = paired["interval"]
    lines = [
        "# The planner's adapter",
        "",
        "A LoRA adapter for SmolLM2-135M-Instruct (Q4_1, Apache-2.0) that drafts plans in the language of `models/compact.py`.",
        f"Made by `make planner-adapter` from {' and '.join(f'`{name}`' for name in recipe['patterns'])}, "
        "requests that were written for this project; no one's logs are in it.",
        "",
        f"- {adapter['bytes'] / 1e6:.1f} MB, f16, sha256 `{adapter['sha256']}`",
        f"- {rows['kept']} rows, each seen {train['epochs']} time; rank {train['lora_rank']}, batch {train['batch_size']}, "
        f"learning rate {train['learning_rate']}, seed {recipe['seed']}; loss on the answer only",
        *([f"- {rows[NEAR]} rows refused for being near a held-out request"] if NEAR in rows else []),
        f"- knows by heart: {', '.join(adapter['tools'])}",
        "",
        f"## Held-out requests: {scores['held_out']['rows']} (`{scores['held_out']['file']}`, used for decisions while it was made)",
        "",
        "| | with the adapter | without it |",
        "| --- | --- | --- |",
        *(f"| {name} | {_share(scores['tuned'], a, b)} | {_share(scores['untuned'], a, b)} |" for name, a, b in ROWS),
        f"| median seconds a draft | {scores['tuned']['median_seconds']} | {scores['untuned']['median_seconds']} |",
        "",
        f"Paired, on {paired['rows']} requests: {paired['gain']:+.1%} wholly right ({low:+.1%} to {high:+.1%}, "
        f"p = {paired['p_value']:.1g}; {paired['test']}).",
        f"Measured on {scores['machine']}. Without the adapter the cards of the right tools are always among the eight shown.",
        "",
        f"It is wrong on {len(scores['wrong'])} of them; `scores.json` names each. Drafts are checked by rules and the plan checker",
        "before anybody sees them, so these are not the figures of the planner.",
        "",
    ]
    return "\n".join(lines)


ROWS = [
    ("wholly right", "right", "rows"),
    ("right tools, of plans", "tools", "plans"),
    ("right tools and stated arguments, of plans", "tools_and_arguments", "plans"),
    ("asked, of incomplete requests", "questions_right", "questions"),
    ("declined, of requests for something else", "nones_right", "nones"),
]


def _share(side: Json, part: str, whole: str) -> str:
    return f"{side[part]} of {side[whole]} ({side[part] / max(1, side[whole]):.0%})"
