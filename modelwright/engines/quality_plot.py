"""Draws size against mean KL divergence: one point a model, dominated ones hollow, the KV cache types in a picture of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
FLOOR = 1e-9
"""A KL of 0 has no place on a logarithmic axis."""


def draw(path: Path, rows: Sequence[Json]) -> None:
    """`rows` as in the result. Raises ImportError without matplotlib."""
    from matplotlib.figure import Figure  # without pyplot: half the import time

    weights = [row for row in rows if row["kind"] == "weights" and not row["is_original"]]
    caches = [row for row in rows if row["kind"] == "kv_cache"]
    panels = [(part, label) for part, label in ((weights, "MB of the model"), (caches, "kB of KV cache a token")) if part]
    figure = Figure(figsize=(6 * len(panels), 4.5), layout="constrained")
    for axes, (part, label) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _panel(axes, part)
        axes.set(xlabel=label, ylabel="mean KL to the original, nats")
    figure.savefig(path, dpi=110, metadata={"Software": "modelwright"}, format="png")


def _panel(axes: Any, rows: Sequence[Json]) -> None:
    for row in rows:
        x, y = _place(row)
        low, high = row["kl_mean"]["low"], row["kl_mean"]["high"]
        spread = [[y - max(low, FLOOR)], [high - y]] if low is not None and high is not None and low > 0 else None
        style = {"fillstyle": "none"} if row["dominated_by"] else {}
        axes.errorbar([x], [y], yerr=spread, marker="o", capsize=3, color="C1" if row["dominated_by"] else "C0", **style)
        axes.annotate(row["name"], (x, y), textcoords="offset points", xytext=(6, 4), fontsize=8)
    for engine in dict.fromkeys(row["engine"] for row in rows):  # each has an original of its own
        front = sorted(_place(row) for row in rows if not row["dominated_by"] and row["engine"] == engine)
        if front:
            axes.plot(*zip(*front, strict=True), linestyle=":", color="C0")
    axes.set_yscale("log")
    axes.margins(0.2)
    axes.grid(alpha=0.3)


def _place(row: Json) -> tuple[float, float]:
    size = row["cache_bytes_per_token"] / 1e3 if row["kind"] == "kv_cache" else row["bytes"] / 1e6
    return size, max(row["kl_mean"]["mean"], FLOOR)
