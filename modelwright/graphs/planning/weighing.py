"""What speaks for the rules' reading of a request and what for the model's draft of it: one question a function, no decision."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from modelwright.contract import Tool
from modelwright.graphs.planning import arguments, asked_texts, documents, left_unsaid, named, phrases
from modelwright.graphs.planning.cues import ELSEWHERE
from modelwright.graphs.planning.fields import fields_of, made_models
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import HINT, LIKELY, SURE, lexicon
from modelwright.graphs.planning.reading import Reading
from modelwright.graphs.planning.sheet import THINGS
from modelwright.graphs.planning.tool_names import ANSWER, INDEX, SEARCH, TRAINS
from modelwright.models.base import Draft, DraftStep

WHOLE = -0.2
"""Mean log-probability of a draft, nats, from which it is believed as it is, and from which its steps need no word that speaks for
them. Of 251 such drafts of 320 new requests 246 had the right tools; the rules alone had them in 185."""
LEANS, MAY = -3.0, -3.3
"""Log-probability of "none" from which it outweighs a draft that is not sure of its steps, beside no sure word; and any draft, beside no
more than hints. Of 1,400 new requests 31 were so: 27 of them what no tool does, one a plan."""
CERTAIN = -0.06
"""Mean log-probability of a draft that is never outweighed by what it might have been."""
OPEN = -1.5
"""Log-probability of "none" from which it outweighs a draft that asks, beside no sure word."""
_VALUES = ("gpu", "memory", "money", "quant")
"""What is named for a tool's sake, though no word of it is said: "is my RTX 4080 big enough for it?"."""
ABSURD = -8.0
"""Of "none", below which words for what no tool does are taken for something said by the way: "I have a file with anonymised notes". Of 39
requests with such words and a drafted plan all 18 below it meant the plan, of the 21 above it 5."""
POSSIBLE = -1.3
"""Of the tool that words are sure of, from which a draft that declines without being sure is not believed: of 7 such three of the four
above it were plans or incomplete, and two of the three below it nobody's work."""
DECLINES = -2.0
"""Of "none", below which a draft that asks is not declined for want of words: "wie gut ist m.gguf bei meinen Testsätzen?"."""
IMPROBABLE = -6.0
"""Of "none", below which such words do not turn a request that is incomplete into nobody's work: "A/B on a.jsonl. who wins?"."""
EVEN, LEAST_ASKED = 1.0, -1.6
"""How much likelier "none" may be than "ask", in nats, and the least log-probability of "ask" (p = 0.2), for a request to be vague."""
RECKONED = frozenset({"choose_engine", "cost", "memory_fit", "kv_cache", "benchmark", "speculate"})
"""Tools of sizes, speeds and prices. Of 2,280 new requests 16 had a draft of these alone, no word that is sure of one, and none of models,
data or what is served: 15 were nobody's work (a pension, a pump rate, a gaming PC), and one is settled by a word since."""
_MEASURES = frozenset({"evaluate", "compare"})
MOST_DRAFTED = 3
"""Steps from which a draft may be cut short: of the examples that it learned from one in a hundred has more."""


@dataclass(frozen=True)
class Case:
    """A request as both have read it."""

    asked: Sequence[Intent]
    """What the rules read, possibly undecided."""
    draft: Draft
    reading: Reading
    tools: Mapping[str, Tool]

    @cached_property
    def rules(self) -> list[Intent]:
        return [i for i in self.asked if i.tool in self.tools]

    @cached_property
    def mine(self) -> list[str]:
        return [i.tool for i in self.rules]

    @cached_property
    def said(self) -> list[Intent]:
        """Without the clauses in which no more than a hint stands, where others decide."""
        return [i for i in self.asked if i.tool or max(i.scores.values(), default=0.0) >= LIKELY]

    @property
    def first(self) -> float:
        """Log-probability of the likeliest first tool."""
        return self.draft.alternatives[0][1] if self.draft.alternatives else self.draft.score

    def has(self, tags: str) -> bool:
        """Whether the request names a thing of one of these kinds: D a data set, P F a place, X an index."""
        return any(tag[0] in tags for tag in self.reading.tags)

    def points(self, name: str) -> float:
        return max((i.scores.get(name, 0.0) for i in self.asked), default=0.0)


def rules_sure(asked: Sequence[Intent]) -> bool:
    """Whether every clause has a tool that a cue decides alone."""
    points = [i.scores.get(i.tool, 0.0) for i in asked]
    return bool(asked) and all(i.tool and not i.tool.startswith(ELSEWHERE) for i in asked) and min(points) >= SURE


def says_no_more(case: Case) -> bool:
    """ "quantize it": a command that the rules are sure of and nothing else, so there is nothing that a draft could know better."""
    small = lexicon().words["fillers"] | lexicon().words["function_words"]
    telling = [t.word for t in case.reading.tokens if t.word.isalpha() and t.word not in small]
    return rules_sure(case.asked) and len(telling) == len(case.asked) and not case.reading.found


