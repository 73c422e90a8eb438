"""Who said it, and how far it is believed: a number that never rises by copying.

The trust of something made from others is the lowest among them and its maker: a summary of a web page stays a web page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from modelwright.types import Strict

Principal = Literal["user", "run", "attempt", "model", "tool", "document", "web"]
"""An attempt is a run that did not end well: what it says of itself was never measured."""
TRUST: dict[str, int] = {"web": 0, "document": 0, "tool": 1, "model": 1, "attempt": 1, "run": 2, "user": 3}
OURS = ("user", "run", "attempt")
"""Not from outside: their words are the user's own."""
PLANNER_READS = TRUST["run"]
"""Planning reads what the user said and what runs measured, nothing below."""
NAMES = {0: "untrusted", 1: "derived", 2: "measured", 3: "stated by the user"}


class Provenance(Strict):
    """Where a memory comes from. No memory is without."""

    principal: Principal
    run: str = ""
    node: str = ""
    tool: str = ""
    source: str = ""
    """A path or address, with the span: `data/a.md#120-180`."""
    model: str = ""
    """Of the model that worded it, if one did."""


def of(principal: str, parents: Iterable[int] = ()) -> int:
    """The trust of what `principal` made from things of these trusts."""
    return min([TRUST[principal], *parents])
