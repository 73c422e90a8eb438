"""What a call of a model costs, by the price files that `pricefile` reads. Models in a process of ours cost nothing here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright import pricefile
from modelwright.pricefile import Price

__all__ = ["Price", "Prices"]


class Prices:
    """The entries of the user's file, then the packaged ones."""

    def __init__(self, entries: Sequence[Price]) -> None:
        self._entries = tuple(entries)

    @classmethod
    def read(cls, own: Path | None = None) -> Prices:
        """Raises ConfigError naming file and field."""
        return cls(pricefile.entries(own))

    def of(self, model: str) -> Price | None:
        """The price of a model as traces name it; None when it is unknown."""
        return pricefile.find(self._entries, model)
