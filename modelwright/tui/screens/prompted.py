"""A screen with a prompt: what is typed where nothing takes it begins something to say, and what is pasted too."""

from __future__ import annotations

from textual import events

from modelwright.tui.queued import QueueKeys
from modelwright.tui.widgets.composer import Composer


class Prompted(QueueKeys):
    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def at_prompt(self) -> bool:
        return self.focused is self.composer.entry

    def action_prompt(self) -> None:
        self.set_focus(self.composer.entry)

    def write(self, text: str) -> None:
        self.action_prompt()
        self.composer.entry.insert(text)

    def on_key(self, event: events.Key) -> None:
        """Letters that nothing here takes begin something to say; one that finds the prompt in focus came right behind them."""
        bound = self.active_bindings.get(event.key)
        if event.character is not None and event.is_printable and (self.at_prompt or not (bound and bound.enabled)):
            event.stop()
            self.write(event.character)

    def on_paste(self, event: events.Paste) -> None:
        if not self.at_prompt:
            event.stop()
            self.write(event.text)
