"""The load of a benchmark's result that a bill is reckoned from: the largest one that still meets the objective. Not a tool.

At its peak an engine gives the most tokens and the worst latency; nobody can be served there, so that price is not real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.errors import BadRequest, DataError
from modelwright.files import clear_os_errors

Json = dict[str, Any]
LARGEST = 50_000_000


@dataclass(frozen=True)
class Load:
    """One load, as the benchmark measured it."""

    name: str
    tokens_per_second: float
    """Output tokens, all requests at once."""
    share: float
    """Of the requests that met the objective."""
    objective: dict[str, float]
    input_tokens: float | None
    output_tokens: float | None
    watts: float | None
    """Of the whole machine, measured; None where it tells none."""


def chosen(path: Path, good_share: float) -> Load:
    """The largest load of which `good_share` of the requests meet the objective. Raises BadRequest when there is none."""
    points = _points(path)
    own = [point for point in points if point["side"] == points[-1]["side"]]  # a baseline is measured first
    judged = [point for point in own if point.get("goodput")]
    if not judged:
        fix = "run benchmark again with ttft_ms, tpot_ms or e2e_ms, or give tokens_per_second"
        raise BadRequest(f"{path} has no objective, so the load that users can be given is unknown", fix=fix)
    good = [point for point in judged if point["goodput"]["share"] >= good_share]
    if not good:
        best = max(judged, key=lambda point: float(point["goodput"]["share"]))
        raise BadRequest(
            f"no load of {path} meets its objective for {good_share:.0%} of the requests; the best, {best['load']}, for "
            f"{best['goodput']['share']:.0%}",
            fix="benchmark a smaller load, or choose another objective or good_share",
        )
    return _load(max(good, key=lambda point: (point["concurrency"], point["rate"] or 0)))


def _load(point: Json) -> Load:
    energy, seconds = point["machine"]["energy_joules"], point["seconds"]
    return Load(
        name=point["load"],
        tokens_per_second=point["output_tokens_per_second"]["value"],
        share=point["goodput"]["share"],
        objective=point["goodput"]["objective"],
        input_tokens=(point["prompt_tokens"] or {}).get("mean"),
        output_tokens=(point["output_tokens"] or {}).get("mean"),
        watts=energy / seconds if energy and seconds else None,
    )


def _points(path: Path) -> Sequence[Json]:
    """Of the benchmark.json that it left, of `call benchmark --json`, or of a run's JSON with a benchmark step."""
    with clear_os_errors(path):
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is too large for a result of benchmark", fix="give the result_path of a benchmark (benchmark.json)")
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        value = json.loads(text)
        results = [value, value.get("result") or {}, *(step.get("result") or {} for step in value.get("steps", []))]
        points: list[Json] = next(result["points"] for result in results if result.get("points"))
        for point in points:
            _ = _load({**point, "goodput": point["goodput"] or {"share": 0.0, "objective": {}}}), point["side"], point["concurrency"]
    except (ValueError, AttributeError, KeyError, TypeError, StopIteration):
        raise DataError(
            f"{path} is no result of benchmark",
            fix="give its result_path (benchmark.json), or what `modelwright call benchmark … --json` printed",
        ) from None
    return points
