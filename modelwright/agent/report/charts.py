"""Small charts as inline SVG: interval bars, paired differences, a line, plain bars, predicted beside measured.

A chart is 400 units wide, so its 12-unit type stays readable on a telephone. Colours are the page's CSS variables (light
and dark). Each has a title for screen readers and carries its numbers as a table. Text is escaped here, as these
strings go into the page as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

from modelwright.agent.report import wording
from modelwright.agent.report.findings import Curve, Difference, Score, Weights
from modelwright.agent.report.scale import Scale, ticks
from modelwright.text import human_bytes, human_seconds

WIDTH = 400
LABEL = 108
"""Room for row names, left of the bars."""
VALUE = 102
"""Room for the value, right of the bars."""
ROW = 34
LETTERS = 15


@dataclass(frozen=True)
class Chart:
    title: str
    note: str
    svg: str
    columns: list[str]
    rows: list[list[str]]


def score_bars(metric: str, scores: Sequence[Score]) -> Chart:
    """One bar a model, with its 95% interval."""
    ends = [v for s in scores for v in (s.mean, s.low, s.high) if v is not None]
    scale = Scale(min(0.0, *ends), max(ends), LABEL, WIDTH - VALUE)
    parts = []
    for index, score in enumerate(scores):
        y = _row_y(index)
        parts += [
            _name(y, score.model),
            _bar(scale, y, score.mean, f"c{index % 4 + 1}"),
            _whisker(scale, y, score.low, score.high),
            _value(y, wording.number(score.mean)),
        ]
    rows = [[s.model, wording.number(s.mean), wording.interval(s.low, s.high), str(s.n or ""), s.method] for s in scores]
    return Chart(
        f"{wording.label(metric)} by model",
        "bar: mean; line: 95% interval",
        _rows_svg(parts, len(scores), scale, f"{metric} by model"),
        ["model", "mean", "95% interval", "items", "method"],
        rows,
    )


def difference_dots(metric: str, found: Sequence[Difference]) -> Chart:
    """A dot and its interval for each pair; an interval that holds zero cannot tell."""
    ends = [v for d in found for v in (d.difference, d.low, d.high) if v is not None]
    scale = Scale(min(0.0, *ends), max(0.0, *ends), LABEL, WIDTH - VALUE)
    parts = [f'<line class="zero" x1="{scale(0):.1f}" x2="{scale(0):.1f}" y1="6" y2="{_row_y(len(found) - 1) + 17:.1f}"/>']
    for index, one in enumerate(found):
        y, tone = _row_y(index), {"better": "good", "worse": "bad"}.get(one.verdict, "unsure")
        low, high = (one.difference if end is None else end for end in (one.low, one.high))
        parts += [
            _name(y - 7, one.b),
            _name(y + 8, f"vs {one.a}", "dim"),
            f'<line class="ci {tone}" x1="{scale(low):.1f}" x2="{scale(high):.1f}" y1="{y}" y2="{y}"/>',
            f'<circle class="{tone}" cx="{scale(one.difference):.1f}" cy="{y}" r="5.5"/>',
            _value(y, wording.signed(one.difference)),
        ]
    rows = [
        [f"{d.b} minus {d.a}", wording.signed(d.difference), wording.interval(d.low, d.high, sign=True), d.verdict, str(d.n or "")]
        for d in found
    ]
    return Chart(
        f"{wording.label(metric)}: paired differences",
        "dot: difference; line: 95% interval; dashed: no difference",
        _rows_svg(parts, len(found), scale, f"paired differences of {metric}"),
        ["pair", "difference", "95% interval", "verdict", "pairs"],
        rows,
    )


def size_bars(found: Sequence[Weights]) -> Chart:
    """File sizes, with bits per weight as measured."""
    title = "size of each file"
    scale = Scale(0, max(1, *(w.bytes for w in found)), LABEL, WIDTH - VALUE)
    parts = []
    for index, one in enumerate(found):
        y = _row_y(index)
        bits = "" if one.bits_per_weight is None else f"{one.bits_per_weight:.2f} bits/weight"
        parts += [_name(y, one.name), _bar(scale, y, one.bytes, "c1"), _value(y - 7, human_bytes(one.bytes)), _value(y + 8, bits, "dim")]
    rows = [[w.name, human_bytes(w.bytes), "" if w.bits_per_weight is None else f"{w.bits_per_weight:.2f}"] for w in found]
    return Chart(
        "Size and bits per weight",
        "bits per weight as measured over the whole file",
        _rows_svg(parts, len(found), scale, title, human_bytes),
        ["file", "size", "bits per weight"],
        rows,
    )


def timing_bars(found: Sequence[tuple[str, float, float]]) -> Chart:
    """Predicted above measured, for each step."""
    scale = Scale(0, max(max(a, b) for _, a, b in found), LABEL, WIDTH - VALUE)
    parts = []
    for index, (name, predicted, measured) in enumerate(found):
        y = _row_y(index)
        parts += [
            _name(y, name),
            _bar(scale, y - 6, predicted, "soft", 8),
            _bar(scale, y + 5, measured, "c1", 10),
            _value(y - 7, human_seconds(predicted), "dim"),
            _value(y + 8, human_seconds(measured)),
        ]
    rows = [[name, human_seconds(a), human_seconds(b)] for name, a, b in found]
    return Chart(
        "Time: predicted and measured",
        "thin: predicted; thick: measured",
        _rows_svg(parts, len(found), scale, "predicted and measured time", _seconds),
        ["step", "predicted", "measured"],
        rows,
    )


def loss_lines(name: str, curves: dict[str, Curve]) -> Chart:
    """Loss over steps, one line a curve."""
    points = [point for curve in curves.values() for point in curve]
    across = Scale(min(x for x, _ in points), max(x for x, _ in points), 44, WIDTH - 16)
    up = Scale(min(y for _, y in points), max(y for _, y in points), 184, 14)
    parts = [_grid_across(up, value) for value in ticks(up.first, up.last)]
    parts += [_step_mark(across, value) for value in ticks(across.first, across.last) if value == int(value)]
    for index, (label, curve) in enumerate(curves.items(), 1):
        parts += [_line(curve, across, up, index), _legend(label, index)]
    rows = [[label, wording.number(x), f"{y:.4g}"] for label, curve in curves.items() for x, y in _thinned(curve)]
    drawn = _svg(parts, 232, f"training loss of {name}")
    return Chart(f"Loss of {name}", "loss over optimizer steps", drawn, ["curve", "step", "loss"], rows)


def _line(curve: Curve, across: Scale, up: Scale, index: int) -> str:
    path = " ".join(f"{'L' if i else 'M'}{across(x):.1f},{up(y):.1f}" for i, (x, y) in enumerate(curve))
    x, y = curve[-1]
    return f'<path class="line l{index}" d="{path}"/><circle class="c{index}" cx="{across(x):.1f}" cy="{up(y):.1f}" r="4"/>'


def _legend(label: str, index: int) -> str:
    x = 150 * index - 106
    return f'<rect class="c{index}" x="{x}" y="218" width="14" height="4" rx="2"/><text x="{x + 20}" y="224">{escape(label)}</text>'


def _step_mark(across: Scale, value: float) -> str:
    return f'<text class="dim" x="{across(value):.1f}" y="206" text-anchor="middle">{wording.number(value)}</text>'


def _thinned(curve: Curve, most: int = 24) -> Curve:
    stride = ceil(len(curve) / most)
    return [point for i, point in enumerate(curve) if i % stride == 0 or i == len(curve) - 1]


def _grid_across(up: Scale, value: float) -> str:
    y = up(value)
    rule = f'<line class="grid" x1="44" x2="{WIDTH - 16}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{rule}<text class="dim" x="36" y="{y + 4:.1f}" text-anchor="end">{wording.number(value)}</text>'


def _row_y(index: int) -> float:
    return 22 + index * ROW


def _name(y: float, text: str, tone: str = "") -> str:
    short = text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
    return f'<text class="{tone}" x="{LABEL - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(short)}<title>{escape(text)}</title></text>'


def _value(y: float, text: str, tone: str = "strong") -> str:
    return f'<text class="{tone}" x="{WIDTH - VALUE + 10}" y="{y + 4:.1f}">{escape(text)}</text>'


def _bar(scale: Scale, y: float, value: float, tone: str, height: float = 14) -> str:
    left, right = sorted((scale(0), scale(value)))
    return f'<rect class="{tone}" x="{left:.1f}" y="{y - height / 2:.1f}" width="{max(right - left, 1.5):.1f}" height="{height}" rx="3"/>'


def _whisker(scale: Scale, y: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    a, b = scale(low), scale(high)
    return f'<path class="whisker" d="M{a:.1f},{y}H{b:.1f}M{a:.1f},{y - 5}v10M{b:.1f},{y - 5}v10"/>'


def _rows_svg(parts: list[str], rows: int, scale: Scale, title: str, say: Callable[[float], str] = wording.number) -> str:
    """Rows over a ruled scale."""
    bottom = _row_y(rows - 1) + 17
    rules = [
        f'<line class="grid" x1="{scale(v):.1f}" x2="{scale(v):.1f}" y1="6" y2="{bottom:.1f}"/>'
        f'<text class="dim" x="{scale(v):.1f}" y="{bottom + 16:.1f}" text-anchor="middle">{escape(say(v))}</text>'
        for v in ticks(scale.first, scale.last, 3)
    ]
    return _svg([*rules, *parts], bottom + 24, title)


def _svg(parts: list[str], height: float, title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img"><title>{escape(title)}</title>{"".join(parts)}</svg>'


def _seconds(value: float) -> str:
    """For tick marks, which are round in seconds and not in minutes."""
    return f"{value:g} s"
