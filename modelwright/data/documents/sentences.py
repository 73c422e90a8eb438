"""Sentences as spans: by marks of Latin, CJK and Indic scripts, blank lines, headings and list items.

Knows the common English abbreviations and initials, decimals and `e.g.`; does NOT know other languages' abbreviations.
Spans are trimmed of white space, in order, and never overlap.
"""

from __future__ import annotations

import re

Span = tuple[int, int]
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        "mr mrs ms dr prof sr jr st vs etc fig figs eq eqs no vol pp al inc ltd co corp approx dept est ca cf jan feb mar apr jun jul aug"
        " sep sept oct nov dec e.g i.e p u.s a.m p.m",
    )
)
_END = re.compile(
    r"(?P<stop>[.!?]+[\"'”’)\]]*)(?=\s|\Z)"  # Latin: the mark needs a space behind it
    r"|(?P<wide>[。！？｡؟।]+[」』”’）]*)"
    r"|(?P<line>\r?\n(?:[ \t]*\r?\n)+|\r?\n(?=[ \t]*(?:[-*+•]|\d{1,3}[.)]|#{1,6}|\|)[ \t]))"
    r"|(?P<heading>(?<=\n)[ ]{0,3}#{1,6}[ \t][^\n]*\n|\A[ ]{0,3}#{1,6}[ \t][^\n]*\n)"
)


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences of `text[start:end]`; spans count from the start of `text`."""
    end = len(text) if end is None else end
    found: list[Span] = []
    at = start
    for mark in _END.finditer(text, start, end):
        if mark.group("stop") and not _ends_here(text, at, mark):
            continue
        _add(found, text, at, mark.end())
        at = mark.end()
    _add(found, text, at, end)
    return found


def _ends_here(text: str, start: int, mark: re.Match[str]) -> bool:
    if mark.group() != ".":
        return True
    word = text[max(start, mark.start() - 12) : mark.start()].split()[-1:]
    before = word[0].lstrip("([\"'“").lower() if word else ""
    if before in _ABBREVIATIONS or (len(before) == 1 and before.isalpha()):
        return False
    return not (before.isdigit() and _is_list_number(text, start, mark.start()))


def _is_list_number(text: str, start: int, at: int) -> bool:
    """`3.` at the start of a line numbers an item."""
    return text[text.rfind("\n", 0, at) + 1 : at].strip().isdigit() or text[start:at].strip().isdigit()


def _add(found: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        found.append((start, end))
