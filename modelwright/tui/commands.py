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


COMMANDS = (
    Command("/help", "every key and command", "open('help')", "f1"),
    Command("/runs", "past runs: look, compare two, replay", "open('runs')", "f2"),
    Command("/run", "the run as it moves, with its log", "open('run')", "f3"),
    Command("/tools", "what it can do; call one by a form", "open('tools')", "f4"),
    Command("/memory", "what it remembers, why, and how to forget it", "open('memory')", "f5"),
    Command("/policy", "what is allowed; past runs under another policy", "open('policy')", "f8"),
    Command("/models", "what plans here, what it costs, how fast it was", "open('models')", "f9"),
    Command("/doctor", "the machine, the extras and the stores, each with its fix", "open('doctor')"),
    Command("/sessions", "conversations: search, resume, export", "open('sessions')", "ctrl+o"),
    Command("/pause", "stop the run where it is; it can go on", "pause", "ctrl+t"),
    Command("/cancel", "stop the run and end it", "cancel"),
    Command("/budget", "raise a bound of the run", "budget", "ctrl+b", "raise_limits"),
    Command("/card", "go to what is asked, or the last result", "card", "ctrl+g"),
    Command("/new", "an empty conversation; a word behind it names it", "new", with_words="change_session"),
    Command("/export", "write this conversation to a file, Markdown or JSON", "export"),
    Command("/dark", "dark colours or light", "dark"),
    Command("/quit", "leave; a run goes on or pauses, as you choose", "leave", "ctrl+q"),
)


def named(text: str) -> tuple[Command | None, str]:
    """ "/budget seconds 60" as the command (or the first that begins so) and the words behind it."""
    name, _, rest = text.partition(" ")
    found = next((c for c in COMMANDS if c.name == name), None) or next((c for c in COMMANDS if c.name.startswith(name)), None)
    return found, rest.strip()


class Palette(Provider):
    """The commands in Ctrl+P."""

    async def discover(self) -> Hits:
        for command in COMMANDS:
            yield DiscoveryHit(Content(command.name), self._do(command), command.name, command.what)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in COMMANDS:
            score = matcher.match(f"{command.name} {command.what}")
            if score > 0:
                yield Hit(score, Content(command.name), self._do(command), command.name, command.what)

    def _do(self, command: Command) -> Callable[[], bool]:
        return lambda: self.app.call_later(self.app.run_action, command.action)
