"""One memory in words: what it says, where it came from, what became of it, and which runs were shown it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from textual.content import Content

from modelwright.text import clean, counted, human_seconds
from modelwright.tui.texts import MUTED, lines, plain, when
from modelwright.types import Json

KNOWN = frozenset({"provenance", "about", "request", "datasets", "outcome"})
"""What is told in words, or stands in the text already."""
DECIDED = {
    "accept": "accepted",
    "merge": "merged with what was known",
    "supersede": "took the place of another",
    "quarantine": "put in quarantine",
    "reject": "rejected",
}


def told(memory: Json) -> Content:
    """`memory` is what `modelwright memory show` gives."""
    waits = [(f"waits for you: {memory['quarantined']}", "bold")] if memory["quarantined"] else []
    hidden = ["hidden: no run is shown it"] if not memory["live"] else []
    about = f"{memory['kind']}, {memory['trust']}, since {when(memory['created'])}, worth {memory['worth']:.2f} of 1"
    return lines(*waits, (memory["text"], "bold"), about, *hidden, *_origin(memory), *_history(memory), *_rest(memory))


def _origin(memory: Json) -> Iterator[str]:
    source = memory["metadata"].get("provenance") or {}
    where = ", ".join(f"{name} {source[name]}" for name in ("run", "tool", "source", "model") if source.get(name))
    if source:
        yield f"from: {where or source['principal']}"


def _history(memory: Json) -> Iterator[Content]:
    for one in memory["decisions"]:
        yield _dated(one, f"{DECIDED.get(one['action'], one['action'])}: {one['reason']}" + (f" (run {one['run']})" if one["run"] else ""))
    for one in memory["recalled"]:
        yield _dated(one, f"shown to run {one['run']} as {one['use']}")


def _dated(one: Json, text: str) -> Content:
    return Content.assemble((f"{when(one['time'])}  ", MUTED), plain(text))


def _rest(memory: Json) -> Iterator[str]:
    """What else was kept with it."""
    outcome = memory["metadata"].get("outcome") or {}
    if spent := outcome.get("spent"):
        yield f"took: {counted(spent.get('steps', 0), 'step')}, {human_seconds(spent.get('seconds', 0))}"
    if outcome.get("error"):
        yield f"error: {outcome['error'].get('message', '')}"
    for name, value in memory["metadata"].items():
        if name not in KNOWN and value not in (None, "", [], {}):
            yield f"{name}: {_flat(value)}"


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    return value if isinstance(value, str) else str(clean(json.dumps(value, ensure_ascii=False, default=str)))
