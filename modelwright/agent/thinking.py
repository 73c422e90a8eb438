"""The planner with its model, opened when first asked and closed with the run. Every model call becomes an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.config import Settings
from modelwright.contract import Tool
from modelwright.events import Emitter, EventType
from modelwright.types import Json, Plan


class Thinking:
    """A deps.Planner that starts nothing until a plan is asked for."""

    def __init__(self, settings: Settings, tools: Mapping[str, Tool], workspace: Path, emitter: Emitter | None = None) -> None:
        self._settings, self._tools, self._workspace, self._emitter = settings, tools, workspace, emitter
        self._planner: Any = None
        self._tokens = 0

    def __enter__(self) -> Thinking:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._planner is not None:
            self._planner.close()

    @property
    def planner(self) -> Any:
        if self._planner is None:
            from modelwright.graphs.planning.planner import Planner
            from modelwright.models import open_model

            self._planner = Planner(open_model(self._settings, self._workspace), dict(self._tools), self._workspace, self._on_call)
        return self._planner

    def plan(self, request: str, answers: Sequence[str] = ()) -> Plan:
        plan: Plan = self.planner.plan(request, answers)
        if self._emitter is not None:
            self._emitter.emit(EventType.PLAN_STAGES, None, stages=self.planner.last_trace)
        return plan

    def replan(self, plan: Plan, failed_step: str, error: Json) -> Plan | None:
        new: Plan | None = self.planner.replan(plan, failed_step, error)
        return new

    def tokens_used(self) -> int:
        """Tokens since the last call of this."""
        used, self._tokens = self._tokens, 0
        return used

    def _on_call(self, call: Any) -> None:
        """A ModelCall of models/: counted, and told with the OpenTelemetry GenAI names."""
        self._tokens += call.prompt_tokens + call.output_tokens
        if self._emitter is None:
            return
        self._emitter.emit(
            EventType.MODEL_CALL,
            None,
            **{
                "gen_ai.operation.name": "text_completion",
                "gen_ai.request.model": call.model,
                "gen_ai.usage.input_tokens": call.prompt_tokens,
                "gen_ai.usage.output_tokens": call.output_tokens,
            },
            purpose=call.purpose,
            seconds=round(call.seconds, 4),
            prompt_sha256=call.prompt_sha256,
            candidates=call.candidates,
            choice=call.choice,
        )
