"""What a person reads on stderr while a run works, and the tables on stdout. Text from outside arrives already cleaned.

On a terminal the current step's progress is one line that is rewritten; elsewhere a line every ten seconds. Each
progress line says how long the step, and with it the whole run, still needs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from modelwright.events import Event
from modelwright.text import clean, human_bytes, human_seconds, one_line, safe_text
from modelwright.types import Estimate, Json, Plan, Step

QUIET_SECONDS = 10.0
NOT_UNDERSTOOD: Json = {}
"""Stands for an answer that has to be asked for again."""


class Narrator:
    """A sink that tells a run's events on stderr."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._live = self._stream.isatty()
        self._open_line = False
        self._last = 0.0
        self._estimates: dict[str, float] = {}
        self._started = 0.0

    def __call__(self, event: Event) -> None:
        handler = getattr(self, "_on_" + event.type.value.replace(".", "_"), None)
        if handler:
            handler(event)

    def say(self, text: str) -> None:
        if self._open_line:
            self._stream.write("\r\x1b[K")
            self._open_line = False
        self._stream.write(text + "\n")
        self._stream.flush()

    def _on_run_started(self, event: Event) -> None:
        self.say(f"run {event.run}: {one_line(event.data.get('request', ''), 300)}")

    def _on_run_resumed(self, event: Event) -> None:
        self.say(f"run {event.run} goes on")

    def _on_model_call(self, event: Event) -> None:
        tokens = event.data.get("gen_ai.usage.input_tokens", 0) + event.data.get("gen_ai.usage.output_tokens", 0)
        asked = f"  asked {event.data.get('gen_ai.request.model')} for {event.data.get('purpose')}"
        self.say(f"{asked}: {one_line(str(event.data.get('choice')), 60)} ({tokens} tokens, {event.data.get('seconds', 0):.2f} s)")

    def _on_plan_proposed(self, event: Event) -> None:
        plan = event.data["plan"]
        if plan["kind"] == "plan" and plan["reason"]:
            self.say(f"  note: {one_line(plan['reason'], 300)}")
        for step in plan["steps"]:
            self.say(f"  {step['id']} {step['tool']}  " + ", ".join(f"{k}={short(v)}" for k, v in step["args"].items()))

    def _on_policy_decision(self, event: Event) -> None:
        estimate = event.data.get("estimate") or {}
        told = str(event.step) in self._estimates  # the gate decides again after an approval
        self._estimates[str(event.step)] = float(estimate.get("seconds") or 0)
        if event.data["decision"] == "deny" or (event.data["decision"] == "ask" and not told):
            self.say(f"  policy: {event.data['decision']} {event.step} ({event.data['rule']})")

    def _on_approval_given(self, event: Event) -> None:
        by = event.data.get("by")
        if not by:
            return
        for key, words in (("allow", "allowed"), ("allow_for_run", "allowed for the rest of the run")):
            if event.data.get(key):
                self.say(f"  {words} by {by}: {', '.join(event.data[key])}")
        for step, reason in (event.data.get("reject") or {}).items():
            self.say(f"  rejected by {by}: {step}" + (f": {one_line(reason, 300)}" if reason else ""))
        for step, changes in (event.data.get("edit") or {}).items():
            self.say(f"  edited by {by}: {step} " + ", ".join(f"{k}={short(v)}" for k, v in changes.items()))

    def _on_question_answered(self, event: Event) -> None:
        if event.data.get("by"):
            self.say(f"  answered by {event.data['by']}: {one_line(str(event.data.get('answer', '')), 300)}")

    def _on_budget_changed(self, event: Event) -> None:
        if event.data.get("by"):
            raised = ", ".join(f"{name} {value}" for name, value in (event.data.get("limits") or {}).items())
            self.say(f"  raised by {event.data['by']}: {raised}")

    def _on_tool_started(self, event: Event) -> None:
        self._started, self._last = self._clock(), self._clock()
        told = event.data.get("estimate") or {}  # after a resume the gate decides no more, so this is the first word of it
        self._estimates.setdefault(str(event.step), float(told.get("seconds") or 0))
        about = self._estimates.get(str(event.step), 0)
        self.say(
            f"{event.step} {event.data['gen_ai.tool.name']}"
            + (
                f" (about {human_seconds(about)}; all of the run about {human_seconds(self._all_left(event.step, about))})"
                if about > 1
                else ""
            )
        )

    def _on_tool_progress(self, event: Event) -> None:
        text = self._progress_text(event)
        if self._live:
            self._stream.write("\r\x1b[K" + text[: _width()])
            self._stream.flush()
            self._open_line = True
        elif self._clock() - self._last >= QUIET_SECONDS:
            self._last = self._clock()
            self.say(text)

    def _progress_text(self, event: Event) -> str:
        data = event.data
        parts = [f"   {event.step} {one_line(str(data.get('message', '')), 60)}"]
        if data.get("steps"):
            parts.append(f"{data.get('step', 0)}/{data['steps']}")
        if isinstance(data.get("loss"), int | float):
            parts.append(f"loss {data['loss']:.3f}")
        if data.get("tokens_per_second"):
            parts.append(f"{data['tokens_per_second']:.0f} tokens/s")
        left = data.get("eta_seconds")
        if left is None and self._estimates.get(str(event.step)):
            left = max(0.0, self._estimates[str(event.step)] - (self._clock() - self._started))
        if left is not None:
            parts.append(f"{human_seconds(left)} left, run {human_seconds(self._all_left(event.step, left))}")
        return "  ".join(parts)

    def _all_left(self, step: str | None, of_this: float) -> float:
        later = (
            [s for i, (name, s) in enumerate(self._estimates.items()) if i > list(self._estimates).index(str(step))]
            if step in self._estimates
            else []
        )
        return of_this + sum(later)

    def _on_tool_finished(self, event: Event) -> None:
        took = f"{human_seconds(event.data['seconds'])}, peak {human_bytes(event.data['peak_memory_bytes'])}"
        self.say(f"   {one_line(event.data['summary'], 300)}  ({took})")

    def _on_tool_reused(self, event: Event) -> None:
        self.say(f"{event.step} {event.data['tool']}: already done in run {event.data['from_run']} ({event.data['from_step']}), reused")

    def _on_tool_failed(self, event: Event) -> None:
        error = event.data["error"]
        self.say(f"   failed: {one_line(error['message'], 400)}" + (f". {one_line(error['fix'], 200)}" if error["fix"] else ""))

    def _on_verify_checks(self, event: Event) -> None:
        failed = [c for c in event.data["checks"] if not c["passed"]]
        self.say(
            f"   verified: {len(event.data['checks']) - len(failed)} of {len(event.data['checks'])} checks"
            + "".join(f"; NOT {c['name']}: {one_line(c['detail'], 160)}" for c in failed)
        )

    def _on_notice(self, event: Event) -> None:
        self.say(f"   {one_line(str(event.data.get('message', '')), 300)}")


