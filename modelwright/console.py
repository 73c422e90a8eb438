"""What a person reads on stderr while a run works. Text from outside arrives already cleaned.

On a terminal the current step's progress is one line that is rewritten; elsewhere a line every ten seconds. Each
progress line says how long the step, and with it the whole run, still needs, as long as that is known: a step that takes longer
than was estimated says nothing. A dumb terminal gets lines, no escapes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

from modelwright.events import Event
from modelwright.plantable import short
from modelwright.text import human_bytes, human_seconds, one_line

QUIET_SECONDS = 10.0
LEAST_LEFT = 0.05
"""seconds; less would be shown as 0.0 s, while work remains"""


class Narrator:
    """A sink that tells a run's events on stderr."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._live = self._stream.isatty() and os.environ.get("TERM") not in ("", "dumb", None)
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
        told = str(event.step) in self._estimates  # the gate decides again after an approval
        self.remember_estimate(event)
        if event.data["decision"] == "deny" or (event.data["decision"] == "ask" and not told):
            self.say(f"  policy: {event.data['decision']} {event.step} ({event.data['rule']})")

    def remember_estimate(self, event: Event) -> None:
        """For what is left of the whole run."""
        self._estimates[str(event.step)] = float((event.data.get("estimate") or {}).get("seconds") or 0)

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
            left = self._estimates[str(event.step)] - (self._clock() - self._started)
        if left is not None and left >= LEAST_LEFT:
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
        peak = event.data["peak_memory_bytes"]
        took = human_seconds(event.data["seconds"]) + (f", peak {human_bytes(peak)}" if peak else "")
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
