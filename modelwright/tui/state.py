"""What the screen knows of one run, built from its events alone. No widgets: each event changes numbers and text here.

An event that was seen already (by its `seq`) changes nothing, so a live stream and the trace can both be fed in.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from modelwright.agent.ending import CANCELLED
from modelwright.text import one_line
from modelwright.tui.steps import CUT, DONE, FAILED, PENDING, PLANNING, RUNNING, UNVERIFIED, Series, StepView
from modelwright.tui.told import NOT_SERIES, told

if TYPE_CHECKING:
    from modelwright.types import Json

LOSS = "loss"
FROM_CHECKPOINT = re.compile(r"resume from step (\d+)")
"""What a training says that goes on from a checkpoint."""
LONGEST_WORDS = 80
"""Characters of the words that changed an argument."""
MOST_LINES = 100_000


class RunView:
    """A run. `changed` counts what was taken in, so a widget knows whether it is behind."""

    def __init__(self, run: str = "") -> None:
        self.run, self.request, self.reason, self.status = run, "", "", PLANNING
        self.steps: dict[str, StepView] = {}
        self.plan: Json | None = None
        self.log: list[str] = []
        self.limits: Json = {}
        self.memory_in_use: int | None = None
        """Resident bytes of the processes of the step at work, now; measured from outside, not told by events."""
        self.changed = 0
        self.edit_is_open = False
        """A change was told to the run, and nothing is known yet of what becomes of it."""
        self._settled: dict[str, tuple[Json, dict[str, str], frozenset[str]]] = {}
        """Of each step its arguments, their sources and marks, as they were when it was last decided about."""
        self._seq = 0

    def take(self, event: Json) -> bool:
        """One event, as JSON. False when it was known already."""
        if event["seq"] <= self._seq:
            return False
        self._seq = event["seq"]
        self.run = event["run"]
        self.changed += 1
        handler = getattr(self, "_on_" + event["type"].replace(".", "_"), None)
        if handler:
            handler(event["data"], self.steps.get(str(event.get("step"))), event)
        self._write_down(event)
        return True

    def _write_down(self, event: Json) -> None:
        clock = time.strftime("%H:%M:%S", time.localtime(event["time"]))
        self.log.append(f"{clock} {event.get('step') or '-':>3} {event['type']:<17} {told(event['type'], event['data'])}")
        if len(self.log) > MOST_LINES:
            del self.log[: MOST_LINES // 10]

    # one method an event ------------------------------------------------------------------------------------------

    def _on_run_started(self, data: Json, step: StepView | None, event: Json) -> None:
        self.request = data.get("request") or self.request
        self.limits = (data.get("options") or {}).get("limits") or {}

    def _on_run_resumed(self, data: Json, step: StepView | None, event: Json) -> None:
        self._on_run_started(data, step, event)
        self.status = "running"

    def _on_plan_proposed(self, data: Json, step: StepView | None, event: Json) -> None:
        self.plan = data["plan"]
        self.reason = data["plan"].get("reason") or ""
        self.request = data["plan"].get("request") or self.request
        self.steps = {s["id"]: StepView(s["id"], s["tool"], s["args"], s.get("sources", {})) for s in data["plan"]["steps"]}

    def _on_policy_decision(self, data: Json, step: StepView | None, event: Json) -> None:
        if step:
            step.decision, step.rule, step.reason = data["decision"], data["rule"], data.get("reason", "")
            step.estimate, step.defaults = data.get("estimate"), data.get("defaults") or {}
            self._settled[step.id] = (step.args, step.sources, step.changed)
            self.edit_is_open = False

    def _on_approval_asked(self, data: Json, step: StepView | None, event: Json) -> None:
        """What was said of these steps holds no more; a decision that is told again after a yes takes that yes from none."""
        self.status = "waiting"
        if self.edit_is_open:
            self._take_edit_back()
        for name in data.get("steps") or ():
            if name in self.steps:
                self.steps[name].answer = ""

    def _take_edit_back(self) -> None:
        """It is asked again, and nothing was decided anew: the run did not take the change."""
        self.edit_is_open = False
        for name, (args, sources, changed) in self._settled.items():
            if name in self.steps:
                step = self.steps[name]
                step.args, step.sources, step.changed = args, sources, changed

    def _on_question_asked(self, data: Json, step: StepView | None, event: Json) -> None:
        self.status = "waiting"

    def _on_approval_given(self, data: Json, step: StepView | None, event: Json) -> None:
        self.status = "running"
        self._note_answers(data)
        self._mark(data.get("edit") or {})
        for name, changes in (data.get("edit") or {}).items():
            if name in self.steps:
                self._change(self.steps[name], changes, _source_of(data))

    def _mark(self, edit: Json) -> None:
        """Which values are other ones now than were proposed; a yes to them marks none and takes no mark away."""
        if edit:
            self.edit_is_open = True
            proposed = {step["id"]: step["args"] for step in (self.plan or {}).get("steps", [])}
            for name, one in self.steps.items():
                first = proposed.get(name, {})
                one.changed = frozenset(arg for arg, value in (edit.get(name) or {}).items() if value != first.get(arg))

    def _change(self, step: StepView, changes: Json, source: str) -> None:
        """None takes an argument out, and its source with it."""
        step.args = {name: value for name, value in {**step.args, **changes}.items() if value is not None}
        step.sources = {name: source for name, source in {**step.sources, **dict.fromkeys(changes, source)}.items() if name in step.args}

    def _note_answers(self, data: Json) -> None:
        rejected, allowed = data.get("reject") or {}, [*(data.get("allow") or []), *(data.get("allow_for_run") or [])]
        for one in self.steps.values():
            if one.id in rejected:
                one.answer = CANCELLED if rejected[one.id] == CANCELLED else "rejected"
            elif one.id in allowed:
                one.answer = "allowed"
            elif rejected and one.decision == "ask" and not one.answer:
                one.answer = "left"

    def _on_tool_started(self, data: Json, step: StepView | None, event: Json) -> None:
        self.status = "running"
        if step:
            step.status, step.started, step.error = RUNNING, event["time"], None
            losses = step.series[LOSS].points if LOSS in step.series else []
            step.cut_at = int(losses[-1][0]) if losses else 0
            step.at = step.of = step.ends_at = None  # of an earlier try
            step.message = step.begun_anew = ""
            self.memory_in_use = None  # of the step before

    def _on_tool_progress(self, data: Json, step: StepView | None, event: Json) -> None:
        if step is None:
            return
        step.message = one_line(str(data.get("message", "")), 200)
        self._note_beginning(step, data)
        step.at, step.of = data.get("step", step.at), data.get("steps", step.of)
        eta = data.get("eta_seconds")
        step.ends_at = None if eta is None else event["time"] + eta
        step.tokens_per_second = data.get("tokens_per_second", step.tokens_per_second)
        step.peak_memory_bytes = data.get("peak_memory_bytes", step.peak_memory_bytes)
        for name, value in data.items():
            if name not in NOT_SERIES and isinstance(value, int | float) and not isinstance(value, bool) and data.get("step") is not None:
                step.series.setdefault(name, Series()).add(float(data["step"]), float(value))

    def _note_beginning(self, step: StepView, data: Json) -> None:
        """A training that was cut off says from which checkpoint it goes on; one that says nothing has none."""
        if found := FROM_CHECKPOINT.fullmatch(step.message):
            step.begun_anew = f"goes on from step {found[1]}, its last checkpoint"
        elif step.cut_at and not step.begun_anew and LOSS in data and data.get("step") is not None and data["step"] <= step.cut_at:
            step.begun_anew = f"begins again at step 1 (it was cut off at step {step.cut_at}): no checkpoint yet"

    def _on_tool_finished(self, data: Json, step: StepView | None, event: Json) -> None:
        if step:
            step.status, step.summary = DONE, data.get("summary", "")
            step.seconds, step.peak_memory_bytes = data.get("seconds", 0.0), data.get("peak_memory_bytes")
            step.ends_at = None

    def _on_tool_reused(self, data: Json, step: StepView | None, event: Json) -> None:
        if step:
            step.status, step.summary = DONE, f"already done in run {data.get('from_run')} ({data.get('from_step')})"

    def _on_tool_failed(self, data: Json, step: StepView | None, event: Json) -> None:
        if step:
            step.status, step.error = FAILED, data["error"]

    def _on_verify_checks(self, data: Json, step: StepView | None, event: Json) -> None:
        if step:
            step.checks = data["checks"]
            step.status = DONE if data["passed"] else UNVERIFIED

    def _on_run_ended(self, data: Json, step: StepView | None, event: Json) -> None:
        self.status = data["status"]
        for one in self.steps.values():
            if one.status == RUNNING:
                one.status, one.seconds = CUT, max(0.0, event["time"] - one.started)

    def reached(self) -> str:
        """How far the step came that is at work, or was when the run was cut off: "step 9 of 20"; empty where it did not say."""
        step = next((s for s in self.steps.values() if s.status in (RUNNING, CUT)), None)
        return f"step {step.at} of {step.of}" if step is not None and step.at and step.of else ""

    # what is left -------------------------------------------------------------------------------------------------

    def current(self) -> StepView | None:
        return next((s for s in self.steps.values() if s.status == RUNNING), None)

    def left(self, now: float) -> float | None:
        """Seconds to the end of the run, as far as they are predicted; of a step that is late none. None when nothing is known."""
        open_ones = [step for step in self.steps.values() if step.status in (RUNNING, PENDING)]
        parts = [step.left(now) if step.status == RUNNING else step.expected for step in open_ones]
        known = [part for part in parts if part is not None and part > 0]
        return sum(known) if known else None

    def is_late(self, now: float) -> bool:
        """Whether the step at work takes longer than was predicted, or nothing was."""
        step = self.current()
        left = step.left(now) if step else None
        return step is not None and (left is None or left <= 0)


def _source_of(given: Json) -> str:
    """Where a change of the plan came from: the words that were said to it, else the form."""
    return f"your words «{one_line(str(given['said']), LONGEST_WORDS)}»" if given.get("said") else "edit"
