"""Whose steps are planned: the rules' or the model's draft.

A draft that the model is sure of is believed. Else, where both agree: the rules' clauses with the draft's choices. They differ:
the rules where they are sure of something that the draft gets wrong (weighing.py), else the draft; where both are weak the user
is asked. The bounds are measured (benchmarks/planner_requests.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from modelwright.contract import Tool
from modelwright.graphs.planning import advice, arguments, documents, left_unsaid, weighing
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cues import ELSEWHERE, all_cues, denied
from modelwright.graphs.planning.drafted import once, only_more, with_a_word, worth_their_place
from modelwright.graphs.planning.foreign import mistaken
from modelwright.graphs.planning.intended import chosen_values, from_draft
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import SURE
from modelwright.graphs.planning.reading import Reading
from modelwright.graphs.planning.tool_names import INDEX
from modelwright.graphs.planning.weighing import MOST_DRAFTED, WHOLE, Case, rules_sure
from modelwright.models.base import Draft, DraftStep

WEAK = -1.5
"""Mean log-probability of a draft, nats, below which it is a guess: with rules that see nothing either, the user is asked."""
PLAIN = -0.22
"""Log-probability of the first tool from which it is taken against rules that are sure of others and see no sign of it (p = 0.8)."""
GUESS = -0.7
"""The same where the rules have decided for every clause without being sure."""
REFUSAL = -0.7
"""Of "ask", from which it is taken where rules see a tool (p = 0.5)."""
DOUBT = -0.2
"""Of "none", from which it is believed whatever the rules see: of 217 such drafts of 1,400 new requests 216 were what no tool does."""
MAY_ASK = -2.0
"""Of "ask" beside a "none" below that, from which a request of which the rules are sure is taken for incomplete: of 9 such
5 were."""


@dataclass(frozen=True)
class Decision:
    by: str
    """rules, draft, both, or ask."""
    intents: list[Intent]
    kind: str = "plan"
    """plan, question or none, as far as it is known before filling."""


def decide(asked: Sequence[Intent], draft: Draft, reading: Reading, tools: Mapping[str, Tool]) -> Decision:
    """`asked` is what the rules read, possibly undecided; `draft` what the model made of it."""
    case = Case(*_without(denied(reading.tokens, all_cues(tools)), asked, draft), reading, tools)
    steps = case.draft.steps
    possible = weighing.is_no_refusal(case.draft) or left_unsaid.is_sure(draft)
    foreign = not possible and bool(case.said) and all(i.tool.startswith(ELSEWHERE) for i in (case.said[0], case.said[-1]))
    if foreign and not (case.first >= GUESS and weighing.outweighs(case, [s.tool for s in steps])):
        return Decision("rules", list(case.asked))
    beyond = mistaken(case.asked, [] if draft.kind == "question" else [step.tool for step in steps])
    if beyond and not possible:
        return Decision("rules", beyond)
    if left_unsaid.is_no_plan(draft) and not weighing.says_what_to_find(case) and not weighing.asks_an_index(case):
        if weighing.may_be_asked(case):
            return _incomplete(case)
        return Decision("rules", list(case.asked)) if weighing.commanded(case) else Decision("draft", [], "none")
    if weighing.nothing_is_meant(case):
        return Decision("draft", [], "none")
    if draft.kind != "plan":
        return _without_a_plan(case)
    return _believed(case) or _with_drafted_numbers(case, _weighed(case))


def _incomplete(case: Case) -> Decision:
    """What is missing is asked about when the rules' plan or the draft's is filled; where all that they need was said, it is a plan."""
    more = set(case.mine) > {step.tool for step in case.draft.steps} and rules_sure(case.said)
    if more or weighing.asks_by_rules(case):
        return Decision("rules", list(case.asked))
    return replace(_of_draft(case, case.draft.steps), kind="question")


def _with_drafted_numbers(case: Case, decision: Decision) -> Decision:
    """The rules' steps with the numbers that the draft gave to the same tools: what it is for is read by both or by one of them."""
    if decision.by != "rules":
        return decision
    names, once_each = [i.tool for i in decision.intents], [step.tool for step in case.draft.steps]
    for step in case.draft.steps:
        if names.count(step.tool) == once_each.count(step.tool) == 1 and step.tool in case.tools:
            intent = decision.intents[names.index(step.tool)]
            chosen = chosen_values(step, case.reading, case.tools[step.tool])
            inside = {f: [c for c in some if _is_number_of(c, intent)] for f, some in chosen.items()}
            intent.chosen = {**{f: some for f, some in inside.items() if some}, **intent.chosen}
    return decision


