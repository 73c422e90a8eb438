"""How a model's draft becomes intents: each step with the clause of the request that speaks of it, and the values that it chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from modelwright.contract import Tool
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import is_free_text, named_as
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.cues import ELSEWHERE
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.reading import Reading
from modelwright.graphs.planning.sheet import OUTPUT_LEADS, THINGS
from modelwright.graphs.planning.tool_names import ANSWER, SEARCH
from modelwright.models.base import DraftStep


def from_draft(steps: Sequence[DraftStep], asked: Sequence[Intent], reading: Reading, tools: Mapping[str, Tool]) -> list[Intent]:
    """The draft's steps as intents: each with the clause that the rules gave the same tool, else the one that holds its values."""
    left, made = list(asked), []
    everything = Clause(tuple(reading.tokens))
    reached = 0
    for step in steps:
        chosen = chosen_values(step, reading, tools[step.tool])
        same = _that_speaks_of([i for i in left if i.tool == step.tool], chosen, reached)
        if same:
            left.remove(same)
            reached = same.clause.start if same.clause.tokens else reached
            if sum(other.tool == step.tool for other in steps) == 1:
                same = _with_neighbours(same, left, asked)
        made.append((step, chosen, same))
    intents: list[Intent] = []
    unmatched = [step for step, _, same in made if same is None]
    pairs = {id(s): i.clause for s, i in zip(unmatched, left, strict=True)} if len(unmatched) == len(left) else {}
    for step, chosen, same in made:
        if id(step) in pairs:
            clause, waits = pairs[id(step)], False
        elif same:
            clause, waits = same.clause, same.waits
        else:
            clause, waits = _clause_for(chosen, left, everything, alone=len(steps) == 1), False
        intents.append(Intent(everything if len(steps) == 1 else clause, {}, step.tool, waits, chosen))
    return _with_what_follows(intents, [i.clause for i in left if not i.tool and id(i.clause) not in {id(c.clause) for c in intents}])


def _with_neighbours(intent: Intent, left: list[Intent], asked: Sequence[Intent]) -> Intent:
    """ "a speed test with one user, 80 tokens answers, 6 repeats": what stands between two clauses of a tool, and both, is one step's.

    The clauses that are joined are taken out of `left`."""
    places = [n for n, other in enumerate(asked) if other.tool == intent.tool and (other is intent or other in left)]
    between = asked[places[0] : places[-1] + 1]
    holds_more = any(i is not intent and _has_things(i) for i in between)
    if len(places) < 2 or intent.tool in (ANSWER, SEARCH) or holds_more:
        return intent
    for other in between:
        if other in left:
            left.remove(other)
    tokens = {t.start: t for i in between for t in i.clause.tokens}
    return replace(intent, clause=Clause(tuple(tokens[start] for start in sorted(tokens)), between[0].clause.opener))


def _has_things(intent: Intent) -> bool:
    return any(c.kind in THINGS for c in intent.clause.candidates)


def _that_speaks_of(intents: Sequence[Intent], chosen: Mapping[str, Sequence[Candidate]], reached: int) -> Intent | None:
    """The one whose clause holds most of the chosen values; among equals the first behind the step before."""
    places = [c.start for values in chosen.values() for c in values if c.kind != "index"]  # it is named once for all
    held = {id(i): sum(i.clause.start <= place < i.clause.end for place in places) for i in intents if i.clause.tokens}
    return min(intents, key=lambda i: (-held.get(id(i), 0), not i.clause.tokens or i.clause.start < reached), default=None)


def with_loose_clauses(asked: Sequence[Intent]) -> list[Intent]:
    """What the rules gave no tool says more about the step before it, or about the first: "windows with an RTX 4070. what should I …"."""
    decided = [i for i in asked if i.tool]
    loose = [i.clause for i in asked if not i.tool]
    if len(decided) == 1 and not decided[0].tool.startswith(ELSEWHERE):
        tokens = {t.start: t for clause in (decided[0].clause, *loose) for t in clause.tokens}
        decided[0].clause = Clause(tuple(tokens[start] for start in sorted(tokens)), decided[0].clause.opener)
        return decided
    return _with_what_follows(decided, loose)


def _with_what_follows(intents: Sequence[Intent], loose: Sequence[Clause]) -> list[Intent]:
    """ "time a.gguf, goal 500 ms, and …": a clause that no step took belongs to the step before it."""
    for clause in loose:
        before = [i for i in intents if i.clause.tokens and i.clause.end <= clause.start]
        if before and clause.tokens:
            nearest = max(before, key=lambda i: i.clause.end)
            nearest.clause = nearest.clause + clause
    return list(intents)


def _is_place_to_write(candidate: Candidate, field: FieldSpec) -> bool:
    """ "as gguf at out/x.gguf": nothing to read from."""
    return candidate.kind == "missing" and candidate.lead in OUTPUT_LEADS and field.role not in ("", "output")


def _clause_for(chosen: Mapping[str, Sequence[Candidate]], left: Sequence[Intent], everything: Clause, *, alone: bool) -> Clause:
    """The undecided clause that holds most of the chosen values; nothing if none does."""
    if alone:
        return everything
    places = [c.start for values in chosen.values() for c in values]
    holding = sorted(left, key=lambda i: -sum(i.clause.start <= p < i.clause.end for p in places))
    if holding and any(holding[0].clause.start <= p < holding[0].clause.end for p in places):
        return holding[0].clause
    inside = [t for t in everything.tokens if any(t.start <= p < t.end for p in places)]
    return Clause(tuple(inside))


def chosen_values(step: DraftStep, reading: Reading, tool: Tool) -> dict[str, list[Candidate]]:
    """Field -> candidates; a literal choice needs the word of the request that names it."""
    fields = fields_of(tool.args)
    chosen: dict[str, list[Candidate]] = {}
    for name, values in step.fields.items():
        if name not in fields or is_free_text(fields[name]):
            continue
        for value in values:
            candidate = reading.tags.get(value)
            if candidate is None and value in fields[name].allowed:
                candidate = named_as(value, fields[name], reading.request, reading.found)
            if candidate is not None and not _is_place_to_write(candidate, fields[name]):
                chosen.setdefault(name, []).append(candidate)
    return chosen
