"""The planner with its model, opened when first asked and closed with the run. Every model call becomes an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modelwright.agent.followups.things import made_models
from modelwright.agent.memory_view import recalled_for
from modelwright.agent.planning_memory import Embedding, embedding, index_names
from modelwright.config import Settings
from modelwright.contract import Tool
from modelwright.events import Emitter, EventType
from modelwright.memory.recall import Recalled, fenced
from modelwright.types import Json, Plan, Thing
from modelwright.workspace import Workspace


class Thinking:
    """A deps.Planner that starts nothing until a plan is asked for."""

    def __init__(
        self,
        settings: Settings,
        tools: Mapping[str, Tool],
        workspace: Path,
        emitter: Emitter | None = None,
        *,
        context: Sequence[Thing] = (),
    ) -> None:
        self._settings, self._tools, self._workspace, self._emitter = settings, tools, workspace, emitter
        self._context = tuple(context)
        self._planner: Any = None
        self._recalled = Recalled()
        self._model: Any = None
        self._embed: Embedding | None = None
        self._tokens, self._cost = 0, 0.0

    def __enter__(self) -> Thinking:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._planner is not None:
            self._planner.close()
        if self._embed is not None:
            self._embed.close()

    @property
    def planner(self) -> Any:
        if self._planner is None:
            from modelwright.graphs.planning.facts import Fact
            from modelwright.graphs.planning.planner import Planner
            from modelwright.graphs.planning.recall import RememberedPlan
            from modelwright.models import open_model

            self._model = open_model(self._settings, self._workspace)
            remembered = [RememberedPlan(plan.request, plan.tools) for plan in self._recalled.plans]
            facts = [Fact(str(fact.id), fact.field, fact.value) for fact in self._recalled.facts]
            here = Workspace(self._workspace)
            self._embed = embedding(self._settings, here)
            self._planner = Planner(
                self._model,
                dict(self._tools),
                self._workspace,
                self._on_call,
                embed=self._embed,
                remembered=remembered,
                facts=facts,
                indexes=index_names(here),
                memories=fenced(self._recalled.notes),
                made=lambda: made_models(here),
            )
        return self._planner

    def plan(self, request: str, answers: Sequence[str] = ()) -> Plan:
        if self._planner is None:
            self._recalled = self._recall(request)
        planner = self.planner
        if not answers and hasattr(self._model, "begin_request"):  # an answer goes on with the same request and its budget
            self._model.begin_request()
        plan: Plan = planner.plan(request, answers, self._context)
        if self._emitter is not None:
            self._emitter.emit(EventType.PLAN_STAGES, None, stages=self.planner.last_trace)
        return plan

    def _recall(self, request: str) -> Recalled:
        """What memory has for this request; a run that is planned is noted as having been shown it."""
        if self._emitter is None:
            return recalled_for(Workspace(self._workspace), request)
        emitter = self._emitter
        return recalled_for(
            Workspace(self._workspace), request, emitter.run, lambda message: emitter.emit(EventType.NOTICE, None, message=message)
        )

    def replan(self, plan: Plan, failed_step: str, error: Json) -> Plan | None:
        new: Plan | None = self.planner.replan(plan, failed_step, error)
        return new

    def tokens_used(self) -> int:
        """Tokens since the last call of this."""
        used, self._tokens = self._tokens, 0
        return used

    def cost_used(self) -> float:
        """US dollars since the last call of this, as far as prices are known."""
        used, self._cost = self._cost, 0.0
        return used

    def _on_call(self, call: Any) -> None:
        """A ModelCall of models/: counted, and told with the OpenTelemetry GenAI names."""
        self._tokens += call.prompt_tokens + call.output_tokens
        self._cost += call.cost or 0.0
        if self._emitter is None:
            return
        self._emitter.emit(
            EventType.MODEL_CALL,
            None,
            **{
                "gen_ai.operation.name": "text_completion",
                "gen_ai.request.model": call.model,
                "gen_ai.response.model": call.answered_by,
                "gen_ai.response.id": call.id,
                "gen_ai.usage.input_tokens": call.prompt_tokens,
                "gen_ai.usage.output_tokens": call.output_tokens,
                "gen_ai.server.time_to_first_token": round(call.ttft_seconds, 4),
            },
            purpose=call.purpose,
            seconds=round(call.seconds, 4),
            tokens_per_second=call.tokens_per_second and round(call.tokens_per_second, 2),
            cost=call.cost,
            prompt_sha256=call.prompt_sha256,
            candidates=call.candidates,
            choice=call.choice,
            exchanges=[_told(exchange) for exchange in call.exchanges],
        )


def _told(exchange: Any) -> Json:
    """One try, with what is worth a line of the trace: zeros and empty texts are left out, an unknown cost is not."""
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(exchange).items()}
    return {name: value for name, value in rounded.items() if value or name == "cost"}