def _is_number_of(candidate: Candidate, intent: Intent) -> bool:
    return candidate.kind == "number" and intent.clause.start <= candidate.start < intent.clause.end


def _without(refused: Set[str], asked: Sequence[Intent], draft: Draft) -> tuple[list[Intent], Draft]:
    """Without the tools that the request does not want, where anything is left."""
    kept = [step for step in draft.steps if step.tool not in refused]
    return [i for i in asked if i.tool not in refused] or list(asked), replace(draft, steps=tuple(kept)) if kept else draft


def _believed(case: Case) -> Decision | None:
    """A draft that the model is sure of, in the order that the words give the same tools."""
    steps = once(case.draft.steps, case.reading, case.tools) if {s.tool for s in case.draft.steps} <= set(case.tools) else []
    vacant = len(case.draft.steps) - len(steps)  # the same again, where another tool is meant: "index it, check it, answer me"
    steps = with_a_word(steps, case.asked, case.tools)
    drafted = [step.tool for step in steps]
    is_whole = (len(steps) < MOST_DRAFTED and not vacant) or set(case.mine) <= set(drafted)
    gainsaid = weighing.states_more(case, drafted) or (case.rules and weighing.says_no_more(case))
    gainsaid = gainsaid or weighing.measures_after(case, drafted) or _misses_an_index(case, drafted)
    gainsaid = gainsaid or (rules_sure(case.said) and weighing.takes_all(case, case.mine) and not weighing.takes_all(case, drafted))
    if case.draft.score < WHOLE or not steps or not is_whole or gainsaid:
        return None
    alike = sorted(case.mine) == sorted(drafted)
    return _of_draft(case, _in_order_of(case, steps), "both") if alike else _of_draft(case, steps)


def _misses_an_index(case: Case, drafted: Sequence[str]) -> bool:
    """ "new index called care, pieces of 150 tokens": a draft that searches what is to be made."""
    return INDEX in case.mine and INDEX not in drafted and rules_sure(case.said) and documents.builds(case.reading.request)


def _weighed(case: Case) -> Decision:
    known = [step for step in case.draft.steps if step.tool in case.tools]
    measured = documents.measured_draft(known, case.asked, case.tools)
    steps = worth_their_place(measured, case.asked, case.reading, case.tools, trusted=case.draft.score >= WHOLE)
    drafted = [step.tool for step in steps]
    if _asks_for_nothing(case, drafted):
        return _of_draft(case, steps)
    if _rules_know_better(case, drafted):
        return Decision("rules", list(case.asked))
    if sorted(case.mine) == sorted(drafted):
        return _of_draft(case, _in_order_of(case, steps), "both")
    if case.draft.score < WEAK and not rules_sure(case.asked):
        return _of_draft(case, steps, "ask")
    if _rules_suffice(case, steps, drafted):
        return Decision("rules", list(case.asked))
    return _completed(case, steps, drafted)


def _of_draft(case: Case, steps: Sequence[DraftStep], by: str = "draft") -> Decision:
    return Decision(by, from_draft(steps, case.asked, case.reading, case.tools))


def _asks_for_nothing(case: Case, drafted: Sequence[str]) -> bool:
    """Where the rules would have to ask for data and the draft, for which words speak too, would not."""
    needless = weighing.lacks_data(case, case.mine) and not weighing.lacks_data(case, drafted)
    return bool(drafted) and needless and case.first >= GUESS and weighing.signed(case, drafted)


