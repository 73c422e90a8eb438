"""What cannot fit into memory is stopped at the plan, with the nearest setting that can.

Two facts to know. A call is stopped only when even the low end of its estimate is more than there is (without a record of this
machine: four fifths of it), because a run at the edge can still go on in smaller parts. And the nearest setting is found by
asking the tool's own estimate again, with a smaller batch, shorter rows or a lighter method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import psutil

from modelwright.contract import Tool
from modelwright.errors import DoesNotFit
from modelwright.sizing.levers import halvings
from modelwright.text import human_bytes
from modelwright.types import Estimate, Json

LOW_END = 0.8
LEAST = {"batch_size": 1, "concurrency": 1, "max_length": 64, "context_length": 256, "n_ctx": 256, "prompt_tokens": 64}
"""arguments that may be halved, the cheapest first, and how far"""
LIGHTER = {"full": ("lora",), "dora": ("lora",), "lora": (), "qlora": ()}
CGROUP = Path("/sys/fs/cgroup/memory.max")
Asker = Callable[[Json], int | None]
"""The memory estimate of other arguments, bytes; None when there is none."""


def memory_limit(job_memory_gib: float | None) -> int:
    """Bytes that one job may have at most: as set, else all that this machine (or container) has."""
    if job_memory_gib:
        return int(job_memory_gib * 2**30)
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(CGROUP.read_text()))
    except (OSError, ValueError):  # no cgroup, or "max"
        return total


def refuse_unfit(step: str, tool: Tool, args: Json, estimate: Estimate, limit: int, ask: Asker) -> None:
    """Raise DoesNotFit when the call needs more than `limit` bytes whatever its luck."""
    least = estimate.memory_low or int(estimate.memory_bytes * LOW_END)
    if least <= limit:
        return
    message = f"{step} ({tool.name}) needs about {human_bytes(estimate.memory_bytes)} of memory and {human_bytes(limit)} is all there is"
    found = next(
        ((change, size) for change in changes(tool, args) if (size := ask({**args, **change})) is not None and size <= limit), None
    )
    if found is None:
        raise DoesNotFit(message, fix="use a smaller model, or a machine with more memory (memory_fit tells which)")
    settings = " ".join(f"{name}={value}" for name, value in found[0].items())
    raise DoesNotFit(message, fix=f"the nearest setting that fits is {settings} ({human_bytes(found[1])})")


def changes(tool: Tool, args: Json) -> Iterator[Json]:
    """Settings to try, the mildest first: one argument less, then two."""
    fields = tool.args.model_fields
    current = {name: args.get(name, fields[name].get_default()) for name in LEAST if name in fields}
    smaller = {name: found for name, value in current.items() if (found := _smaller(value, LEAST[name]))}
    method = args.get("method", fields["method"].get_default()) if "method" in fields else None
    lighter: list[Json] = [{}, *({"method": other} for other in LIGHTER.get(str(method), ()))]
    for name, values in smaller.items():
        yield from ({name: value} for value in values)
    yield from lighter[1:]
    for start in lighter:
        for first, second in pairwise(smaller):
            yield from ({**start, first: smaller[first][-1], second: value} for value in smaller[second])


def _smaller(value: object, least: int) -> Sequence[int | list[int]]:
    """Half, a quarter … of a number; of a list of loads those up to half, a quarter … of its largest."""
    if isinstance(value, int):
        return halvings(value, least)
    if not (isinstance(value, list) and value and all(isinstance(one, int) for one in value)):
        return []
    return [[one for one in value if one <= most] or [most] for most in halvings(max(value), least)]
