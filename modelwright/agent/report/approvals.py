"""Who let a step run, read from the trace: policy alone, a person, `--yes`, or an approval given for the whole run."""

from __future__ import annotations

from modelwright.events import Event, EventType
from modelwright.types import Decision, Step


def approved_by(step: Step, events: list[Event]) -> str:
    """'policy', 'user', '--yes', 'user, for the whole run'; empty when nobody did."""
    if step.decision is Decision.ALLOW:
        return "policy"
    for event in reversed([event for event in events if event.type is EventType.APPROVAL_GIVEN]):
        by = str(event.data.get("by", "user"))
        if step.id in (event.data.get("allow_for_run") or []):
            return f"{by}, for the whole run"
        if step.id in (event.data.get("allow") or []):
            return by
    return _by_tool(step, events)


def _by_tool(step: Step, events: list[Event]) -> str:
    """A step that was not shown, of a tool that was allowed for the run: it started without being asked for."""
    started = any(event.type in (EventType.TOOL_STARTED, EventType.TOOL_REUSED) and event.step == step.id for event in events)
    for_run = any(event.data.get("allow_for_run") for event in events if event.type is EventType.APPROVAL_GIVEN)
    return f"{step.tool} was allowed for the whole run" if started and for_run else ""
