"""What a call of a model leaves in the trace."""

from __future__ import annotations

from pathlib import Path

from modelwright.agent.thinking import Thinking
from modelwright.config import Settings
from modelwright.events import Emitter, Event
from modelwright.models.base import Choice, Exchange, ModelCall

TRIES = (
    Exchange("a.example/v1#big", id="call-1", prompt_sha256="f" * 64, seconds=0.2, cost=0.0, error="answers 429: slow down"),
    Exchange(
        "b.example/v1#big", id="call-2", prompt_tokens=100, output_tokens=11, seconds=3.0, ttft_seconds=1.0, cost=None, waited_seconds=2
    ),
)


def told(call: ModelCall, workspace: Path) -> tuple[dict[str, object], Thinking]:
    events: list[Event] = []
    thinking = Thinking(Settings(), {}, workspace, Emitter("r1", [events.append]))
    thinking._on_call(call)
    return events[0].data, thinking


def test_a_call_is_told_with_its_tries_and_the_names_of_opentelemetry(workspace: Path) -> None:
    answer = Choice("quantize", {}, 100, 11, 5.2, 1.0, TRIES)
    data, thinking = told(ModelCall.of("a.example/v1#big", "intent", "f" * 64, {}, "quantize", answer), workspace)
    assert data["gen_ai.request.model"] == "a.example/v1#big"
    assert data["gen_ai.response.model"] == "b.example/v1#big"
    assert str(data["gen_ai.response.id"]).startswith("call-")
    assert data["gen_ai.server.time_to_first_token"] == 1.0
    assert data["tokens_per_second"] == 5.0  # ten tokens in the two seconds after the first
    assert data["cost"] is None  # one price is unknown, so the sum is
    assert data["exchanges"] == [
        {"model": "a.example/v1#big", "id": "call-1", "prompt_sha256": "f" * 64, "seconds": 0.2, "cost": 0.0,
         "error": "answers 429: slow down"},
        {"model": "b.example/v1#big", "id": "call-2", "prompt_tokens": 100, "output_tokens": 11, "seconds": 3.0, "ttft_seconds": 1.0,
         "cost": None, "waited_seconds": 2},
    ]  # fmt: skip
    assert (thinking.tokens_used(), thinking.tokens_used()) == (111, 0)


def test_a_model_in_a_child_costs_nothing_and_answers_itself(workspace: Path) -> None:
    answer = Choice("quantize", {}, 100, 1, 2.0)
    data, thinking = told(ModelCall.of("builtin", "intent", "f" * 64, {}, "quantize", answer), workspace)
    assert (data["gen_ai.response.model"], data["cost"], data["tokens_per_second"], data["exchanges"]) == ("builtin", 0, None, [])
    assert thinking.cost_used() == 0.0
