"""Static text that is never markup: every label of the app is one of these."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from modelwright.tui.texts import plain


class Plain(Static):
    """Shows text as it is. `update` takes text or Content."""

    def __init__(self, content: str | Content = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(content if isinstance(content, Content) else plain(content), markup=False, id=id, classes=classes)

    def say(self, content: str | Content) -> None:
        self.update(content if isinstance(content, Content) else plain(content))
