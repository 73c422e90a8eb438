"""Numbers that a draft gave to an argument, where the draft is likely and nothing else claims them.

"8 kierrosta", "slots=4": no name in the lexicon stands beside the number, and the draft reads it right. Only after all names and turns
of speech were looked for, only in digits beside a word for what they count, only within the bounds of the argument. A list that
words gave a part of is made whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwright.graphs.planning import fill_values, named
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.sheet import Sheet

_COUNTED = re.compile(r" (?P<word>[^\W\d]{3,})")
_PLACE = re.compile(r"request\[(\d+):(\d+)\]")


def fill(sheet: Sheet) -> None:
    for draft in sheet.drafts if sheet.trusted else ():
        fields = fields_of(draft.tool.args)
        for name, values in draft.chosen.items():
            if name in fields and fields[name].inner in ("integer", "number"):
                _numbers(sheet, draft, fields[name], values)


def _numbers(sheet: Sheet, draft: Draft, field: FieldSpec, values: Sequence[Candidate]) -> None:
    """The numbers of one argument: all of them, or none where one is another's."""
    have = draft.args.get(field.name)
    plain = [c for c in values if c.kind == "number" and c.text[0].isdigit() and _may_be(field, c)]
    plain = [c for c in plain if not named.counts_cards(c, sheet.candidates, sheet.request)]
    run = [c for c in named.run_of(plain[0], sheet.candidates, sheet.request, field) if c not in plain] if plain else []
    found = sorted({*plain, *run}, key=lambda c: c.start)
    grows = field.is_list and have is not None and {named.value_of(field, c) for c in found} > set(have)
    said = grows or any(_is_counted(sheet.request, c) for c in found)
    if not found or len(plain) < len(values) or not (have is None or grows) or not said:
        return
    own = draft.sources.get(field.name, "")
    if all(c.evidence in own or not _is_taken(sheet, c) for c in found):
        fill_values.put(sheet, draft, field, found)


def _is_counted(request: str, number: Candidate) -> bool:
    """Whether what the number counts stands behind it, or a name and "=" before. "Stufe 8" and "4 will do" may be anything."""
    small = lexicon().words["function_words"] | lexicon().words["fillers"]
    said = _COUNTED.match(request, number.end)
    return request[: number.start].endswith("=") or (said is not None and said["word"].lower() not in small)


def _may_be(field: FieldSpec, number: Candidate) -> bool:
    value = named.value_of(field, number)
    whole = field.inner == "number" or float(value).is_integer()
    return whole and (field.least is None or value >= field.least) and (field.most is None or value <= field.most)


def _is_taken(sheet: Sheet, number: Candidate) -> bool:
    places = (_PLACE.finditer(source) for draft in sheet.drafts for source in draft.sources.values())
    return any(number.start < int(m[2]) and int(m[1]) < number.end for found in places for m in found)
