"""The run's state, as LangGraph keeps it: small, plain JSON; plans, step records and results by reference.

Every node returns the part it changes. `next` is the only thing that edges look at.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from modelwright.types import Limits, Spent

Json = dict[str, Any]
Node = Literal["plan", "gate", "approve", "execute", "verify", "route", "report", "remember", "end"]
Status = Literal["running", "waiting", "done", "unverified", "failed", "denied", "nothing", "interrupted"]


class RunState(TypedDict, total=False):
    run: str
    request: str
    answers: list[str]
    given: Json | None
    """A plan that the user gave, until the plan node has taken it."""
    plan_id: str | None
    """Which plan of graphs.store: the hash of all of it."""
    cursor: int
    """Index of the step that comes next."""
    approved: dict[str, str]
    """step id -> hash of the very call that was allowed."""
    resolved: dict[str, Json]
    """step id -> its real arguments, where policy asks about them what it had allowed before they were known."""
    allowed_tools: list[str]
    """Tools that were allowed for the whole run."""
    failure: Json | None
    """{step, error, retryable}: what route looks at after a step that did not succeed."""
    tried: list[str]
    """Hashes of plans that failed: the same one is never tried twice."""
    stuck: bool
    """The last call was made too often with the same result."""
    pending: Json | None
    """What a person is asked: {kind: approval|question|budget, …}."""
    reply: Json | None
    spent: Json
    limits: Json
    status: Status
    error: Json | None
    next: Node


def initial(run: str, request: str, limits: Limits, plan: Json | None = None) -> RunState:
    """A fresh run. With `plan` the plan node has nothing to do but check it."""
    return RunState(
        run=run,
        request=request,
        answers=[],
        given=plan,
        plan_id=None,
        cursor=0,
        approved={},
        resolved={},
        allowed_tools=[],
        failure=None,
        tried=[],
        stuck=False,
        pending=None,
        reply=None,
        spent=Spent().model_dump(),
        limits=limits.model_dump(),
        status="running",
        error=None,
        next="plan",
    )
