"""One memory in words: what it says, where it came from, what became of it, and which runs were shown it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from modelwright.text import counted, human_seconds
from modelwright.tui.outlined import Row, rows_of
from modelwright.tui.texts import labelled, lines, when

if TYPE_CHECKING:
    from modelwright.types import Json

KNOWN = frozenset({"provenance", "about", "request", "datasets", "outcome", "field", "value", "status", "planned", "until"})
"""What is told in words of its own, or stands in the text already."""
KINDS = {
    "profile": "what you stated of yourself",
    "episodic": "a run and how it ended",
    "semantic": "a fact",
    "procedural": "a way of doing things",
}
DECIDED = {
    "accept": "accepted",
    "merge": "merged with what was known",
    "supersede": "took the place of another",
    "quarantine": "put in quarantine",
    "reject": "rejected",
}


def told(memory: Json, width: int = 80) -> Content:
    """`memory` is what `modelwright memory show` gives."""
    waits = [(f"waits for you: {memory['quarantined']}", "bold")] if memory["quarantined"] else []
    hidden = ["hidden: no run is shown it"] if not memory["live"] else []
    rows = [*_what(memory), *_rest(memory), *_history(memory)]
    return lines(*waits, (memory["text"], "bold"), *hidden, *labelled(rows, width))


def _what(memory: Json) -> Iterator[Row]:
    source = memory["metadata"].get("provenance") or {}
    where = ", ".join(f"{name} {source[name]}" for name in ("run", "tool", "model") if source.get(name))
    yield "kind", KINDS.get(memory["kind"]) or str(memory["kind"])
    if source:
        came = ", ".join(filter(None, (where, source.get("source")))) or source["principal"]
        yield "from", f"{came} ({memory['trust']})"
    yield "since", when(memory["created"])
    yield "worth", f"{memory['worth']:.2f} of 1"


def _history(memory: Json) -> Iterator[Row]:
    for one in memory["decisions"]:
        run = f" (run {one['run']})" if one["run"] else ""
        yield when(one["time"]), f"{DECIDED.get(one['action'], one['action'])}: {one['reason']}{run}"
    for one in memory["recalled"]:
        yield when(one["time"]), f"shown to run {one['run']} as {one['use']}"


def _rest(memory: Json) -> Iterator[Row]:
    """What else was kept with it."""
    metadata = memory["metadata"]
    outcome = metadata.get("outcome") or {}
    if "status" in metadata:
        yield "ended", str(metadata["status"])
    if spent := outcome.get("spent"):
        yield "took", f"{counted(spent.get('steps', 0), 'step')}, {human_seconds(spent.get('seconds', 0))}"
    if outcome.get("error"):
        yield "error", str(outcome["error"].get("message", ""))
    if metadata.get("planned") is False:
        yield "plan", "it was given, so no later plan is made after it"
    if metadata.get("until"):
        yield "replaced", when(metadata["until"])
    yield from rows_of({name: value for name, value in metadata.items() if name not in KNOWN})