def counts_more(case: Case, names: Sequence[str], others: Sequence[str]) -> bool:
    """ "3,000 calls a day, 800 tokens in, 150 out": the numbers speak for one tool alone."""
    return _counts_for(case, names) and not _counts_for(case, others)


def _counts_for(case: Case, names: Sequence[str]) -> bool:
    """Whether a number of the request stands beside the name of an argument of one of the tools ("3 epochs")."""
    text = case.reading.request
    return any(named.numbers(fields_of(case.tools[name].args), case.reading.found, text, 0, len(text)) for name in names)


def signed(case: Case, names: Sequence[str]) -> bool:
    return any(case.points(name) for name in names)


def outweighs(case: Case, names: Sequence[str]) -> bool:
    """Whether words speak for one of the tools, and as much as for what no tool can do ("deploy" may be about an engine, "k8s" is not).

    A question to documents may be about anything."""
    if signed(case, [name for name in names if name in (SEARCH, ANSWER)]):
        return True
    foreign = [i for i in case.said if i.tool.startswith(ELSEWHERE)]
    return signed(case, names) and all(any(i.scores.get(name, 0.0) >= _weight(i) for name in names) for i in foreign)


def uses_before_it_is_made(case: Case, steps: Sequence[DraftStep]) -> bool:
    """Whether a step that needs a model comes before the only one that trains or makes one, and the request names none."""
    makers = [n for n, step in enumerate(steps) if step.tool in TRAINS]
    if len(makers) != 1 or case.has("M"):
        return False
    return any(_needs_a_model(case.tools[step.tool]) for step in steps[: makers[0]])


def _needs_a_model(tool: Tool) -> bool:
    return any(field.role == "model" and field.required for field in fields_of(tool.args).values())


def is_no_refusal(draft: Draft) -> bool:
    """Whether the model holds it for impossible that no tool does what is asked."""
    return draft.kind == "plan" and dict(draft.alternatives).get("none", 0.0) < ABSURD


def _weight(foreign: Intent) -> float:
    """Of what a tool does that is not here, several words count no more than one."""
    return SURE if foreign.tool.removeprefix(ELSEWHERE) in lexicon().tools else foreign.scores[foreign.tool]


def nothing_is_meant(case: Case) -> bool:
    """ "fill the empty cells of data.xlsx": no word is sure of a tool, the draft is not sure of its steps either, and the model thinks it
    possible that no tool does it; or no more than hints stand in it. What a draft would ask for is not what is missing then."""
    if asks_an_index(case) or case.draft.kind == "none":
        return False
    if _reckons_with_nothing(case):
        return True
    said = max((points for i in case.asked for name, points in i.scores.items() if name in case.tools), default=0.0)
    chances = dict(case.draft.alternatives)
    none, ask = chances.get("none", -math.inf), chances.get("ask", -math.inf)
    if case.draft.kind == "plan":
        unsure = said < SURE and case.draft.score < WHOLE and none >= max(LEANS, ask)
        return unsure or (said <= HINT and none >= MAY and case.draft.score < CERTAIN)
    if ask >= left_unsaid.LIKELY and none < DECLINES:
        return False
    kinds = {c.kind for c in case.reading.found}
    if said < HINT and not kinds.isdisjoint(THINGS) and kinds.isdisjoint(_VALUES):
        return True
    return said < (LIKELY if _speaks_of_work(case.reading) else SURE) and none >= OPEN


def _reckons_with_nothing(case: Case) -> bool:
    """ "rtx 4070 or 7800xt? budget 550": what it costs, what fits or how fast it is, of nothing that a model does."""
    drafted = {step.tool for step in case.draft.steps}
    words = {t.word for t in case.reading.tokens}
    spoken_of = _speaks_of_work(case.reading) or not lexicon().words["things_to_serve"].isdisjoint(words)
    named = not THINGS.isdisjoint(c.kind for c in case.reading.found)
    named = named or any(said.field == "needs" and said.tool in drafted for said in case.reading.said)  # "it has to live in my own process"
    possible = dict(case.draft.alternatives).get("none", -math.inf) >= IMPROBABLE
    return (
        possible
        and bool(drafted)
        and drafted <= RECKONED
        and not (spoken_of or named)
        and all(case.points(tool) < SURE for tool in drafted)
    )


def _speaks_of_work(reading: Reading) -> bool:
    """Of models, data, documents."""
    return bool(lexicon().words["things_to_work_on"].intersection(t.word for t in reading.tokens))


