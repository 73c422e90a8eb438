"""A plan as a table that fits the terminal, and tables in general. Text from outside is made safe here.

From 100 columns on a step is one row with its arguments in a column; below, a step is a line and its arguments stand under it,
so that 60 columns are enough. Other tables wrap their widest columns; where those would get too narrow, a row becomes a block. A
table that goes to a pipe is as wide as it needs to be: one row a line, for grep. An estimate that could not be made is
`unknown`, not zero; one that nothing on this machine has proved yet is a `first guess`; what was done before is `reused`.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from modelwright.text import clean, human_bytes, human_seconds, one_line, safe_text, with_range

if TYPE_CHECKING:  # `modelwright tools` lists without pydantic, which takes 0.3 s
    from modelwright.types import Estimate, Json, Plan, Step

NARROWEST, ONE_ROW_A_STEP = 60, 100
"""columns"""
WIDTH_OF_A_FILE = 120
"""columns, where the table goes to no terminal"""
UNKNOWN, GUESS, REUSED = "unknown", "first guess", "reused"
HEADS = ["step", "tool", "arguments (source)", "seconds", "memory", "disk", "decision"]
SHORTEST_ARGUMENTS = 24
SHORTEST_CELL = 16
GAP, UNBOUNDED = 2, 10**6
"""columns"""


def screen_width() -> int | None:
    """The columns of the terminal, or of the variable COLUMNS; None where there is neither, as in a pipe."""
    known = os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty() or sys.stderr.isatty()
    return max(NARROWEST, shutil.get_terminal_size().columns) if known else None


def terminal_width() -> int:
    """Columns to print a plan in."""
    return screen_width() or WIDTH_OF_A_FILE


def short(value: Any, limit: int = 60) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(short(v, limit) for v in value) + "]"
    return one_line(str(value), limit)


def plan_table(plan: Plan, width: int | None = None) -> str:
    """The plan with its arguments and their sources, seconds, memory, disk, decision; totals below. No line is longer than `width`."""
    return str(clean(_plan_text(plan, max(NARROWEST, width or terminal_width()))))


def _plan_text(plan: Plan, width: int) -> str:
    if plan.kind == "question":
        choices = [line for choice in plan.choices for line in _wrapped(f"- {safe_text(choice)}", width, "  ", "    ")]
        return "\n".join([*_wrapped(f"question: {safe_text(plan.question or '')}", width, "", "  "), *choices])
    if plan.kind == "none":
        near = [f"nearest: {safe_text('; '.join(plan.choices))}"] if plan.choices else []
        said = [f"nothing to do: {safe_text(plan.reason or '')}", *near]
        return "\n".join(line for text in said for line in _wrapped(text, width, "", "  "))
    lines = _wide(plan, width) if width >= ONE_ROW_A_STEP else None
    note = _wrapped(f"note: {safe_text(plan.reason)}", width, "", "  ") if plan.reason else []
    return "\n".join([*(lines or _narrow(plan, width)), *note, f"plan {(plan.hash or '')[:12]}"])


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    """Lines of at most `width` columns; words that are longer (paths) are cut to the next line."""
    return textwrap.wrap(one_line(text, 4000), width, initial_indent=first, subsequent_indent=rest) or [first]


def _arguments(step: Step) -> list[str]:
    shown = [f"{name}={short(value)} ({step.sources.get(name, 'no source')})" for name, value in step.args.items()]
    shown += [default_text(step.defaults, short)] if step.defaults else []
    return shown + [f"expect {name}={short(value)}" for name, value in step.expect.items()]


def default_text(defaults: Json, shown: Callable[[Any], str]) -> str:
    """ "types=Q8_0 (default)", "epochs=2, lora_rank=16 (defaults)"."""
    return ", ".join(f"{name}={shown(value)}" for name, value in defaults.items()) + f" ({'default' if len(defaults) == 1 else 'defaults'})"


def _decided(step: Step) -> str:
    return f"{step.decision.value} ({step.rule})" if step.decision else ""


# one row a step --------------------------------------------------------------------------------------------------------


def _wide(plan: Plan, width: int) -> list[str] | None:
    """None when the other columns leave too little for the arguments."""
    rows = [[step.id, step.tool, "", *_numbers(step.estimate), _decided(step)] for step in plan.steps]
    rows.append(["", "", "", *_numbers(_total(plan.steps), at_least=_partly_unknown(plan.steps)), ""])
    others = [max(len(row[i]) for row in [HEADS, *rows]) for i in range(len(HEADS))]
    others[2] = 0
    room = width - sum(others) - GAP * (len(HEADS) - 1)
    arguments = [*(_arguments(step) for step in plan.steps), ["total"]]
    longest = max((len(text) for texts in arguments for text in texts), default=0)
    if room < min(longest, SHORTEST_ARGUMENTS):
        return None
    filled: list[list[str]] = []
    for row, texts in zip(rows, arguments, strict=True):
        lines = [line for text in texts for line in _wrapped(text, min(room, max(longest, len(HEADS[2]))), "", "  ")] or [""]
        filled.append([*row[:2], lines[0], *row[3:]])
        filled += [["", "", line, "", "", "", ""] for line in lines[1:]]
    return table([HEADS, *filled]).splitlines()


def _numbers(estimate: Estimate | None, *, at_least: bool = False) -> list[str]:
    """Seconds, memory, disk. A sum with an unknown part is "at least" that much."""
    if estimate is None:
        return [UNKNOWN, UNKNOWN, UNKNOWN]
    more = "≥ " if at_least else ""
    seconds = _seconds(estimate, lambda seconds: f"{seconds:.0f}")
    return [more + seconds, more + _memory(estimate), more + human_bytes(estimate.disk_bytes)]


def _seconds(estimate: Estimate, shown: Callable[[float], str]) -> str:
    """With the ends that hold 80% of like calls here, or that there is no record, or that nothing will run."""
    if estimate.reused:
        return f"{shown(0)} ({REUSED})"
    ends = ("" if end is None else shown(end) for end in (estimate.seconds_low, estimate.seconds_high))
    return f"{shown(estimate.seconds)} ({GUESS})" if estimate.first_guess else with_range(shown(estimate.seconds), *ends)


def _memory(estimate: Estimate) -> str:
    """With the ends that hold 80% of like calls here, where there is a record."""
    low, high = estimate.memory_low, estimate.memory_high
    return with_range(human_bytes(estimate.memory_bytes), *("" if end is None else human_bytes(end) for end in (low, high)))


def _partly_unknown(steps: Sequence[Step]) -> bool:
    return any(step.estimate is None for step in steps)


def _total(steps: Sequence[Step]) -> Estimate:
    from modelwright.totals import total

    return total([step.estimate for step in steps])


# a line a step, its arguments below ------------------------------------------------------------------------------------


def _narrow(plan: Plan, width: int) -> list[str]:
    lines: list[str] = []
    for step in plan.steps:
        lines += _wrapped(
            f"{step.id} {step.tool}: {needs(step.estimate)}" + (f"; {_decided(step)}" if step.decision else ""), width, "", "   "
        )
        for text in _arguments(step):
            lines += _wrapped(text, width, "   ", "     ")
    if len(plan.steps) > 1:
        at_least = "at least " if _partly_unknown(plan.steps) else ""
        lines += _wrapped(f"total: {at_least}{needs(_total(plan.steps))}", width, "", "   ")
    return lines


def needs(estimate: Estimate | None) -> str:
    """ "2:15 min (1:40 min to 3:02 min), 3.3 GB memory, 12.0 MB disk"; "2:15 min (first guess)" without a record of this machine."""
    if estimate is None:
        return "cost unknown"
    money = f", {estimate.cost:.4f} US dollars" if estimate.cost else ""
    return f"{_seconds(estimate, human_seconds)}, {_memory(estimate)} memory, {human_bytes(estimate.disk_bytes)} disk{money}"


def listing(rows: Sequence[tuple[str, str]], width: int | None = None) -> str:
    """Names with what they are beside them, wrapped under itself where a line would be wider than `width`."""
    left = max((len(name) for name, _ in rows), default=0) + 1
    return "\n".join(line for name, about in rows for line in _wrapped(about, width or UNBOUNDED, name.ljust(left), " " * left))


def table(rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """The first row is underlined. No line is wider than `width`; without one the columns are as wide as their widest cell."""
    natural = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    widths = _narrowed(natural, (width or UNBOUNDED) - GAP * (len(natural) - 1))
    if widths is None:
        return _blocks(rows, width or UNBOUNDED)
    lines = [line for row in rows[1:] for line in _row(row, widths)]
    return "\n".join([*_row(rows[0], widths), (" " * GAP).join("-" * w for w in widths), *lines])


def _narrowed(widths: list[int], room: int) -> list[int] | None:
    """The widest columns made narrower until all fit; None where they would be too narrow to read."""
    widths = list(widths)
    while sum(widths) > room:
        widest = widths.index(max(widths))
        if widths[widest] <= SHORTEST_CELL:
            return None
        widths[widest] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [textwrap.wrap(cell, w) if len(cell) > w else [cell] for cell, w in zip(cells, widths, strict=True)]
    return [
        (" " * GAP).join(part.ljust(w) for part, w in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*wrapped, fillvalue="")
    ]


def _blocks(rows: Sequence[Sequence[str]], width: int) -> str:
    """A row as a block: its mark and name, and below them what the other columns say."""
    heads, lines = rows[0], []
    name = next((i for i, head in enumerate(heads) if head), 0)
    for row in rows[1:]:
        lines += _wrapped(" ".join(cell for cell in row[: name + 1] if cell), width, "", "  ")
        for head, cell in list(zip(heads, row, strict=True))[name + 1 :]:
            lines += _wrapped(f"{head}: {cell}", width, "    ", "      ") if cell not in ("", "-") else []
    return "\n".join(lines)
