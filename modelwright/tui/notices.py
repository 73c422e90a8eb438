"""Notices: a line in the row of the keys for a few seconds, with a sign for what is wrong, as no colour alone tells it.

Where they stand is in style.css; keys.py lets them be drawn over the keys.
"""

from __future__ import annotations

from textual.app import App
from textual.notifications import SeverityLevel

from modelwright.tui.at_hand import at_hand

SIGNS = {"information": "", "warning": "! ", "error": "✗ "}


class Notices(App[None]):
    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """What is to be done is named by what does it here; a title stands before the words, as a row has no room for two."""
        words = at_hand(f"{SIGNS[severity]}{title}{': ' if title else ''}{message}")
        super().notify(words, severity=severity, timeout=timeout, markup=markup)
