"""A request becomes a plan, a question or a reason why nothing is planned.

Candidates and rules by code, recall of tools, a constrained draft by the model, a decision between the two, filling; each
stage is kept in `last_trace`. The plan that is returned is not yet checked: graphs/plancheck.py does that, and
repair.py mends what can be mended, at most twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelwright.contract import Tool
from modelwright.errors import BadRequest, PlanError
from modelwright.graphs.planning import (
    advice,
    arguments,
    cache_quality,
    candidates,
    clauses,
    documents,
    drafts,
    fill,
    fill_text,
    intents,
    left_unsaid,
    quantized,
    repair,
    replan,
    scripts,
    spoken,
    weighing,
    workflows,
)
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.consult import MOST_CHOICES, Consult
from modelwright.graphs.planning.cues import ELSEWHERE
from modelwright.graphs.planning.decide import decide
from modelwright.graphs.planning.facts import Fact
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.intended import with_loose_clauses
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import LIKELY, lexicon
from modelwright.graphs.planning.notes import notes
from modelwright.graphs.planning.questions import UNCLEAR, Answers, Made, OpenQuestion, wording
from modelwright.graphs.planning.reading import Reading
from modelwright.graphs.planning.recall import Embed, RememberedPlan
from modelwright.graphs.planning.sheet import THINGS, Sheet
from modelwright.graphs.planning.strangers import nothing_known
from modelwright.graphs.planning.tool_names import ANSWER
from modelwright.graphs.planning.weighing import WHOLE, rules_sure
from modelwright.graphs.planning.workflows import Workflow
from modelwright.models.base import Draft, OnModelCall, PlanningModel, Ranks, WholePlans
from modelwright.text import one_line
from modelwright.types import Json, Plan, Thing

LONGEST_REQUEST = 20_000
NOTHING = "none of my tools does this"
DEFAULT_INDEX = "default"
ASKED = "ask_the_indexes"
"""The workflow for a question where several indexes are, or one of another name."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Planner:
    """Plans requests over `tools` in `workspace`. `model` may be None: then only what the rules decide is planned.

    `embed` (texts -> vectors), `remembered` (plans of the past), `facts` (of the user), `indexes` (names of search indexes
    that are there) and `memories` (a fenced block for a model that reads text) are what memory brings; `made` gives the models
    that runs of this folder made, to be offered where a model is asked for. All may be missing.
    """

    def __init__(
        self,
        model: PlanningModel | None,
        tools: Mapping[str, Tool],
        workspace: Path,
        on_model_call: OnModelCall | None = None,
        *,
        embed: Embed | None = None,
        remembered: Sequence[RememberedPlan] = (),
        facts: Sequence[Fact] = (),
        indexes: Sequence[str] = (),
        memories: str = "",
        made: Made = dict,
    ) -> None:
        self._model, self._tools, self._workspace = model, dict(tools), workspace
        self._consult = Consult(model, self._tools, on_model_call or (lambda call: None), self._note, embed, remembered, memories)
        self._facts, self._indexes, self._made = facts, indexes, made
        self._vague = self._drafted = self._wordless = self._trusted = self._asks = False
        self._sure: frozenset[str] = frozenset()
        self.last_trace: list[Json] = []
        """What each stage of the last plan saw: candidates, points of every clause, recalled tools, draft, decision."""

    def plan(self, request: str, answers: Sequence[str] = (), context: Sequence[Thing] = ()) -> Plan:
        """`context` is what words of the request stand for that earlier turns explain.

        Raises BadRequest for a request that cannot be read, EngineMissing when a model is needed and there is none.
        """
        _check_request(request)
        workflows.check_own(self._workspace, self._tools)
        self.last_trace, self._sure = [], frozenset()
        self._vague = self._drafted = self._wordless = self._trusted = self._asks = False
        scripted = self._scripted(request, answers)
        if scripted is not None:
            return scripted
        try:
            read = scripts.gloss(request)
            text = read.text if read else request
            given = Answers(answers, self._workspace, self._made)  # one for both: an answer is used once
            plan = self._planned(text, given, context)
            if plan.kind == "none" and plan.reason == NOTHING and self._may_be_answered(text):
                plan = self._asked_of_the_indexes(text)
            plan = read.restored(plan) if read else plan
            return repair.repaired(plan, self._tools, given, self._note)
        except OpenQuestion as open_question:
            return Plan(request=request, kind="question", question=open_question.question, choices=open_question.choices)

    def replan(self, plan: Plan, failed_step: str, error: Json) -> Plan | None:
        """Another plan after a failure, or None: a scripted model's, else what a rule knows for this error."""
        if isinstance(self._model, WholePlans):
            found = self._model.whole_replan(plan.request, failed_step, error)
            if found:
                return _plan_of(found, plan.request)
        return replan.by_rule(plan, failed_step, error, self._tools)

    def close(self) -> None:
        if self._model is not None:
            self._model.close()

    def _scripted(self, request: str, answers: Sequence[str]) -> Plan | None:
        found = self._model.whole_plan(request, answers) if isinstance(self._model, WholePlans) else None
        return _plan_of(found, request) if found else None

    def _planned(self, request: str, answers: Answers, context: Sequence[Thing]) -> Plan:
        found = spoken.with_things(candidates.find(request, self._workspace, indexes=self._indexes), request, context)
        tokens = clauses.read(request, found)
        kept = [c for c in found if any(t.start <= c.start and c.end <= t.end for t in tokens) or c.kind not in THINGS]
        self._note("candidates", [{"kind": c.kind, "value": c.value, "span": [c.start, c.end]} for c in kept])
        workflow = workflows.named(request, self._tools, self._workspace)
        if workflow:
            asked = [Intent(clauses.Clause(tuple(tokens)), {}, step.tool) for step in workflow.steps]
            self._note("decision", {"by": "workflow", "name": workflow.name})
            return self._fill(request, kept, asked, answers, workflow)
        told = arguments.said(request, kept, self._tools)
        asked = intents.find(clauses.split(tokens), self._tools, told)
        self._note("clauses", [{"text": request[i.clause.start : i.clause.end], "scores": i.scores, "tool": i.tool} for i in asked])
        if advice.is_courtesy(request, kept, max((p for i in asked for p in i.scores.values()), default=0.0)):
            return self._nothing(request, [])
        self._consult.begin(sure=rules_sure(asked))
        strangers = self._consult.strangers(request)
        plugin = "" if strangers else self._consult.plugin(request, asked, kept)
        if not (strangers or plugin) and nothing_known(tokens, kept, self._tools):
            return self._nothing(request, [])
        drafted = None if strangers or plugin else self._consult.draft(request, kept)
        if strangers:
            asked = self._consult.among(strangers, request, clauses.Clause(tuple(tokens)))
        elif plugin:
            asked = [Intent(clauses.Clause(tuple(tokens)), {}, plugin)]
        elif drafted is not None:
            asked = self._with_draft(asked, *drafted, Reading(request, kept, tokens, drafted[1], told), answers)
        elif advice.asked_for(request, kept):
            return self._nothing(request, asked)
        else:
            asked = self._decide(asked, request, named_something=any(c.kind in THINGS for c in kept))
        asked = cache_quality.settled(asked, request, kept, self._tools)
        return self._fill(request, kept, documents.settled(asked, request, kept, self._tools, self._sure), answers)

    def _with_draft(
        self, asked: list[Intent], draft: Draft, tags: Mapping[str, Candidate], reading: Reading, answers: Answers
    ) -> list[Intent]:
        if draft.kind == "question" and not draft.steps:
            answers.ask(UNCLEAR, self._consult.likely_deeds(reading.request), lambda text: None)
        decision = decide(asked, draft, reading, self._tools)
        foreign = any(i.tool.startswith(ELSEWHERE) for i in asked)
        if decision.kind == "none" and weighing.is_vague(draft, reading, foreign=foreign):
            answers.ask(UNCLEAR, self._consult.likely_deeds(reading.request), lambda text: None)
        self._vague = decision.kind == "question" and decision.by in ("draft", "both")
        agreed = [step.tool for step in draft.steps] == [i.tool for i in decision.intents]
        self._drafted = decision.by == "draft" or agreed  # a draft knows what comes first
        self._wordless = left_unsaid.is_wordless(draft)
        self._asks = left_unsaid.is_sure(draft)
        likely = draft.score >= WHOLE
        self._sure = frozenset(step.tool for step in draft.steps) if draft.kind == "plan" and likely else frozenset()
        self._trusted = likely and decision.by in ("draft", "both")
        self._note("decision", {"by": decision.by, "kind": decision.kind, "tools": [i.tool for i in decision.intents]})
        if decision.by == "ask":
            return self._ask_what(draft, decision.intents, answers)
        return decision.intents

    def _ask_what(self, draft: Draft, drafted: list[Intent], answers: Answers) -> list[Intent]:
        """Both are weak: the user says what is meant."""
        words = lexicon()
        names = [name for name, _ in draft.alternatives if name in self._tools][:MOST_CHOICES] or [i.tool for i in drafted]
        choices = {words.of(self._tools[n]).does: n for n in names}
        said = answers.choose("What should be done?", list(choices))
        tool = choices[str(said.value)]
        return [i for i in drafted if i.tool == tool][:1] or [Intent(i.clause, {}, tool) for i in drafted[:1]]

    # deciding without a draft ---------------------------------------------------------------------------------

    def _decide(self, asked: list[Intent], request: str, *, named_something: bool) -> list[Intent]:
        """Give every clause its tool. Without a clear clause the whole request is one; beside clear ones an unclear one is talk."""
        if not asked:
            return []
        if not any(i.tool for i in asked):
            asked = [intents.joined(asked)]
            if not asked[0].scores and not named_something:
                return asked
        if not named_something and self._model and intents.mostly_unknown(asked):
            asked = [intents.joined(asked)]
        clear = any(i.tool for i in asked)
        for intent in asked:
            if not intent.tool and not (clear and max(intent.scores.values(), default=0) < LIKELY):
                intent.tool = self._consult.choose(intent, request)
        return asked

    # filling --------------------------------------------------------------------------------------------------

    def _fill(
        self, request: str, found: Sequence[Candidate], asked: Sequence[Intent], answers: Answers, workflow: Workflow | None = None
    ) -> Plan:
        asked = with_loose_clauses(asked)
        mine = [i for i in asked if i.tool in self._tools]
        foreign = [i for i in asked if i.tool.startswith(ELSEWHERE)]
        if not mine or (foreign and asked.index(foreign[0]) < asked.index(mine[-1])):
            return self._nothing(request, foreign)
        mine = mine if workflow else quantized.with_quantize(mine, self._tools)
        workflow = workflow or workflows.choose(
            [i.tool for i in mine],
            self._tools,
            self._workspace,
            ordered=self._drafted or any(lexicon().words["then"] & {*i.clause.opener.split()} for i in mine),
        )
        steps = drafts.make(mine, self._tools, workflow, drafts.source_of(mine, found, answers.model(), self._workspace))
        sheet = Sheet(request, found, steps, answers, self._workspace, self._facts)
        sheet.rank = self._consult.rank if isinstance(self._model, Ranks) else None
        sheet.trusted = self._trusted
        sheet.asks = self._asks
        sheet.wordless = self._wordless and not (fill_text.quotes(request) or fill_text.opens_with_a_question(request))
        fill.fill(sheet)
        if self._vague:
            _ask_about(sheet)
        if self._drafted and not workflow and _takes_nothing(sheet, mine):
            return self._nothing(request, foreign)
        plan = Plan(request=request, kind="plan", steps=[d.as_step() for d in drafts.without_repeats(sheet.drafts)])
        self._note("filling", [{"step": s.id, "tool": s.tool, "sources": s.sources} for s in plan.steps])
        left_out = [*(request[i.clause.start : i.clause.end] for i in foreign), *sheet.unused()]
        said = notes(plan, self._workspace, self._tools)
        if left_out:
            said.insert(0, f"left out, as no tool of this plan takes it: {'; '.join(one_line(t, 80) for t in left_out)}")
        return plan.model_copy(update={"reason": "; ".join(said) or None})

    def _may_be_answered(self, request: str) -> bool:
        """Whether it is a question, and documents were indexed that may hold its answer."""
        return bool(self._indexes) and ANSWER in self._tools and documents.is_question(request)

    def _asked_of_the_indexes(self, request: str) -> Plan:
        found = candidates.find(request, self._workspace, indexes=self._indexes)
        workflow = None if list(self._indexes) == [DEFAULT_INDEX] else workflows.called(ASKED)
        asked = Intent(clauses.Clause(tuple(clauses.read(request, found))), {}, ANSWER)
        self._note("decision", {"by": "documents", "kind": "plan", "tools": [asked.tool]})
        return self._fill(request, found, [asked], Answers([], self._workspace, self._made), workflow)

    def _nothing(self, request: str, foreign: Sequence[Intent]) -> Plan:
        """Says which capability would be needed, where that is known, and what comes nearest."""
        needed = sorted({i.tool.removeprefix(ELSEWHERE) for i in foreign if i.tool.startswith(ELSEWHERE)})
        what = f"; it would take one for {', '.join(needed)}" if needed else ""
        return Plan(request=request, kind="none", reason=f"{NOTHING}{what}", choices=self._consult.nearest(request))

    def _note(self, stage: str, value: object) -> None:
        self.last_trace.append({"stage": stage, "value": value})


