from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from modelwright.config import GatewaySettings, Settings
from modelwright.errors import ConfigError, EngineMissing
from modelwright.models import open_model
from modelwright.models.base import Choice, Draft, DraftQuestion, KnowsTools, Ranks
from modelwright.models.gateway import Gateway
from modelwright.models.recorded import RecordedModel, Recorder
from modelwright.models.scripted import Script, ScriptedModel
from modelwright.models.spending import Spending
from modelwright.workspace import Workspace
from tests.models.fault_proxy import Proxy, says
from tests.models.questions import TWO_TOOLS

PLAN = json.dumps({"kind": "plan", "steps": [{"tool": "finetune", "fields": {"model": ["M1"], "dataset": ["D1"]}}]})


@pytest.fixture
def recording(toy_server: Proxy, workspace: Path) -> Path:
    toy_server.next(says(PLAN), says('{"choice": "red"}'))
    model = open_model(Settings(model=toy_server.ref, record="calls.jsonl"), workspace)
    assert model
    model.draft(TWO_TOOLS)
    model.choose("which?", ["red", "blue"], purpose="colour", examples={})
    return workspace / "calls.jsonl"


def test_a_replay_gives_the_same_answers_at_no_tokens(recording: Path, workspace: Path) -> None:
    model = open_model(Settings(model="recorded:calls.jsonl"), workspace)
    assert model
    draft = model.draft(TWO_TOOLS)
    assert [(step.tool, step.fields) for step in draft.steps] == [("finetune", {"model": ["M1"], "dataset": ["D1"]})]
    chosen = model.choose("which?", ["red", "blue"], purpose="colour", examples={})
    assert (chosen.text, chosen.prompt_tokens, draft.prompt_tokens, draft.output_tokens) == ("red", 0, 0, 0)


def test_anything_else_is_a_clear_miss(recording: Path, workspace: Path) -> None:
    model = open_model(Settings(model="recorded:calls.jsonl"), workspace)
    assert model
    with pytest.raises(EngineMissing, match=r"no answer for this draft \([0-9a-f]{12}, 2 are recorded\)"):
        model.draft(dataclasses.replace(TWO_TOOLS, cards=TWO_TOOLS.cards[:1]))
    with pytest.raises(EngineMissing, match="no answer for this colour"):
        model.choose("which one?", ["red", "blue"], purpose="colour", examples={})


def test_the_request_does_not_stand_in_the_file(recording: Path) -> None:
    assert "train.jsonl" not in recording.read_text()


def test_a_damaged_recording_is_named_with_its_line(recording: Path, workspace: Path) -> None:
    with recording.open("a") as stream:
        stream.write('{"key": "x"}\n')
    with pytest.raises(ConfigError, match=r"calls\.jsonl:3: not a recorded answer"):
        open_model(Settings(model="recorded:calls.jsonl"), workspace)
    with pytest.raises(ConfigError, match="not readable as a recording"):
        open_model(Settings(model="recorded:none.jsonl"), workspace)


class Tuned(ScriptedModel):
    """Can also do what the built-in model with its adapter can."""

    tuned_tools = frozenset({"finetune"})

    def draft(self, question: DraftQuestion) -> Draft:
        return Draft("none")

    def rank(self, lead: str, texts: Sequence[str]) -> Choice:
        return Choice(max(texts), {text: float(len(text)) for text in texts})


def test_what_only_some_models_can_do_is_passed_on_recorded_and_replayed(workspace: Path) -> None:
    gateway = Gateway([Tuned(Script())], Spending(Workspace(workspace), GatewaySettings()))
    recorder = Recorder(gateway, workspace / "calls.jsonl")
    assert isinstance(recorder, Ranks)
    assert recorder.tuned_tools == {"finetune"}
    recorder.draft(TWO_TOOLS)
    recorder.rank("lead", ["a", "b"])
    replayed = RecordedModel.read(workspace / "calls.jsonl")
    assert replayed.tuned_tools == {"finetune"}
    assert replayed.rank("lead", ["a", "b"]).scores == {"a": 1.0, "b": 1.0}


def test_a_recording_of_a_model_that_cannot_rank_does_not_claim_to(recording: Path) -> None:
    replayed = RecordedModel.read(recording)
    assert not isinstance(replayed, Ranks | KnowsTools)
