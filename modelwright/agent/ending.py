"""The last words of a run: what came out, where it lies, and the exact command that goes on when it waits.

All lines are redacted and free of terminal escapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwright.text import clean, counted, human_bytes, human_seconds, one_line

if TYPE_CHECKING:
    from modelwright.agent.results import RunResult, StepResult
    from modelwright.types import Json, Spent

WORDS = {
    "done": "done and verified",
    "unverified": "ran, but is not verified",
    "failed": "failed",
    "denied": "stopped: not allowed",
    "rejected": "rejected by you",
    "cancelled": "cancelled by you",
    "nothing": "nothing was done",
    "interrupted": "interrupted",
    "waiting": "waits",
    "running": "is running",
}
CANCELLED = "cancelled"
"""The reason of a no that ends a run for good."""
SHORT_LINE = 76
"""columns that a line may have so that no terminal breaks it"""


@dataclass
class Closing:
    """`data` goes to stdout, `narration` to stderr."""

    data: list[str] = field(default_factory=list)
    narration: list[str] = field(default_factory=list)


def closing_lines(result: RunResult) -> Closing:
    closing = _closing(result)
    return Closing(clean(closing.data), clean(closing.narration))


def _closing(result: RunResult) -> Closing:
    if result.status == "nothing":
        return Closing(narration=nothing_done(result))
    closing = Closing()
    for step in result.steps:
        if step.result is not None and step.status == "done":
            closing.data.append(f"{step.id} {step.tool}: {one_line(step.result.summary, 400)}")
    if result.error:
        fix = f"\n  fix: {one_line(result.error['fix'], 1000)}" if result.error.get("fix") else ""
        closing.narration.append(f"{'' if is_rejection(result.error) else 'error: '}{one_line(result.error['message'], 1000)}{fix}")
    if result.report and any(step.status != "pending" for step in result.steps):
        closing.data.append(f"report: {result.report}")
    closing.narration += [f"run {result.run}: {outcome(result.status, result.spent, result.error)}", *next_commands(result)]
    return closing


def nothing_done(result: RunResult) -> list[str]:
    """Three short lines: why, what comes nearest, and where all of it is listed."""
    why = f": {one_line(result.error['message'], 300)}" if result.error else ""
    near = nearest(result.plan.choices if result.plan else ())
    return [WORDS["nothing"] + why, *([f"  {near}"] if near else []), "  all tools: modelwright tools"]


def nearest(deeds: Sequence[str], room: int = SHORT_LINE) -> str:
    """ "nearest: fine-tune a model; compare tokenizers": the first of them and as many more as `room` has columns for."""
    said = ""
    for deed in deeds:
        longer = f"{said}; {one_line(deed)}" if said else f"nearest: {one_line(deed)}"
        said = longer if not said or len(longer) <= room else said
    return said


def is_rejection(error: Json | None) -> bool:
    """A person's no: an answer, and nothing that went wrong."""
    return (error or {}).get("type") == "Rejected"


def is_cancelled(error: Json | None) -> bool:
    """A no by which a person ended the run, at work or not."""
    return is_rejection(error) and str((error or {}).get("message")).endswith(f": {CANCELLED}")


def standing(status: str, error: Json | None) -> str:
    """For a list: how a run stands; of one that a person ended, that."""
    return ("cancelled" if is_cancelled(error) else "rejected") if is_rejection(error) else status


def outcome(status: str, spent: Spent, error: Json | None = None) -> str:
    """ "done and verified (1 step, 12 s)"."""
    used = f"{counted(spent.steps, 'step')}, {human_seconds(spent.seconds)}" + (
        f", {counted(spent.tokens, 'token')}" if spent.tokens else ""
    )
    no = "cancelled" if is_cancelled(error) else "rejected"
    return f"{WORDS[no] if is_rejection(error) else WORDS.get(status, status)} ({used})"


def next_commands(result: RunResult) -> list[str]:
    """What to type to go on."""
    go_on = f"modelwright resume {result.run}"
    if result.pending and result.pending["kind"] == "question":
        choices = "".join(f"\n    - {one_line(c)}" for c in result.pending["choices"])
        return [f"question: {one_line(result.pending['question'], 1000)}{choices}", f'  answer: {go_on} --answer "…"']
    if result.pending and result.pending["kind"] == "approval":
        asked = ", ".join(f"{c['id']} {c['tool']} (rule {c['rule']})" for c in result.pending["calls"])
        note = [f"note: {one_line(result.pending['note'], 300)}"] if result.pending["note"] else []
        return [
            *note,
            f"approval needed: {asked}",
            f"  allow: {go_on} --approve",
            f'  refuse: {go_on} --reject {result.pending["calls"][0]["id"]} --reason "…"',
            f"  change: {go_on} --edit {result.pending['calls'][0]['id']}.KEY=VALUE",
        ]
    if result.pending:
        bound = result.pending["reached"].split()[0]
        return [f"budget spent: {result.pending['reached']}", f"  raise it: {go_on} --max-{bound} N"]
    return [f"  go on: {go_on}"] if result.status in ("interrupted", "failed") and result.exit_code != 2 else []


def full_text(result: RunResult) -> str:
    """For `show`: the whole run in a screen."""
    lines = [f"run {result.run}: {outcome(result.status, result.spent, result.error)}"]
    if result.plan:
        lines.append(f"request: {one_line(result.plan.request, 300)}")
    for step in result.steps:
        lines += _step_text(step)
    closing = closing_lines(result)
    if result.status == "nothing":
        return str(clean("\n".join([*lines, *closing.narration])))
    text = "\n".join(
        [*lines, *(closing.narration[:1] if result.error else []), *next_commands(result), *(closing.data[-1:] if result.report else [])]
    )
    return str(clean(text))


def _step_text(step: StepResult) -> list[str]:
    reused = ", reused" if step.reused else ""
    memory = f", peak {human_bytes(step.peak_memory_bytes)}" if step.peak_memory_bytes else ""
    lines = [f"{step.id} {step.tool}: {step.status} ({human_seconds(step.seconds)}{memory}{reused})"]
    if step.result:
        lines.append(f"    {one_line(step.result.summary, 400)}")
        lines += [f"    {a.kind}: {a.path} ({human_bytes(a.bytes)})" for a in step.result.artifacts]
    lines += [f"    NOT {c.name}: {one_line(c.detail)}" for c in step.checks if not c.passed]
    if step.error:
        lines.append(f"    {one_line(step.error['message'], 400)}")
    return lines
