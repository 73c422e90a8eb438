"""Characters that a person does not see and a tokenizer does: Unicode tags, bidi controls, zero widths, control bytes.

They carry hidden instructions in poisoned data, and are dirt in honest data. What honest text needs is left alone: joiners
inside emoji and between letters of other scripts, the three flags that are written with tags.
"""

from __future__ import annotations

import re
from typing import Any

_FLAGS = re.compile(
    "\U0001f3f4(?:\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073))\U000e007f"
)
_KINDS = (
    ("Unicode tags", re.compile("[\U000e0000-\U000e007f]")),
    ("bidi controls", re.compile("[\u202a-\u202e\u2066-\u2069]")),
    ("zero-width characters", re.compile("[\u200b\u2060-\u2064\ufeff]|(?<![^\x00-\x7f])[\u200c-\u200f]|[\u200c-\u200f](?![^\x00-\x7f])")),
    ("variation selectors in a row", re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")),
    ("control characters", re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")),
)
_ANY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]")
_HALF = re.compile("[\ud800-\udfff]")


def all_text(value: Any) -> str:
    """Every string in `value`, one after the other; looked through once a row, so it is kept plain."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            found.append(inner)
        elif isinstance(inner, dict):
            waiting.extend(reversed(inner.values()))
        elif isinstance(inner, list):
            waiting.extend(reversed(inner))
    return "\n".join(found)


def hidden_characters(text: str) -> list[str]:
    """What is hidden in `text`, each kind with its count and its first code point."""
    if not _ANY.search(text):  # 20 times quicker than the kinds one by one; nearly every text ends here
        return []
    text = _FLAGS.sub("", text)
    found = []
    for kind, pattern in _KINDS:
        hits = pattern.findall(text)
        if hits:
            found.append(f"{len(hits)} {kind} (U+{ord(hits[0][0]):04X})")
    return found


def has_half_pair(text: str) -> bool:
    """Whether half of a UTF-16 pair stands alone in `text`; no tokenizer takes that."""
    return _HALF.search(text) is not None
