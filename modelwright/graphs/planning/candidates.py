"""What in a request can become an argument: found by code, each with its place, so that a plan can show its evidence.

paths.py    files, folders, globs, models, and names that look like paths but are not there
units.py    memory and money
nouns.py    graphics cards, model families, search indexes, names to save something as
numbers.py  numbers, in digits and words
here        values with a name (quantization types, methods, metrics, formats), and the order of it all
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.nouns import find_families, find_gpus, find_indexes, find_output_names, with_served_names
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.paths import find_paths
from modelwright.graphs.planning.units import find_amounts


def find(text: str, workspace: Path, source: str = "request", indexes: Sequence[str] = ()) -> list[Candidate]:
    """All candidates in order. Where two overlap, the room that is more certain wins, then the longer one."""
    found = with_served_names(find_paths(text, workspace), text)
    for room in (find_gpus(text), find_amounts(text)):
        found += _outside(room, found)
    named = _outside(find_named(text), found)
    found += _outside(find_families(text), [c for c in found if c.kind != "gpu"])
    found += [c for c in named if not any(f.kind == "model" and c.start < f.end and f.start < c.end for f in found)]
    rooms = [find_output_names(text), find_indexes(text, indexes)]
    for room in reversed(rooms) if _INDEXING.search(text) else rooms:  # "call it kb" names an index where one is made
        found += _outside(room, found)
    found = _index_not_folder(found, find_indexes(text, indexes))
    found += _outside(find_numbers(text), found)
    return [replace(c, source=source) for c in sorted(found, key=lambda c: (c.start, c.end))]


def _index_not_folder(found: Sequence[Candidate], named: Sequence[Candidate]) -> list[Candidate]:
    """ "minutes/2023 into the index minutes": a bare name behind the word index is no folder, where another path begins with it."""
    folders = {c for c in found if c.kind in ("folder", "missing") and re.fullmatch(r"[\w-]+", c.text)}
    kept = list(found)
    for index in named:
        same = [c for c in folders if (c.start, c.end) == (index.start, index.end)]
        if same and any(c is not same[0] and re.match(rf"(?:.*/)?{re.escape(index.text)}(?:/|\.|$)", str(c.value)) for c in found):
            kept[kept.index(same[0])] = index
    return kept


def find_named(text: str) -> list[Candidate]:
    """Values that have names: the tables `[values.*]` of lexicon.toml, and quantization types by their shape."""
    from modelwright.graphs.planning.lexicon import lexicon

    found = _quant_types(text)
    for kind, names in lexicon().values.items():
        for pattern, value in names:
            for match in pattern.finditer(text):
                found.append(Candidate(kind, value, match.start(), match.end(), match.group()))
    return _longest_of_each_kind(found)


_INDEXING = re.compile(r"\b(?:index|indice|índice|idx|searchable|knowledge base|indici|индекс)", re.IGNORECASE)
_QUANT = re.compile(
    r"(?<![\w.-])(?:(I?Q(?:[1-8]|\d+(?=_[0-9K])))[_ -]?(XXS|XS|NL|K[_ -]?(?:XL|S|M|L)|[0-9KSM])?)(?!['’]?\w)", re.IGNORECASE
)
"""Nothing follows that makes its last letter a word's: "Q6_K s'il te plaît"."""
_QUARTER = re.compile(
    r"\s+(?:(?:of )?(?:20)?\d\d|budget|forecast|report|results?|earnings|sales|figures?|numbers?|revenue|plan(?:ning)?|review|goals?|okrs?"
    r"|target|close)\b",
    re.IGNORECASE,
)
"""Behind Q1 to Q4 of a year."""
_OF_FOLDERS = re.compile(r"(?<![\w.-])(?:nf4|gptq|awq)(?!\w)", re.IGNORECASE)
_WITH_INT8 = re.compile(r"(?<![\w.-])(?:nf4|gptq|awq|int8)(?!\w)", re.IGNORECASE)
"""Beside one of them int8 is the folder's type and not llama.cpp's Q8_0."""
_SHORT = {
    "Q8": "Q8_0",
    "Q6": "Q6_K",
    "Q5": "Q5_K_M",
    "Q4": "Q4_K_M",
    "Q3": "Q3_K_M",
    "Q2": "Q2_K",
    "Q4_K": "Q4_K_M",
    "Q5_K": "Q5_K_M",
    "Q3_K": "Q3_K_M",
}


def _quant_types(text: str) -> list[Candidate]:
    """q4_k_m, Q4-K-M, q4km, q8 … as llama.cpp writes them; nf4, awq … as they are."""
    names = _OF_FOLDERS if _OF_FOLDERS.search(text) is None else _WITH_INT8
    found = [Candidate("quant", m.group().lower(), m.start(), m.end(), m.group()) for m in names.finditer(text)]
    for match in _QUANT.finditer(text):
        if len(match.group()) == 2 and _QUARTER.match(text, match.end()):
            continue
        base, rest = match.group(1).upper(), re.sub(r"[_ -]", "", (match.group(2) or "").upper())
        parts = [base, *([rest[0], rest[1:]] if rest and rest[0] == "K" else [rest])]
        name = "_".join(part for part in parts if part)
        found.append(Candidate("quant", _SHORT.get(name, name), match.start(), match.end(), match.group()))
    return found


def _outside(candidates: Sequence[Candidate], taken: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if not any(c.start < t.end and t.start < c.end for t in taken)]


def _longest_of_each_kind(candidates: Sequence[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: c.start - c.end):
        if not any(candidate.kind == k.kind and candidate.start < k.end and k.start < candidate.end for k in kept):
            kept.append(candidate)
    return kept
