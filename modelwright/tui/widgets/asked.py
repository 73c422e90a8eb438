"""What is asked, in full: what a call writes, reads, runs and spends, and what each kind of yes would cover.

The files are looked at in a thread, as an estimate may have to read them; until that is done the card says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.message import Message

from modelwright.text import one_line
from modelwright.tui.ruled import EFFECTS, always
from modelwright.tui.texts import MUTED, estimate_texts, lines, money, plain
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.reach import TO_ANSWER, when_reached

if TYPE_CHECKING:
    from modelwright.agent.consent import Consent
    from modelwright.types import Json

LOW = 40
"""Lines of a terminal below which what a call does is told on fewer lines."""
SHORTEST, EDGES = 24, 6
"""columns of a line, and beside a card"""
ROOM_FOR_RULE = 96
"""columns from which the rule of "always" stands on the card too: below, it takes half the screen"""
BUTTONS = (
    ("allow", "Allow [a]"),
    ("allow_for_run", "For run [r]"),
    ("always", "Always [A]"),
    ("reject", "Reject [x]"),
    ("edit_step", "Edit [e]"),
    ("take", "Run edited plan [a]"),
    ("drop", "Undo edits [x]"),
)


class Asked(Plain):
    class Looked(Message):
        """What the calls touch is known now."""

    class Sized(Message):
        """It has another size."""

    def __init__(self) -> None:
        super().__init__(classes="asked")
        self._found: dict[str, Consent | str] = {}
        """For each step that is asked about what a yes covers, or why that cannot be told."""
        self._told: tuple[Json, str | None, str, Mapping[str, str]] | None = None
        self._reached = False
        """The focus is in the card, so its keys work."""

    def on_mount(self) -> None:
        when_reached(self.parent, self._reach)

    def on_resize(self) -> None:
        self.post_message(self.Sized())

    def _reach(self, reached: bool) -> None:
        self._reached = reached
        if self._told is not None:
            self.tell(*self._told)

    def rules(self) -> list[str]:
        """The rules that "always" would write."""
        return [found.rule for found in self._found.values() if not isinstance(found, str)]

    def look(self, calls: list[Json], root: Path, policy: Path | None) -> None:
        """Find out what the calls touch, then tell the card."""
        self._found = {}
        self._look(calls, root, policy)

    @work(thread=True, exclusive=True, group="consent")
    def _look(self, calls: list[Json], root: Path, policy: Path | None) -> None:
        from modelwright.agent.consent import consent
        from modelwright.errors import ModelwrightError

        found: dict[str, Consent | str] = {}
        for call in calls:
            try:
                found[call["id"]] = consent(call["tool"], call["args"], root, policy)
            except (ModelwrightError, OSError) as error:
                found[call["id"]] = f"  it cannot be looked at: {error}"
        self.app.call_from_thread(self._take, found)

    def _take(self, found: dict[str, Consent | str]) -> None:
        self._found = found
        self.post_message(self.Looked())

    def tell(self, pending: Json, step: str | None, run: str, given: Mapping[str, str]) -> None:
        """The question and every step that asks: the highlighted one in full, any other on a line. `given`: the arguments of each step
        in short; they are told here too, as the table above may be out of view."""
        self._told = (pending, step, run, given)
        calls = {call["id"]: call for call in pending["calls"]}
        way = "" if self._reached else f" · {TO_ANSWER}"
        count = f"{len(calls)} steps, " if len(calls) > 1 else ""
        head = plain(f"Allow {count}{_all(_named(call) for call in calls.values())}?{way}", "bold")
        note = [f"note: {pending['note']}"] if pending.get("note") else []
        rows = [self._in_full(call, calls, run) if name == step else self._in_short(call) for name, call in calls.items()]
        wanted = [
            f"  {one_line(f'{name} {given[name]}' if len(calls) > 1 else given[name], self._across - 2)}"
            for name in calls
            if given.get(name)
        ]
        self.say(lines(head, *wanted, *note, *(line for row in rows for line in row)))

    @property
    def _across(self) -> int:
        """Columns; before it has any, about those that it will get."""
        return max(SHORTEST, self.content_size.width or self.app.size.width - EDGES)

    def _in_full(self, call: Json, calls: dict[str, Json], run: str) -> list[str | Content]:
        """What the call does; what each yes covers, which is for all that ask."""
        return [*([f"› {_named(call)}"] if len(calls) > 1 else []), *self._consequences(call, calls, run)]

    def _in_short(self, call: Json) -> list[str | Content]:
        found = self._found.get(call["id"], "looking at what it touches…")
        if isinstance(found, str):
            return [f"  {_named(call)} · {found.strip()}"]
        reads = f"reads {_places(found.reads)}" if found.reads else "reads no file of yours"
        writes = f"writes {_places(found.writes) or 'the folder of this run only'}"
        return [f"  {_named(call)} · {reads} · {writes} · {estimate_texts(call.get('estimate'))[0]}"]

    def _consequences(self, call: Json, calls: dict[str, Json], run: str) -> list[str | Content]:
        found = self._found.get(call["id"], "  looking at what it touches…")
        if isinstance(found, str):
            return [found]
        seconds, memory, disk = estimate_texts(call.get("estimate"))
        writes = f"writes  {_places(found.writes) or 'the folder of this run only'}"
        reads = f"reads   {_places(found.reads) or 'no file of yours'}"
        runs = f"runs    {call['tool']} ({', '.join(EFFECTS.get(name, name) for name in found.effects)})"
        spends = f"spends  {seconds}, {memory} memory, {disk} disk, {money(call.get('estimate'))}"
        return [
            *self._beside(writes, reads),
            *self._beside(runs, spends),
            *(f"  because {why} (rule {rule})" for rule, why in found.asked_by),
            f"  allow   {_as_they_stand(len(calls))}, once",
            f"  for run every call of {_all(dict.fromkeys(one['tool'] for one in calls.values()))}, with any arguments, "
            f"till run {run} ends; what the policy denies stays denied",
            Content.assemble("  always  ", plain(self._covered(found.rule), MUTED)),
        ]

    def _beside(self, first: str, second: str) -> list[str]:
        """On one line where the terminal is low and both have room: the table above is to stay in view."""
        both = f"  {first} · {' '.join(second.split())}"
        is_low = self.app.size.height < LOW
        return [both] if is_low and len(both) <= self._across else [f"  {first}", f"  {second}"]

    def _covered(self, rule: str) -> str:
        """What a rule allows, in words on one line; [A] shows it whole before it is written."""
        if self.size.width < ROOM_FOR_RULE:
            return "what the rule says that [A] shows you first"
        return "; ".join(f"{name} {told}" for name, told in always(rule))


def _named(call: Json) -> str:
    return f"{call['id']} {call['tool']}"


def _as_they_stand(calls: int) -> str:
    return "this call as it stands" if calls == 1 else f"{'both' if calls == 2 else f'all {calls}'} calls as they stand"


def _all(names: Iterable[str]) -> str:
    """ "a, b and c"."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _places(found: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{path} ({zone})" for path, zone in found)
