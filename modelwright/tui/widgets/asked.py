"""What is asked, in full: what a call writes, reads, runs and spends, and what each kind of yes would cover.

The files are looked at in a thread, as an estimate may have to read them; until that is done the card says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.message import Message

from modelwright.tui.texts import MUTED, estimate_texts, lines, money, plain
from modelwright.tui.widgets.plain import Plain
from modelwright.types import Json

if TYPE_CHECKING:
    from modelwright.agent.consent import Consent

ROOM_FOR_RULE = 96
"""columns from which the rule of "always" stands on the card too: below, it takes half the screen"""


class Asked(Plain):
    class Looked(Message):
        """What the calls touch is known now."""

    def __init__(self) -> None:
        super().__init__(classes="asked")
        self._found: dict[str, Consent | str] = {}
        """For each step that is asked about what a yes covers, or why that cannot be told."""

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

    def tell(self, pending: Json, step: str | None, run: str) -> None:
        """The question, and the consequences for the highlighted step when it is asked about."""
        calls = {call["id"]: call for call in pending["calls"]}
        head = plain("Allow " + ", ".join(f"{c['id']} {c['tool']}" for c in calls.values()) + "?", "bold")
        note = [f"note: {pending['note']}"] if pending.get("note") else []
        self.say(lines(head, *note, *(self._consequences(calls[step], run) if step in calls else [])))

    def _consequences(self, call: Json, run: str) -> list[str | Content]:
        found = self._found.get(call["id"], "  looking at what it touches…")
        if isinstance(found, str):
            return [found]
        seconds, memory, disk = estimate_texts(call.get("estimate"))
        return [
            f"  writes  {_places(found.writes) or 'the folder of this run only'}",
            f"  reads   {_places(found.reads) or 'no file of yours'}",
            f"  runs    {call['tool']} ({', '.join(found.effects)})",
            f"  spends  {seconds}, {memory} memory, {disk} disk, {money(call.get('estimate'))}",
            *(f"  because {why} (rule {rule})" for rule, why in found.asked_by),
            "  allow   this call as it stands, once",
            f"  for run every call of {call['tool']}, with any arguments, till run {run} ends; a deny stays one",
            Content.assemble("  always  ", plain(self._covered(found.rule), MUTED)),
        ]

    def _covered(self, rule: str) -> str:
        """The TOML of a rule on one line, without what only names it; [A] shows it whole before it is written."""
        if self.size.width < ROOM_FOR_RULE:
            return "what the rule says that [A] shows you first"
        return "; ".join(line for line in rule.splitlines() if line.startswith(("tools", "effects", "when", "answers")))


def _places(found: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{path} ({zone})" for path, zone in found)
