"""Lists that a draft gave in part, or with more than is meant: "a and b against builtin, builtin first", "awq or nf4, both"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.candidates import find_named
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.numbers import read_words
from modelwright.graphs.planning.sheet import Sheet
from modelwright.graphs.planning.tool_names import LOSS

_AGAINST = re.compile(
    r"\b(?:against|versus|vs\.?|gegen|contre|contra|contro|tegen|mot|mod|przeciw)\s(?:(?:the|plain|stock|our|de|den|det|el|la|le|il|o)\s)*$",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"[\"'`]?,? (?:comes |goes |being |is )?(?:first|zuerst|först|først|eerst|primero|d['’]abord|per primo|primeiro)\b", re.IGNORECASE
)
_BASELINE = re.compile(
    r"\s(?:as|for|als|comme|como|come|som)\s(?:(?:the|a|its|der|die|das|le|la|el|il|o|de|den)\s)?(?:baseline|reference|referenz|basis|base|référence"
    r"|referencia|riferimento)\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:(?P<both>both|beide|båda|begge|ambos|ambas|entrambi|entrambe|oba|obie)"
    r"|(?:all|alle|alla|allemaal|todos|todas|tutti e|tutte e|les|os|as) (?:the )?"
    r"(?P<count>two|three|four|five|six|drei|vier|drie|tre|fyra|fire|tres|cuatro|trois|quatre|quattro|três|quatro))\b",
    re.IGNORECASE,
)


def as_many_as_said(sheet: Sheet, field: FieldSpec, found: list[Candidate]) -> list[Candidate]:
    """All types of the request, where it says how many there are and the draft took fewer."""
    if not field.is_list or not found or any(c.kind != "quant" for c in found):
        return found
    named = {c.value: c for c in sheet.candidates if c.kind == "quant"}
    said = {2 if m["both"] else int(read_words(m["count"])) for m in _ALL.finditer(sheet.request)}
    return list(named.values()) if len({c.value for c in found}) < len(named) and len(named) in said else found


def whole(sheet: Sheet, draft: Draft, found: Sequence[Candidate]) -> list[Candidate]:
    """The models of a list: with the one that they stand against, without another clause's, and first the one that is said to be."""
    models = {c.value: c for c in found}
    alone = len(sheet.drafts) == 1
    own = {c.value for c in draft.clause.candidates if c.kind == "model"}
    if not alone and own and draft.tool.name == LOSS:
        models = {value: c for value, c in models.items() if value in own}
    for candidate in (c for c in sheet.candidates if c.kind == "model" and c.value not in models and c not in sheet.used):
        measured = draft.tool.name == LOSS and alone and str(candidate.value).lower().endswith(".gguf")
        opposed = _AGAINST.search(sheet.request[: candidate.start]) or _BASELINE.match(sheet.request, candidate.end)
        if measured or (alone and opposed):
            models[candidate.value] = candidate
    first = {c.value for c in sheet.candidates if c.kind == "model" and _is_first(c, sheet.request)}
    return sorted(models.values(), key=lambda c: c.value not in first) if len(first) == 1 else list(models.values())


def _is_first(model: Candidate, request: str) -> bool:
    return bool(_FIRST.match(request, model.end) or _BASELINE.match(request, model.end))


def without_made(draft: Draft) -> None:
    """ "Q8_0 is lossless, they say: m-f16.gguf and m-q8_0.gguf": a type that a file in the list has is not made for the measurement."""
    if draft.tool.name != LOSS or "models" not in draft.args or "types" not in draft.args:
        return
    names = re.sub(r"[-./]", " ", " ".join(str(model) for model in draft.args["models"]))
    made = {c.value for c in find_named(names) if c.kind == "quant"}
    draft.args["types"] = [value for value in draft.args["types"] if value not in made]
    if not draft.args["types"]:
        del draft.args["types"], draft.sources["types"]
