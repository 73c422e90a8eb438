"""What "always" would allow: in words first, then the rules as they would be written. Nothing is written before a yes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual import events
from textual.app import App
from textual.content import Content

from modelwright.tui.ruled import always
from modelwright.tui.screens.ask import Confirm
from modelwright.tui.texts import labelled, lines, plain
from modelwright.tui.widgets.plain import Plain

EDGES = 8
"""columns of the box and its scrollbar"""


class Always(Confirm):
    def __init__(self, rules: Sequence[str]) -> None:
        super().__init__("Always?", "", yes="Write the rule" if len(rules) == 1 else "Write the rules")
        self._rules = list(rules)

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#asked", Plain).say(lines(*self._words(), "", "Added at the end of your policy:", *map(plain, self._rules)))

    def _words(self) -> list[Content | tuple[str, str]]:
        made: list[Content | tuple[str, str]] = [("From now on, in every run in this folder, without a question:", "bold")]
        for rule in self._rules:
            made += labelled(always(rule), min(self.size.width * 9 // 10, 110) - EDGES)
        return made


def write(rules: Sequence[str], root: Path, app: App[None]) -> bool:
    """Add them to the policy of this folder and tell where they stand; whether that went well."""
    from modelwright.agent.consent import write_always
    from modelwright.errors import ModelwrightError

    try:
        path = [write_always(rule, root) for rule in rules][-1]
    except (ModelwrightError, OSError) as error:
        app.notify(str(error), severity="error", markup=False)
        return False
    app.notify(f"the rule stands at the end of {path.name}; F8 shows all", markup=False)
    return True
