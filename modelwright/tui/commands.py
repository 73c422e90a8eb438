"""What can be done by name: the list behind /commands, the command palette, the help screen and the footer, so that they agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content


@dataclass(frozen=True)
class Command:
    name: str
    what: str
    action: str
    key: str = ""
    with_words: str = ""
    """The method of the app that takes what stands behind the name."""
    also: str = ""
    """Other words for it, by which it is found and can be called."""


COMMANDS = (
    Command("/help", "every key and command", "open('help')", "f1", also="keys shortcuts manual docs usage ?"),
    Command("/runs", "past runs: look, compare two, replay", "open('runs')", "f2", also="history past jobs results compare"),
    Command("/run", "the run as it moves, with its log", "open('run')", "f3", also="live progress watch log logs curves status"),
    Command("/tools", "what it can do; call one by a form", "open('tools')", "f4", also="functions abilities call"),
    Command("/memory", "what it remembers, why, and how to forget it", "open('memory')", "f5", also="remember forget facts recall"),
    Command(
        "/policy",
        "what is allowed; past runs under another policy",
        "open('policy')",
        "f8",
        also="rules permissions allow deny security approvals",
    ),
    Command(
        "/models",
        "what plans here, what it costs, how fast it was",
        "open('models')",
        "f9",
        also="settings config preferences model planner llm price",
    ),
    Command(
        "/doctor",
        "the machine, the extras and the stores, each with its fix",
        "open('doctor')",
        "f7",
        also="check health diagnose install setup machine",
    ),
    Command(
        "/sessions",
        "conversations: search, resume, export",
        "open('sessions')",
        "ctrl+o",
        also="history conversations chats resume open load",
    ),
    Command("/pause", "stop the run where it is; it can go on", "pause", "ctrl+t", also="stop interrupt halt break"),
    Command("/resume", "go on with the run that was paused or cut off", "go_on", also="continue"),
    Command("/cancel", "stop the run and end it", "cancel", also="stop abort kill end"),
    Command("/send", "begin what was queued and then kept", "screen.send_queue", also="queue queued kept begin"),
    Command("/drop", "take back what is queued", "screen.drop_queue", also="queue queued kept unqueue withdraw"),
    Command("/budget", "raise a bound of the run", "budget", "ctrl+b", "raise_limits", also="limits bounds timeout raise seconds"),
    Command("/card", "go to what is asked, or the last result, and back", "card", "ctrl+g", also="answer approve focus jump"),
    Command("/new", "an empty conversation; a word behind it names it", "new", with_words="new_named", also="clear reset start"),
    Command(
        "/export",
        "write this conversation to a file, Markdown or JSON",
        "export",
        with_words="export_to",
        also="save download write markdown json",
    ),
    Command("/dark", "dark colours or light", "dark", also="theme colors colours light appearance mode"),
    Command("/quit", "leave; a run goes on or pauses, as you choose", "leave", "ctrl+q", also="exit leave close bye q"),
)


def named(text: str) -> tuple[Command | None, str]:
    """ "/budget seconds 60" as the command (else the first that begins so, else one by another word for it) and the words behind it."""
    name, _, rest = text.partition(" ")
    tried = (
        lambda c: c.name == name,
        lambda c: c.name.startswith(name),
        lambda c: name[1:] in c.also.split(),
    )
    found = next((c for fits in tried for c in COMMANDS if fits(c)), None)
    return found, rest.strip()


def _has_words(command: Command, query: str) -> bool:
    words = f"{command.name[1:]} {command.what} {command.also}".casefold().split()
    asked = query.casefold().removeprefix("/").split()
    return bool(asked) and all(any(word.startswith(part) for word in words) for part in asked)


class Palette(Provider):
    """The commands in Ctrl+P."""

    async def discover(self) -> Hits:
        for command in COMMANDS:
            yield DiscoveryHit(Content(command.name), self._do(command), command.name, command.what)

    async def search(self, query: str) -> Hits:
        """Those with words that begin so; letters that happen to stand in this order only where there are none."""
        matcher = self.matcher(query)
        for command in [c for c in COMMANDS if _has_words(c, query)] or COMMANDS:
            score = matcher.match(f"{command.name} {command.what}") or _has_words(command, query)
            if score:
                yield Hit(score, Content(command.name), self._do(command), command.name, command.what)

    def _do(self, command: Command) -> Callable[[], bool]:
        return lambda: self.app.call_later(self.app.run_action, command.action)