def may_be_asked(case: Case) -> bool:
    """Whether what is not planned is rather incomplete than nobody's work: it speaks of models, data or documents, or names one."""
    possible = dict(case.draft.alternatives).get("none", -math.inf) >= IMPROBABLE
    beyond = possible and any(i.tool.startswith(ELSEWHERE) for i in case.said)
    named = _speaks_of_work(case.reading) or any(c.kind in THINGS for c in case.reading.found)
    return left_unsaid.is_likely(case.draft, left_unsaid.EVEN if named else left_unsaid.LIKELIER) and not beyond


def asks_by_rules(case: Case) -> bool:
    """A plan that only the rules would have to ask for: "put the contracts in an index called c, then find all on fees"."""
    seeks = any(step.tool in (SEARCH, ANSWER) for step in case.draft.steps) and INDEX not in case.mine
    return not seeks and any(lacks(case, name) for name in case.mine)


def asks_an_index(case: Case) -> bool:
    """ "¿Cuántas horas hay en segundo? Está en el índice curriculo": a question, an index that is named, and a draft that asks it."""
    asks = case.draft.kind == "plan" and any(step.tool in (SEARCH, ANSWER) for step in case.draft.steps[:1])
    return asks and _names_an_index(case) and not documents.builds(case.reading.request) and documents.asks_documents(case.reading.request)


def commanded(case: Case) -> bool:
    """Words are sure of every clause's tool, the model thinks the first of them possible too, and no word speaks for what no tool does."""
    possible = bool(case.mine) and dict(case.draft.alternatives).get(case.mine[0], -math.inf) >= POSSIBLE
    return possible and rules_sure(case.said) and not any(i.tool.startswith(ELSEWHERE) for i in case.asked)


def says_what_to_find(case: Case) -> bool:
    """'Wo steht etwas zu "Telearbeit"?': words are sure of a search or an answer and of nothing else, and a text in quotes or an index is
    named for it."""
    asks = bool(case.rules) and set(case.mine) <= {SEARCH, ANSWER}
    sure = asks and all(points_of(i) >= SURE for i in case.rules) and not any(i.tool.startswith(ELSEWHERE) for i in case.asked)
    return sure and (_names_an_index(case) or any(asked_texts.find(case.reading.request, case.reading.found)))


def _names_an_index(case: Case) -> bool:
    return case.has("X") or phrases.value("index", "auto", case.reading.request) is not None


def is_vague(draft: Draft, reading: Reading, *, foreign: bool = False) -> bool:
    """ "could you check my data set?" in a language that the words do not cover: it is as likely that something is missing as that no
    tool does it, it speaks of data, documents or a model, and names none; nor do words speak for what no tool
    does (`foreign`). To ask is safer than to decline."""
    chances = dict(draft.alternatives)
    asks, none = chances.get("ask", -math.inf), chances.get("none", -math.inf)
    return (
        draft.kind != "plan"
        and not foreign
        and asks >= none - EVEN
        and asks >= LEAST_ASKED
        and (_speaks_of_work(reading) or not lexicon().words["things_to_read"].isdisjoint(t.word for t in reading.tokens))
        and THINGS.isdisjoint(c.kind for c in reading.found)
    )


def takes_all(case: Case, names: Sequence[str]) -> bool:
    """Whether the tools have an argument for each kind of thing that the request names: a data set, a model."""
    roles = {field.role for name in names for field in fields_of(case.tools[name].args).values()}
    wanted = {"D": {"dataset", "file", "documents"}, "M": {"model", "documents"}}
    wanted |= {"P": {"file", "dataset", "documents", "output"}} if any(str(c.value).endswith(".toml") for c in case.reading.found) else {}
    return all(roles & wanted[tag[0]] for tag in case.reading.tags if tag[0] in wanted)


def another_later(case: Case, drafted: Sequence[str]) -> bool:
    """Both begin alike and have as many steps, but a later one of the draft is a tool that hardly a word speaks for, in place of one
    that several do."""
    alike = len(case.mine) == len(drafted) > 1 and case.mine[0] == drafted[0]
    return alike and any(
        a != b and _outspeaks(case, a, b) and not lacks_data(case, [a]) and not _asks_nothing_read(case, a)
        for a, b in zip(case.mine, drafted, strict=True)
    )


def measures_after(case: Case, drafted: Sequence[str]) -> bool:
    """ "train on a.jsonl, then score it on test.jsonl": words are sure of a measurement behind a training, and the draft measures nothing
    (it took the file for one to watch the loss on)."""
    if not rules_sure(case.said) or not set(drafted) < set(case.mine) or set(drafted) & _MEASURES or not set(drafted) & TRAINS:
        return False
    return any(i.tool in _MEASURES and points_of(i) >= SURE for i in case.rules)


