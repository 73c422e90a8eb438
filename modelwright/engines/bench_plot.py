"""Draws latency against throughput, a line for each side and kind of load: each load is a point, the knee is ringed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def draw(path: Path, points: Sequence[Json], knee: Json | None, objective: dict[str, float]) -> None:
    """`points` as in the result. Raises ImportError without matplotlib."""
    from matplotlib.figure import Figure  # without pyplot: half the import time

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, name, label in ((left, "scheduled_e2e_ms", "end to end with waiting, ms"), (right, "ttft_ms", "time to first token, ms")):
        for (side, is_open), line in _lines([point for point in points if point[name]]).items():
            _line(axes, line, name, f"{side}, {'requests a second' if is_open else 'requests at once'}")
        limit = objective.get("e2e_ms" if name == "scheduled_e2e_ms" else "ttft_ms")
        if limit is not None:
            axes.axhline(limit, linestyle="--", color="0.5", label=f"objective {limit:g} ms")
        axes.set(xlabel="output tokens per second, all requests", ylabel=f"{label}: median, line to p95")
        axes.margins(0.2)
        axes.set(xlim=(0, None), ylim=(0, None))
        axes.grid(alpha=0.3)
    if knee:
        left.plot(knee["output_tokens_per_second"], knee["latency_ms"], "o", markersize=16, fillstyle="none", color="black", label="knee")
    for axes in (left, right):
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": "modelwright"}, format="png")


def _lines(points: Sequence[Json]) -> dict[tuple[str, bool], list[Json]]:
    """By side and kind of load, in the order of the loads."""
    lines: dict[tuple[str, bool], list[Json]] = {}
    for point in points:
        lines.setdefault((point["side"], _is_open(point)), []).append(point)
    return lines


def _line(axes: Any, points: Sequence[Json], name: str, label: str) -> None:
    across = [point["output_tokens_per_second"]["value"] for point in points]
    middle = [point[name]["p50"] for point in points]
    above = [(point[name]["p95"] or point[name]["p50"]) - point[name]["p50"] for point in points]
    marker = "s" if _is_open(points[0]) else "o"
    axes.errorbar(across, middle, yerr=[[0] * len(above), above], marker=marker, capsize=3, label=label)
    for x, y, point in zip(across, middle, points, strict=True):
        below = _is_open(point)  # so that the two kinds of load do not write over each other
        axes.annotate(_short(point), (x, y), textcoords="offset points", xytext=(6, -11 if below else 6), fontsize=8)


def _is_open(point: Json) -> bool:
    return "requests/s" in point["load"]


def _short(point: Json) -> str:
    """The number of a load's name; the legend says of what."""
    words: list[str] = point["load"].split()
    return words[0] if _is_open(point) else words[-1]
