"""A request becomes a plan, a question or a reason why nothing is planned.

Rules decide where they are clear (a few milliseconds, no model is started); elsewhere the model chooses among the
likeliest tools and "something else". The plan that is returned is not yet checked: graphs/plancheck.py does that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modelwright.canonical import sha256_of
from modelwright.contract import Tool
from modelwright.errors import BadRequest, EngineMissing, PlanError
from modelwright.graphs.planning import candidates, clauses, drafts, fill, intents
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.intents import ELSEWHERE, Intent
from modelwright.graphs.planning.lexicon import LIKELY, lexicon
from modelwright.graphs.planning.questions import Answers, OpenQuestion
from modelwright.graphs.planning.sheet import THINGS, Sheet
from modelwright.models.base import ModelCall, OnModelCall, PlanningModel, WholePlans
from modelwright.text import one_line
from modelwright.types import Json, Plan

LONGEST_REQUEST = 20_000
MOST_CHOICES = 5
"""Tools that the model is asked about, beside "something else"; each costs 0.1 s when its examples were read before."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ADVICE = re.compile(
    r"^\W*(?:please |hi |hello |hey |ok |so )*(?:(?:what|who)(?:'s| is| are| does| do| was) "
    r"(?!wrong|in |inside|the (?:quality|score|accuracy|perplexity|format))|why\b|"
    r"how (?:do|does|can|should|would|could|come|to|is|are|many|much|long) |should (?:i|we)\b|explain\b|describe how\b|define\b|"
    r"when\b|where\b|who\b|"
    r"tell me (?:about|what|how|why)\b|is (?:lora|qlora|dora|quantization|fine-tuning)\b)",
    re.IGNORECASE,
)


class Planner:
    """Plans requests over `tools` in `workspace`. `model` may be None: then only what the rules decide is planned."""

    def __init__(
        self, model: PlanningModel | None, tools: Mapping[str, Tool], workspace: Path, on_model_call: OnModelCall | None = None
    ) -> None:
        self._model, self._tools, self._workspace = model, dict(tools), workspace
        self._on_model_call: Callable[[ModelCall], None] = on_model_call or (lambda call: None)
        self.last_trace: list[Json] = []
        """What each stage of the last plan saw: candidates, points of every clause, choices."""

    def plan(self, request: str, answers: Sequence[str] = ()) -> Plan:
        """Raises BadRequest for a request that cannot be read, EngineMissing when a model is needed and there is none."""
        _check_request(request)
        self.last_trace = []
        scripted = self._scripted(request, answers)
        if scripted is not None:
            return scripted
        try:
            return self._planned(request, Answers(answers, self._workspace))
        except OpenQuestion as open_question:
            return Plan(request=request, kind="question", question=open_question.question, choices=open_question.choices)

    def replan(self, plan: Plan, failed_step: str, error: Json) -> Plan | None:
        """Another plan after a failure, or None. The rules have none: what was approved is not changed behind anyone's back."""
        if not isinstance(self._model, WholePlans):
            return None
        found = self._model.whole_replan(plan.request, failed_step, error)
        return _plan_of(found, plan.request) if found else None

    def close(self) -> None:
        if self._model is not None:
            self._model.close()

    def _scripted(self, request: str, answers: Sequence[str]) -> Plan | None:
        found = self._model.whole_plan(request, answers) if isinstance(self._model, WholePlans) else None
        return _plan_of(found, request) if found else None

    def _planned(self, request: str, answers: Answers) -> Plan:
        found = candidates.find(request, self._workspace)
        tokens = clauses.read(request, found)
        kept = [c for c in found if any(t.start <= c.start and c.end <= t.end for t in tokens) or c.kind == "number"]
        asked = intents.find(clauses.split(tokens), self._tools)
        self._note("candidates", [{"kind": c.kind, "value": c.value, "span": [c.start, c.end]} for c in kept])
        self._note("clauses", [{"text": request[i.clause.start : i.clause.end], "scores": i.scores, "tool": i.tool} for i in asked])
        if _only_advice(request, kept):
            return self._nothing(request, asked)
        asked = self._decide(asked, request, named_something=any(c.kind in THINGS for c in kept))
        return self._fill(request, kept, asked, answers)

    # deciding -------------------------------------------------------------------------------------------------

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
                intent.tool = self._ask_model(intent, request)
        return asked

    def _ask_model(self, intent: Intent, request: str) -> str:
        words = lexicon()
        ranked = [name for name, _ in intent.ranked if name in self._tools]
        names = [*ranked, *(n for n in self._tools if n not in ranked)][: MOST_CHOICES if ranked else len(self._tools)]
        choices = {words.of(self._tools[n]).does: n for n in names} | {words.none_choice: ""}
        if self._model is None:
            raise EngineMissing(
                "this request needs the planning model to be understood, and none is installed",
                fix="pip install 'modelwright[llama]', or say it with the tool's name: " + ", ".join(self._tools),
            )
        examples = {words.of(self._tools[n]).does: words.of(self._tools[n]).examples for n in names} | {
            words.none_choice: words.none_examples
        }
        prompt = _plain_names(request, intent)
        choice = self._model.choose(prompt, list(choices), purpose="intent", examples=examples)
        self._on_model_call(
            ModelCall(
                self._model.name,
                "intent",
                sha256_of([prompt, list(choices)]),
                {c: round(choice.scores.get(c, 0.0), 4) for c in choices},
                choice.text,
                choice.prompt_tokens,
                choice.output_tokens,
                choice.seconds,
            )
        )
        self._note("model", {"prompt": prompt, "scores": choice.scores, "choice": choice.text})
        return choices[choice.text]

    # filling --------------------------------------------------------------------------------------------------

    def _fill(self, request: str, found: Sequence[Candidate], asked: Sequence[Intent], answers: Answers) -> Plan:
        mine = [i for i in asked if i.tool in self._tools]
        foreign = [i for i in asked if i.tool.startswith(ELSEWHERE)]
        if not mine or (foreign and asked.index(foreign[0]) < asked.index(mine[-1])):
            return self._nothing(request, foreign)
        steps = drafts.make(_with_quantize(mine, self._tools), self._tools, is_gguf=_starts_from_gguf(found))
        sheet = Sheet(request, found, steps, answers, self._workspace)
        fill.fill(sheet)
        left_out = [*(request[i.clause.start : i.clause.end] for i in foreign), *sheet.unused()]
        reason = f"left out, as no tool of this plan takes it: {'; '.join(one_line(t, 80) for t in left_out)}" if left_out else None
        return Plan(request=request, kind="plan", steps=[d.as_step() for d in steps], reason=reason)

    def _nothing(self, request: str, foreign: Sequence[Intent]) -> Plan:
        """Says which capability would be needed, where that is known, and what there is."""
        needed = sorted({i.tool.removeprefix(ELSEWHERE) for i in foreign if i.tool.startswith(ELSEWHERE)})
        what = f"it would take a tool for {', '.join(needed)}; I can " if needed else "I can "
        able = ", ".join(lexicon().of(tool).does for tool in self._tools.values())
        return Plan(request=request, kind="none", reason=f"none of my tools does this: {what}{able}")

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