def _width() -> int:
    import shutil

    return max(20, shutil.get_terminal_size().columns - 1)


def short(value: Any, limit: int = 60) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(short(v, limit) for v in value) + "]"
    return one_line(str(value), limit)


def plan_table(plan: Plan) -> str:
    """The dry run's table: step, tool, arguments with sources, seconds, memory, disk, decision; totals below."""
    return str(clean(_plan_text(plan)))


def _plan_text(plan: Plan) -> str:
    if plan.kind == "question":
        return f"question: {safe_text(plan.question or '')}" + "".join(f"\n  - {safe_text(c)}" for c in plan.choices)
    if plan.kind == "none":
        return f"nothing to do: {safe_text(plan.reason or '')}"
    rows = [["step", "tool", "arguments (source)", "seconds", "memory", "disk", "decision"]]
    for step in plan.steps:
        rows += _step_rows(step)
    total = _total(plan.steps)
    rows.append(["", "", "total", f"{total.seconds:.0f}", human_bytes(total.memory_bytes), human_bytes(total.disk_bytes), ""])
    note = f"\nnote: {safe_text(plan.reason)}" if plan.reason else ""
    return table(rows) + note + f"\nplan {(plan.hash or '')[:12]}"


def _step_rows(step: Step) -> list[list[str]]:
    shown = [f"{k}={short(v)} ({step.sources.get(k, 'no source')})" for k, v in step.args.items()]
    shown += [f"expect {k}={short(v)}" for k, v in step.expect.items()] or []
    estimate = step.estimate or Estimate()
    first = [
        step.id,
        step.tool,
        shown[0] if shown else "",
        f"{estimate.seconds:.0f}",
        human_bytes(estimate.memory_bytes),
        human_bytes(estimate.disk_bytes),
        f"{step.decision.value} ({step.rule})" if step.decision else "",
    ]
    return [first, *[["", "", line, "", "", "", ""] for line in shown[1:]]]