def _check_request(request: str) -> None:
    if not request.strip():
        raise BadRequest("the request is empty", fix='say what you want, for example: "fine-tune the built-in model on train.jsonl"')
    if len(request) > LONGEST_REQUEST:
        raise BadRequest(
            f"the request has {len(request)} characters, at most {LONGEST_REQUEST} are read",
            fix="put long text into a file and name the file",
        )
    if control := _CONTROL.search(request):
        raise BadRequest(f"the request has the control character {control.group()!r} at position {control.start()}", fix="send plain text")


def _plan_of(found: Json, request: str) -> Plan:
    """A scripted plan as a Plan; steps without an id are counted."""
    steps = [{"id": f"s{n}", **step} for n, step in enumerate(found.get("steps", []), 1)]
    try:
        return Plan.model_validate({**found, "steps": steps, "request": request})
    except ValueError as error:
        raise PlanError(f"the scripted plan is not a plan: {one_line(str(error))}") from None


def _takes_nothing(sheet: Sheet, asked: Sequence[Intent]) -> bool:
    """ "a 3400 mAh battery, 85 mA on average: hours of runtime?": one drafted step that no word speaks for and that took none of the
    values, though there are some."""
    if len(sheet.drafts) != 1 or sheet.trusted or not sheet.unused():
        return False
    spoken = any(intent.scores.get(sheet.drafts[0].tool.name) for intent in asked)
    return not spoken and not any(source.startswith(("request", "answer")) for source in sheet.drafts[0].sources.values())


def _ask_about(sheet: Sheet) -> None:
    """The model says that something is missing: the main thing of the first step is asked for, where it was not said."""
    draft = sheet.drafts[0]
    things = [f for f in fields_of(draft.tool.args).values() if f.role in ("dataset", "model", "documents") and not f.is_list]
    said = any(source.startswith(("request", "answer", "memory")) for source in draft.sources.values())
    field = next((f for f in things if f.required), things[0] if things and not said else None)
    if field is not None and not (said and draft.sources.get(field.name, "default") != "default"):
        sheet.put(draft, field.name, sheet.answers.path(wording(draft.tool.name, field), field.role))
