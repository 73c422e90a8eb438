"""One value that a request holds, with its place in it: what an argument's source is made of."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float


@dataclass(frozen=True)
class Candidate:
    kind: str
    """dataset, model, file, folder, missing, output, number, or a table of lexicon.toml: quant, method, metric, format …"""
    value: Value
    start: int
    end: int
    text: str
    source: str = "request"
    """`request` or `answer`."""
    lead: str = ""
    """For a path: the word before it, when that is to, into, as or in."""

    @property
    def evidence(self) -> str:
        return f"request[{self.start}:{self.end}]" if self.source == "request" else self.source