def _total(steps: Sequence[Step]) -> Estimate:
    known = [step.estimate or Estimate() for step in steps]
    return Estimate(
        seconds=sum(e.seconds for e in known),
        memory_bytes=max((e.memory_bytes for e in known), default=0),
        disk_bytes=sum(e.disk_bytes for e in known),
        cost=sum(e.cost for e in known),
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell; the first row is underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def ask_on_terminal(pending: Json) -> Json | None:
    """The approver of the plain command line: shows what is asked, reads one answer. None leaves the run waiting."""
    out, pending = sys.stderr, clean(pending) | {"choices": pending.get("choices", [])}
    if pending["kind"] == "question":
        out.write(
            f"? {safe_text(pending['question'])}\n" + "".join(f"    {i}. {safe_text(c)}\n" for i, c in enumerate(pending["choices"], 1))
        )
        answer = input("  answer (number or text, empty to leave it open): ").strip()
        if answer.isdigit() and 0 < int(answer) <= len(pending["choices"]):
            answer = pending["choices"][int(answer) - 1]
        return {"answer": answer} if answer else None
    if pending["kind"] != "approval":
        return None
    calls = pending["calls"]
    if pending["note"]:
        out.write(f"  note: {safe_text(pending['note'])}\n")
    for call in calls:
        out.write(_card(call))
    return _read_decision({call["id"]: call["tool"] for call in calls})


def _card(call: Json) -> str:
    estimate = call.get("estimate") or {}
    lines = [f"? {call['id']} {call['tool']}  ({', '.join(call['effects'])}; rule {call['rule']})"]
    lines += [f"      {k} = {short(v)}   from {call['sources'].get(k, 'no source')}" for k, v in call["args"].items()]
    memory, disk = (human_bytes(estimate.get(name, 0)) for name in ("memory_bytes", "disk_bytes"))
    lines.append(f"      about {human_seconds(estimate.get('seconds', 0))}, {memory} memory, {disk} disk")
    return "\n".join(lines) + "\n"


def _read_decision(tools: Mapping[str, str]) -> Json | None:
    """One answer about the asked steps (id -> tool). What cannot be understood is asked again."""
    while (decision := _decision(tools)) is NOT_UNDERSTOOD:
        sys.stderr.write("  not understood\n")
    return decision


def _decision(tools: Mapping[str, str]) -> Json | None:
    from modelwright.errors import BadRequest

    try:
        answer = input("  [a]llow once, allow for this [r]un, [e]dit s1.key=value, re[j]ect s1 reason, empty to decide later: ").strip()
        verb, _, rest = answer.partition(" ")
        if not verb:
            return None
        if verb in ("a", "allow"):
            return {"allow": list(tools)}
        if verb in ("r", "run"):
            return {"allow_for_run": list(tools)}
        if verb in ("e", "edit"):
            return {"edit": parse_edits([rest], tools)}
        step, _, reason = rest.strip().partition(" ")
        if verb in ("j", "reject") and (step in tools or not step):
            return {"reject": {step or next(iter(tools)): reason}}
    except BadRequest as error:
        sys.stderr.write(f"  {one_line(str(error), 300)}\n")
    return NOT_UNDERSTOOD


def parse_edits(edits: Sequence[str], tools: Mapping[str, str]) -> dict[str, Json]:
    """["s1.epochs=3"] -> {"s1": {"epochs": 3}}; an empty value removes the argument. `tools` are the steps, id -> tool."""
    from modelwright.errors import BadRequest
    from modelwright.tools import load

    changes: dict[str, Json] = {}
    for edit in edits:
        place, equals, value = edit.partition("=")
        step, dot, key = place.strip().partition(".")
        if not (equals and dot and key):
            raise BadRequest(f"{edit!r} is not an edit", fix="write it as s1.epochs=3")
        refuse_unknown_step(step, tools)
        schema = load(tools[step]).args.model_json_schema()
        if key not in schema["properties"]:
            raise BadRequest(f"{tools[step]} has no argument {key!r:.80}", fix=f"it has: {', '.join(schema['properties'])}")
        changes.setdefault(step, {})[key] = value_of(value.strip(), schema, key) if value.strip() else None
    return changes


def refuse_unknown_step(step: str, tools: Mapping[str, str]) -> None:
    from modelwright.errors import BadRequest

    if step not in tools:
        raise BadRequest(f"there is no step {step!r:.80}", fix=f"steps: {', '.join(tools) or 'none yet'}")


def value_of(text: str, schema: Json, key: str) -> Any:
    """What a person typed for an argument, as its schema takes it: `Q8_0,Q4_0` for a list, text for text, JSON where it is JSON."""
    from modelwright.graphs.references import schema_at

    kind = schema_at(schema, (key,)).get("type")
    if kind == "string":
        return text
    value = parse_value(text)
    if kind != "array" or isinstance(value, list) or value is None:
        return value
    items = schema_at(schema, (key, 0)).get("type")
    return [part.strip() if items == "string" else parse_value(part) for part in text.split(",")]


def parse_value(text: str) -> Any:
    """JSON when it is JSON (3, true, ["a"]), else the text itself."""
    import json

    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number to work with")
