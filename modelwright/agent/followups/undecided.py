"""Why a measurement could not tell: the difference with its interval, how many rows, and what would not have shown. From its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwright.agent.past import Past, PastStep
from modelwright.text import one_line
from modelwright.types import Json

UNDECIDED = "cannot tell"
NONE = "no measurement of this session was left undecided"


def why(pasts: Sequence[Past]) -> str:
    """Of the newest measurement that could not tell."""
    found = next(((past, step) for past in pasts for step in reversed(past.steps) if step.result.get("verdict") == UNDECIDED), None)
    return "\n".join(_lines(*found)) if found else NONE


def _lines(past: Past, step: PastStep) -> Iterator[str]:
    yield f"run {past.run.id} {step.id} {step.tool}: {one_line(str(step.result.get('summary', '')), 400)}"
    pairs = [pair for pair in step.result.get("pairs") or [] if isinstance(pair, dict) and pair.get("verdict") == UNDECIDED]
    decisive = [pair for pair in pairs if pair.get("metric") == step.result.get("verdict_metric")]
    yield from (f"  {_reason(pair)}" for pair in decisive or pairs)
    yield from (f"  {one_line(str(check['detail']), 300)}" for check in step.checks if not check["passed"])


def _reason(pair: Json) -> str:
    names = f"{one_line(str(pair.get('b')), 60)} and {one_line(str(pair.get('a')), 60)}"
    low, high, rows = pair.get("low"), pair.get("high"), pair.get("n")
    if low is None or high is None:
        return f"{names}: {rows} rows give no interval"
    least = pair.get("smallest_detectable")
    more = f"; with so many rows a difference below {least:.2f} does not show" if least else ""
    return f"{names}: over {rows} rows the difference lies between {low:+.2f} and {high:+.2f}, so it may be none{more}. More rows tell more"