def _rules_know_better(case: Case, drafted: Sequence[str]) -> bool:
    if weighing.states_more(case, drafted) or weighing.measures_after(case, drafted):
        return True
    spoken, sure = arguments.spoken_of(case.reading.said), rules_sure(case.said)
    misses_a_thing = weighing.takes_all(case, case.mine) and not weighing.takes_all(case, drafted)
    if (spoken in case.mine and spoken not in drafted) or (sure and (misses_a_thing or weighing.another_later(case, drafted))):
        return True
    again = len(case.draft.steps) > len({step.tool for step in case.draft.steps})  # the same twice: it does not know what else
    if sure and again and not set(drafted) & set(case.mine) and not any(weighing.lacks(case, name) for name in case.mine):
        return True
    if sure and len(case.draft.steps) == MOST_DRAFTED < len(set(case.mine)) and not any(weighing.lacks(case, name) for name in case.mine):
        return True
    bare = bool(case.rules) and weighing.says_no_more(case) and not set(case.mine) & set(drafted)
    return bare or (sure and case.first < GUESS)


def _rules_suffice(case: Case, steps: Sequence[DraftStep], drafted: Sequence[str]) -> bool:
    """Where a draft differs and is not likely, or has more than the request has things for."""
    if rules_sure(case.asked) and weighing.counts_more(case, case.mine, drafted) and not weighing.signed(case, drafted):
        return True
    bound = PLAIN if rules_sure(case.said) else GUESS
    decided = bool(case.rules) and all(i.tool for i in case.said)
    improbable = weighing.unlikely(case, drafted, bound) and not weighing.counts_more(case, drafted, case.mine)
    return only_more(case.mine, steps, case.asked, case.reading, case.tools) or (decided and improbable)


def _completed(case: Case, steps: Sequence[DraftStep], drafted: Sequence[str]) -> Decision:
    """The draft; one that is full, or one of whose steps came to nothing, with what the rules have beside it."""
    tools = {step.tool for step in case.draft.steps}
    vacant = (len(case.draft.steps) - len(tools)) - (len(steps) - len(set(drafted)))  # the same again, which was taken out
    came_to_nothing = vacant > 0 or len(set(drafted)) < max(len(steps), len(tools))
    left_out = weighing.further(case, drafted, vacant)
    if not (came_to_nothing or len(drafted) >= MOST_DRAFTED):
        left_out = [i for i in left_out if weighing.holds_unused(case, i)]
    intents = from_draft(steps, [i for i in case.asked if i not in left_out], case.reading, case.tools)
    for more in left_out:
        intents.insert(_place_of(more, intents, {i.tool for i in case.rules[: case.rules.index(more)]}), more)
    return Decision("draft", intents)


def _in_order_of(case: Case, steps: Sequence[DraftStep]) -> list[DraftStep]:
    """Words say what comes first; of a tool that is asked for twice the first step is the first. A model is made before
    it is used: "he needs a GGUF of it. Could you train it on a.jsonl" """
    left = list(steps)
    ordered = [left.pop(next(n for n, step in enumerate(left) if step.tool == tool)) for tool in case.mine]
    return list(steps) if weighing.uses_before_it_is_made(case, ordered) else ordered


def _place_of(further: Intent, intents: Sequence[Intent], earlier: set[str]) -> int:
    """Behind what the rules or the words put before it."""
    before = (i.tool in earlier or (i.clause.tokens and i.clause.end <= further.clause.start) for i in intents)
    return max((n for n, is_before in enumerate(before, 1) if is_before), default=0)


def _without_a_plan(case: Case) -> Decision:
    """none and ask: believed where they are likely, or where rules see no tool."""
    first = case.draft.alternatives[0][1] if case.draft.alternatives else 0.0
    sure, asks = rules_sure(case.asked), case.draft.kind == "question"
    decided = bool(case.rules) and (all(i.tool for i in case.said) or all(weighing.points_of(i) >= SURE for i in case.rules))
    if asks and (sure or (decided and case.has("D"))):
        return Decision("rules", list(case.asked))  # what is missing is asked about when the plan is filled
    general = not asks and advice.asked_for(case.reading.request, case.reading.found)
    incomplete = rules_sure(case.said) and not general and dict(case.draft.alternatives).get("ask", -math.inf) >= MAY_ASK
    told = incomplete or weighing.says_what_to_find(case) or (first < REFUSAL and weighing.commanded(case))
    doubted = first < REFUSAL if asks else first < DOUBT and told
    if case.rules and doubted:
        return Decision("rules", list(case.asked))
    known = [s for s in case.draft.steps if s.tool in case.tools]
    return Decision("draft", from_draft(known, case.asked, case.reading, case.tools), case.draft.kind)
