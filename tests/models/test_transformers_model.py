"""A tiny model with random weights in a real child: what it says is noise, that it says only what may come is not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from modelwright.config import Settings
from modelwright.models import open_model
from modelwright.models.transformers_model import TransformersModel
from tests.engines import tiny
from tests.models.questions import TWO_TOOLS

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("tiny") / "model", max_position_embeddings=4096)


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[TransformersModel]:
    opened = open_model(Settings(model=str(folder)), folder)
    assert isinstance(opened, TransformersModel)
    assert opened.pid is None
    yield opened
    opened.close()


def test_a_draft_holds_only_what_the_question_holds(model: TransformersModel) -> None:
    draft = model.draft(TWO_TOOLS)
    assert {step.tool for step in draft.steps} <= {"finetune", "quantize"}
    assert {v for step in draft.steps for values in step.fields.values() for v in values} <= {"M1", "D1", "N1", "lora", "full"}
    assert math.isclose(sum(math.exp(score) for _, score in draft.alternatives), 1, abs_tol=1e-3)  # they are rounded
    assert model.draft(TWO_TOOLS).steps == draft.steps


def test_every_choice_has_its_share(model: TransformersModel) -> None:
    choices = ["make it smaller", "make it", "something else"]
    chosen = model.choose("shrink it", choices, purpose="intent", examples={})
    assert math.isclose(sum(math.exp(score) for score in chosen.scores.values()), 1, rel_tol=1e-6)
    assert chosen.scores[chosen.text] == max(chosen.scores.values())


def test_close_ends_the_child_and_it_may_be_asked_again(model: TransformersModel) -> None:
    model.choose("x", ["a", "b"], purpose="p", examples={})
    pid = model.pid
    assert pid
    model.close()
    assert not psutil.pid_exists(pid)