def _outspeaks(case: Case, mine: str, other: str) -> bool:
    """More than one word, or one that is sure where neither a hint nor a thing of its own speaks for the other."""
    held = {value[0] for step in case.draft.steps if step.tool == other for values in step.fields.values() for value in values}
    bare = held <= {"N"} and not case.points(other)
    return case.points(mine) > SURE > case.points(other) or (bare and mine != "evaluate" and case.points(mine) >= SURE)


def _asks_nothing_read(case: Case, tool: str) -> bool:
    """ "then tell me what we lost": no question to documents, where there are none."""
    return tool in (SEARCH, ANSWER) and INDEX not in case.mine and not case.has("XPF")


def states_more(case: Case, drafted: Sequence[str]) -> bool:
    """ "is x.jsonl ok? If so 30 training steps on it": words are sure of all that the draft has and of one tool more, whose argument
    they state."""
    if not (rules_sure(case.said) and set(drafted) < set(case.mine)):
        return False
    more = [i for i in case.rules if i.tool not in drafted and i.tool not in documents.TOOLS]  # those are told apart in documents.py
    return any(arguments.points(case.reading.said, i.clause.start, i.clause.end).get(i.tool, 0.0) > 0.5 for i in more)


def lacks_data(case: Case, names: Sequence[str]) -> bool:
    """Whether one of the tools would have to ask for its data set: "how big a card do I need to train m with all weights"."""
    return not case.has("DPF") and any(_needs_data(case.tools[name]) for name in names)


def _needs_data(tool: Tool) -> bool:
    return any(field.role == "dataset" and field.required for field in fields_of(tool.args).values())


def unlikely(case: Case, drafted: Sequence[str], bound: float) -> bool:
    """A draft of a tool that no word speaks for, or less than for the rules' own where they are sure, and that the model itself is
    not sure of."""
    sure = rules_sure(case.said) and case.mine[:1] != list(drafted[:1])
    return not drafted or (case.first < bound and case.points(drafted[0]) < (SURE if sure else LIKELY))


def further(case: Case, drafted: Sequence[str], vacant: int) -> list[Intent]:
    """What a draft lacks of the rules' steps: the rules see its tools too, or it has no room for more.

    `vacant` of its steps were the same again: as many may be told by no more than a sure word of their own."""
    may_lack = bool(drafted) and (set(drafted) <= set(case.mine) or len(drafted) >= MOST_DRAFTED)
    lacking = [i for i in case.rules if i.tool not in drafted and _may_be_added(case, i, drafted)] if may_lack else []
    added = [i for i in lacking if _is_further(i, drafted)]
    sure = [i for i in lacking if i not in added and points_of(i) >= SURE]
    kept = [*added, *(sure if len(added) + len(sure) <= vacant else [])]
    return [i for i in lacking if i in kept]


def holds_unused(case: Case, intent: Intent) -> bool:
    """ "then export it to out/m.gguf", "and give me that as gguf": its words name a thing or a format that no step of the draft has."""
    used = {value for step in case.draft.steps for values in step.fields.values() for value in values}
    unused = [c for tag, c in case.reading.tags.items() if tag[0] in "DMOQ" and tag not in used]
    formats = [c for c in intent.clause.candidates if c.kind == "format" and c.value not in used]
    return bool(formats) or any(c in intent.clause.candidates for c in unused)


def points_of(intent: Intent) -> float:
    return intent.scores.get(intent.tool, 0.0)


def _may_be_added(case: Case, intent: Intent, drafted: Sequence[str]) -> bool:
    judged = intent.tool == "evaluate" and "compare" in drafted  # "whether it improved. The questions are in x.jsonl, to be judged by …"
    if judged and not any(c.kind == "model" for c in intent.clause.candidates):
        return False
    there = case.has("M") or INDEX in case.mine or any(made_models(case.tools[name]) for name in drafted)
    unnamed = _needs_a_model(case.tools[intent.tool]) and not there
    return not (unnamed or lacks(case, intent.tool) or _asks_nothing_read(case, intent.tool))


def lacks(case: Case, tool: str) -> bool:
    """ "the bench's json is there": whether it would have to ask for a data set, documents, or a model that nothing names or makes."""
    needed = {field.role for field in fields_of(case.tools[tool].args).values() if field.required}
    has_model = case.has("M") or INDEX in case.mine or any(made_models(case.tools[name]) for name in case.mine)
    return lacks_data(case, [tool]) or ("documents" in needed and not case.has("PF")) or ("model" in needed and not has_model)


def _is_further(intent: Intent, drafted: Sequence[str]) -> bool:
    """ "… and measure it on x", "then serve it": a sure deed of its own, opened by a word that adds; or one more than a draft can hold."""
    points = points_of(intent)
    adds = lexicon().words["then"] | lexicon().words["adds"]
    return points >= LIKELY and (not adds.isdisjoint(intent.clause.opener.split()) or (points >= SURE and len(drafted) >= MOST_DRAFTED))
