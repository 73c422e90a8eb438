"""Draws latency against throughput, one line a side: each load is a point with its name, the knee is ringed."""

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
        for side in dict.fromkeys(point["side"] for point in points):
            _line(axes, [point for point in points if point["side"] == side and point[name]], name, side)
        limit = objective.get("e2e_ms" if name == "scheduled_e2e_ms" else "ttft_ms")
        if limit is not None:
            axes.axhline(limit, linestyle="--", color="0.5", label=f"objective {limit:g} ms")
        axes.set(xlabel="output tokens per second, all requests", ylabel=f"{label}: median, line to p95")
        axes.margins(0.2)
        axes.set(xlim=(0, None), ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend()
    if knee:
        left.plot(knee["output_tokens_per_second"], knee["latency_ms"], "o", markersize=16, fillstyle="none", color="black")
    figure.savefig(path, dpi=110, metadata={"Software": "modelwright"}, format="png")


def _line(axes: Any, points: Sequence[Json], name: str, side: str) -> None:
    points = sorted(points, key=lambda point: float(point["output_tokens_per_second"]["value"]))
    across = [point["output_tokens_per_second"]["value"] for point in points]
    middle = [point[name]["p50"] for point in points]
    above = [(point[name]["p95"] or point[name]["p50"]) - point[name]["p50"] for point in points]
    axes.errorbar(across, middle, yerr=[[0] * len(above), above], marker="o", capsize=3, label=side)
    for x, y, point in zip(across, middle, points, strict=True):
        axes.annotate(point["load"], (x, y), textcoords="offset points", xytext=(5, 5), fontsize=7)
