"""Whose steps are planned: the rules' or the model's draft. And how a draft becomes intents with clauses of the request.

Both agree: the rules' clauses with the draft's choices. They differ: the draft where it is confident, else the rules where
they are sure, else the draft; where both are weak the user is asked. The bounds are measured (benchmarks/planner_requests.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelwright.contract import Tool
from modelwright.graphs.planning import advice, arguments, documents, named
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import is_free_text, named_as
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.cues import ELSEWHERE
from modelwright.graphs.planning.drafted import only_more, worth_their_place
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import LIKELY, SURE, lexicon
from modelwright.graphs.planning.reading import Reading
from modelwright.graphs.planning.sheet import OUTPUT_LEADS, THINGS
from modelwright.models.base import Draft, DraftStep

WEAK = -1.5
"""Mean log-probability of a draft, nats, below which it is a guess: with rules that see nothing either, the user is asked."""
PLAIN = -0.22
"""Log-probability of the first tool from which it is taken against rules that are sure of others and see no sign of it (p = 0.8)."""
GUESS = -0.7
"""The same where the rules have decided for every clause without being sure."""
REFUSAL = -0.7
"""Of "none" and "ask", from which they are taken where rules see a tool (p = 0.5)."""

DOUBT = -0.1
"""Of "none", below which it is not believed against rules that are sure where the request speaks of a model or a file (p = 0.9)."""

MOST_DRAFTED = 3
"""Steps from which a draft may be cut short: of the examples that it learned from one in a hundred has more."""


@dataclass(frozen=True)
class Decision:
    by: str
    """rules, draft, both, or ask."""
    intents: list[Intent]
    kind: str = "plan"
    """plan, question or none, as far as it is known before filling."""


def decide(asked: Sequence[Intent], draft: Draft, reading: Reading, tools: Mapping[str, Tool]) -> Decision:
    """`asked` is what the rules read, possibly undecided; `draft` what the model made of it."""
    rules = [i for i in asked if i.tool in tools]
    said = _beside_talk(asked)
    foreign = bool(said) and all(i.tool.startswith(ELSEWHERE) for i in (said[0], said[-1]))
    if foreign and not (_first(draft) >= GUESS and _outweighs([s.tool for s in draft.steps], said)):
        return Decision("rules", list(asked))
    if draft.kind != "plan":
        return _without_a_plan(asked, rules, draft, reading, tools)
    steps = worth_their_place(
        documents.measured_draft([step for step in draft.steps if step.tool in tools], asked, tools), asked, reading, tools
    )
    mine, drafted = [i.tool for i in rules], [step.tool for step in steps]
    if (spoken := arguments.spoken_of(reading.said)) in mine and spoken not in drafted:
        return Decision("rules", list(asked))
    if rules_sure(said) and _takes_all(mine, reading, tools) and not _takes_all(drafted, reading, tools):
        return Decision("rules", list(asked))
    if rules_sure(said) and _another_later(mine, drafted, asked, reading, tools):
        return Decision("rules", list(asked))
    if draft.kind == "plan" and rules and _says_no_more(asked, reading) and not set(mine) & set(drafted):
        return Decision("rules", list(asked))
    if rules_sure(said) and _first(draft) < GUESS:
        return Decision("rules", list(asked))
    if sorted(mine) == sorted(drafted):
        steps.sort(key=lambda step: mine.index(step.tool))  # words say what comes first
        return Decision("both", from_draft(steps, asked, reading, tools))
    if draft.score < WEAK and not rules_sure(asked):
        return Decision("ask", from_draft(steps, asked, reading, tools))
    if rules_sure(asked) and _counts_more(mine, drafted, reading, tools) and not _signed(drafted, asked):
        return Decision("rules", list(asked))
    bound = PLAIN if rules_sure(said) else GUESS
    if only_more(mine, steps, asked, reading, tools) or (
        rules and all(i.tool for i in said) and _unlikely(draft, drafted, asked, bound) and not _counts_more(drafted, mine, reading, tools)
    ):
        return Decision("rules", list(asked))
    left_out = [i for i in rules if i.tool not in drafted and _is_further(i, drafted)] if _may_lack(drafted, mine) else []
    intents = from_draft(steps, [i for i in asked if i not in left_out], reading, tools)
    for further in left_out:
        intents.insert(_place_of(further, intents, {i.tool for i in rules[: rules.index(further)]}), further)
    return Decision("draft", intents)


def _place_of(further: Intent, intents: Sequence[Intent], earlier: set[str]) -> int:
    """Behind what the rules or the words put before it."""
    before = (i.tool in earlier or (i.clause.tokens and i.clause.end <= further.clause.start) for i in intents)
    return max((n for n, is_before in enumerate(before, 1) if is_before), default=0)


def _without_a_plan(
    asked: Sequence[Intent], rules: Sequence[Intent], draft: Draft, reading: Reading, tools: Mapping[str, Tool]
) -> Decision:
    """none and ask: believed where they are likely, or where rules see no tool."""
    first = draft.alternatives[0][1] if draft.alternatives else 0.0
    if rules_sure(asked) and draft.kind == "question":  # what is missing is asked about when the plan is filled
        return Decision("rules", list(asked))
    doubted = first < DOUBT and not lexicon().words["model_things"].isdisjoint(t.word for t in reading.tokens)  # "the new checkpoint"
    names_things = doubted or any(c.kind in THINGS for c in reading.found)
    general = draft.kind == "none" and advice.asked_for(reading.request, reading.found)
    # three cues or more, or a second sure one
    certain = not general and rules_sure(asked) and min(i.scores[i.tool] for i in asked) > SURE + 0.25
    if rules and (first < REFUSAL or certain or (draft.kind == "none" and names_things and rules_sure(asked))):
        return Decision("rules", list(asked))
    return Decision("draft", from_draft([s for s in draft.steps if s.tool in tools], asked, reading, tools), draft.kind)


def _says_no_more(asked: Sequence[Intent], reading: Reading) -> bool:
    """ "quantize it": a command that the rules are sure of and nothing else, so there is nothing that a draft could know better."""
    small = lexicon().words["fillers"] | lexicon().words["function_words"]
    telling = [t.word for t in reading.tokens if t.word.isalpha() and t.word not in small]
    return rules_sure(asked) and len(telling) == len(asked) and not reading.found


def _counts_for(names: Sequence[str], reading: Reading, tools: Mapping[str, Tool]) -> bool:
    """Whether a number of the request stands beside the name of an argument of one of the tools ("3 epochs")."""
    text = reading.request
    return any(named.numbers(fields_of(tools[name].args), reading.found, text, 0, len(text)) for name in names)


def _counts_more(names: Sequence[str], others: Sequence[str], reading: Reading, tools: Mapping[str, Tool]) -> bool:
    """ "3,000 calls a day, 800 tokens in, 150 out": the numbers speak for one tool alone."""
    return _counts_for(names, reading, tools) and not _counts_for(others, reading, tools)


def _signed(names: Sequence[str], asked: Sequence[Intent]) -> bool:
    return any(i.scores.get(name, 0.0) for i in asked for name in names)


def _outweighs(names: Sequence[str], asked: Sequence[Intent]) -> bool:
    """Whether words speak for one of the tools, and as much as for what no tool can do ("deploy" may be about an engine, "k8s" is not).

    A question to documents may be about anything."""
    if _signed([name for name in names if name in (documents.SEARCH, documents.ANSWER)], asked):
        return True
    foreign = [i for i in asked if i.tool.startswith(ELSEWHERE) and i.tool.removeprefix(ELSEWHERE) not in lexicon().tools]
    return _signed(names, asked) and all(any(i.scores.get(name, 0.0) >= i.scores[i.tool] for name in names) for i in foreign)


def _first(draft: Draft) -> float:
    """Log-probability of the likeliest first tool."""
    return draft.alternatives[0][1] if draft.alternatives else draft.score


def _takes_all(names: Sequence[str], reading: Reading, tools: Mapping[str, Tool]) -> bool:
    """Whether the tools have an argument for each kind of thing that the request names: a data set, a model."""
    roles = {field.role for name in names for field in fields_of(tools[name].args).values()}
    wanted = {"D": {"dataset", "file", "documents"}, "M": {"model", "documents"}}
    return all(roles & wanted[tag[0]] for tag in reading.tags if tag[0] in wanted)


def _another_later(
    mine: Sequence[str], drafted: Sequence[str], asked: Sequence[Intent], reading: Reading, tools: Mapping[str, Tool]
) -> bool:
    """Both begin alike and have as many steps, but a later one of the draft is a tool that hardly a word speaks for, in place of one
    that several do."""
    points = {name: max((i.scores.get(name, 0.0) for i in asked), default=0.0) for name in (*mine, *drafted)}
    alike = len(mine) == len(drafted) > 1 and mine[0] == drafted[0]
    has_data = any(tag[0] in "DPF" for tag in reading.tags)
    return alike and any(
        a != b and points[a] > SURE > points[b] and (has_data or not _needs_data(tools[a])) for a, b in zip(mine, drafted, strict=True)
    )


def _needs_data(tool: Tool) -> bool:
    return any(field.role == "dataset" and field.required for field in fields_of(tool.args).values())


def _unlikely(draft: Draft, drafted: Sequence[str], asked: Sequence[Intent], bound: float) -> bool:
    """A draft of a tool that no word speaks for, and that the model itself is not sure of."""
    return not drafted or (_first(draft) < bound and not any(i.scores.get(drafted[0], 0.0) >= LIKELY for i in asked))


def _beside_talk(asked: Sequence[Intent]) -> list[Intent]:
    """Without the clauses in which no more than a hint stands, where others decide."""
    return [i for i in asked if i.tool or max(i.scores.values(), default=0.0) >= LIKELY]


def _may_lack(drafted: Sequence[str], mine: Sequence[str]) -> bool:
    """A draft whose tools the rules see too, or one that has no room for more steps."""
    return bool(drafted) and (set(drafted) <= set(mine) or len(drafted) >= MOST_DRAFTED)


def _is_further(intent: Intent, drafted: Sequence[str]) -> bool:
    """ "… and measure it on x", "then serve it": a sure deed of its own, opened by a word that adds; or one more than a draft can hold."""
    if intent.tool == "evaluate" and "compare" in drafted and not any(c.kind == "model" for c in intent.clause.candidates):
        return False  # "whether it improved. The questions are in x.jsonl, to be judged by …"
    points = intent.scores.get(intent.tool, 0.0)
    adds = lexicon().words["then"] | lexicon().words["adds"]
    return points >= LIKELY and (not adds.isdisjoint(intent.clause.opener.split()) or (points >= SURE and len(drafted) >= MOST_DRAFTED))


def rules_sure(asked: Sequence[Intent]) -> bool:
    """Whether every clause has a tool that a cue decides alone."""
    points = [i.scores.get(i.tool, 0.0) for i in asked]
    return bool(asked) and all(i.tool and not i.tool.startswith(ELSEWHERE) for i in asked) and min(points) >= SURE


def from_draft(steps: Sequence[DraftStep], asked: Sequence[Intent], reading: Reading, tools: Mapping[str, Tool]) -> list[Intent]:
    """The draft's steps as intents: each with the clause that the rules gave the same tool, else the one that holds its values."""
    left, made = list(asked), []
    everything = Clause(tuple(reading.tokens))
    for step in steps:
        chosen = chosen_values(step, reading, tools[step.tool])
        same = next((i for i in left if i.tool == step.tool), None)
        if same:
            left.remove(same)
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