def _only_advice(request: str, found: Sequence[Candidate]) -> bool:
    """A question about the field in general: nothing of the user's is named."""
    return bool(_ADVICE.search(request)) and not any(c.kind in THINGS for c in found)


def _starts_from_gguf(found: Sequence[Candidate]) -> bool:
    models = [c for c in found if c.kind == "model"]
    return bool(models) and all(str(c.value).lower().endswith(".gguf") for c in models[:1])


def _with_quantize(asked: Sequence[Intent], tools: Mapping[str, Tool]) -> list[Intent]:
    """ "compare a.gguf with its Q4 version", "export it as Q4_K_M": a type that only quantize can make asks for quantize."""
    if "quantize" not in tools or any(i.tool == "quantize" for i in asked):
        return list(asked)
    result: list[Intent] = []
    for intent in asked:
        types = [c for c in intent.clause.candidates if c.kind == "quant"]
        makes = intent.tool == "export_model" and any(c.value != "Q8_0" for c in types)
        models = {c.value for c in intent.clause.candidates if c.kind == "model"}
        if types and (makes or (intent.tool == "compare" and len(models) < 2)):
            result.append(Intent(intent.clause, {}, "quantize"))
        if not makes:
            result.append(intent)
    return result


def _plain_names(request: str, intent: Intent) -> str:
    """The clause with files called data.jsonl and model.gguf: their real names are noise to a model."""
    words = []
    for token in intent.clause.tokens:
        kind = token.candidate.kind if token.candidate else ""
        stands_for = {"dataset": "data.jsonl", "model": "model.gguf", "missing": "data.jsonl", "output": "out"}.get(kind, token.text)
        words.append("the model" if token.candidate and token.candidate.value == "builtin" else stands_for)
    return " ".join(words)
