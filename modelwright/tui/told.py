"""An event in words, on one line: for the log of a run and for its trace. One function an event type; the rest is name=value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from modelwright.text import counted, human_bytes, human_seconds, one_line

if TYPE_CHECKING:
    from modelwright.types import Json

NOT_SERIES = frozenset({"step", "steps", "eta_seconds", "seconds_left", "peak_memory_bytes"})
"""Numbers of a progress event that are no curve."""
LONGEST = 300
"""characters"""


def told(kind: str, data: Json) -> str:
    """An event's own words on one line."""
    return one_line(WORDS.get(kind, _values)(data), LONGEST)


def _values(data: Json) -> str:
    return ", ".join(f"{name}={value}" for name, value in data.items() if value not in (None, "", [], {}))


def _started(data: Json) -> str:
    return str(data.get("request") or "")


def _resumed(data: Json) -> str:
    return "goes on" + (f" with {_reply(data['reply'])}" if data.get("reply") else "")


def _plan(data: Json) -> str:
    plan = data["plan"]
    if plan.get("kind") == "question":
        return f"question: {plan.get('question')}"
    note = str(plan.get("reason") or "")
    return ", ".join(f"{step['id']} {step['tool']}" for step in plan["steps"]) + (f" · {note}" if plan["steps"] and note else note)


def _stages(data: Json) -> str:
    return "planned by " + ", ".join(str(stage.get("stage")) for stage in data.get("stages", []))


def _model_call(data: Json) -> str:
    tokens = data.get("gen_ai.usage.input_tokens", 0) + data.get("gen_ai.usage.output_tokens", 0)
    asked = f"{data.get('gen_ai.request.model')} for {data.get('purpose')}: {data.get('choice')}"
    return f"{asked} ({counted(tokens, 'token')}, {human_seconds(data.get('seconds') or 0)})"


def _decision(data: Json) -> str:
    return f"{data['decision']} by {data['rule']}: {data.get('reason', '')}"


def _asked(data: Json) -> str:
    return f"may {', '.join(map(str, data.get('steps', [])))} run?"


def _question(data: Json) -> str:
    return " / ".join(map(str, [data.get("question"), *data.get("choices", [])]))


def _reply(data: Json) -> str:
    """{by, allow: [s1]} as "user: allow s1"."""
    said = [f"{name.replace('_', ' ')} {_flat(value)}" for name, value in data.items() if name != "by" and value not in (None, "", [], {})]
    by = f"{data['by']}: " if data.get("by") else ""
    return by + "; ".join(said)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_flat(part)}".strip() for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _budget(data: Json) -> str:
    return f"spent: {data['reached']}" if data.get("reached") else _reply(data)


def _tool_started(data: Json) -> str:
    given = ", ".join(f"{name}={_flat(value)}" for name, value in (data.get("args") or {}).items())
    return f"{data.get('gen_ai.tool.name', '')} {given}".strip()


def _progress(data: Json) -> str:
    numbers = [
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in data.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in NOT_SERIES
    ]
    return " · ".join([str(data.get("message", "")), *numbers])


def _finished(data: Json) -> str:
    """A tool without a process of its own has no peak of memory."""
    peak = data.get("peak_memory_bytes")
    took = human_seconds(data.get("seconds", 0)) + (f", peak {human_bytes(peak)}" if peak else "")
    return f"{one_line(str(data.get('summary', '')), 200)} ({took})"


def _reused(data: Json) -> str:
    return f"{data.get('tool', '')} already done in run {data.get('from_run')} ({data.get('from_step')})".strip()


def _message(data: Json) -> str:
    return str((data.get("error") or data).get("message", ""))


def _checks(data: Json) -> str:
    checks = data["checks"]
    failed = [f"NOT {c['name']}: {c.get('detail', '')}" for c in checks if not c["passed"]]
    return "; ".join([f"{len(checks) - len(failed)} of {counted(len(checks), 'check')}", *failed])


def _report(data: Json) -> str:
    return ", ".join(PurePath(str(path)).name for path in data.values() if path)


def _ended(data: Json) -> str:
    spent, error = data.get("spent") or {}, (data.get("error") or {}).get("message")
    used = f" ({counted(spent.get('steps', 0), 'step')}, {human_seconds(spent.get('seconds', 0))})" if spent else ""
    return f"{data['status']}{used}" + (f": {error}" if error else "")


WORDS: dict[str, Callable[[Json], str]] = {
    "run.started": _started,
    "run.resumed": _resumed,
    "run.ended": _ended,
    "plan.stages": _stages,
    "plan.proposed": _plan,
    "model.call": _model_call,
    "policy.decision": _decision,
    "approval.asked": _asked,
    "approval.given": _reply,
    "question.asked": _question,
    "question.answered": _reply,
    "budget.changed": _budget,
    "tool.started": _tool_started,
    "tool.progress": _progress,
    "tool.finished": _finished,
    "tool.reused": _reused,
    "tool.failed": _message,
    "verify.checks": _checks,
    "report.written": _report,
    "notice": _message,
}
