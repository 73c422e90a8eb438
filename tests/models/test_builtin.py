"""The real built-in model in its real child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from modelwright.config import Settings
from modelwright.errors import ConfigError, EngineMissing, ModelRefError
from modelwright.modelrefs import builtin_gguf
from modelwright.models import compact, open_model
from modelwright.models.base import Card, DraftQuestion, FieldCard, Slot
from modelwright.models.builtin import BuiltinModel
from modelwright.models.scripted import ScriptedModel

pytest.importorskip("llama_cpp")
EXAMPLES = {"make a model smaller": ["quantize model.gguf", "compress it"], "do something else": ["tell me a joke", "what time is it?"]}
CHOICES = list(EXAMPLES)


@pytest.fixture(scope="module")
def model() -> Iterator[BuiltinModel]:
    opened = BuiltinModel(str(builtin_gguf()))
    yield opened
    opened.close()


def test_it_chooses_by_what_people_write(model: BuiltinModel) -> None:
    assert model.choose("shrink big.gguf", CHOICES, purpose="intent", examples=EXAMPLES).text == "make a model smaller"
    answer = model.choose("sing me a song", CHOICES, purpose="intent", examples=EXAMPLES)
    assert answer.text == "do something else"
    assert set(answer.scores) == set(CHOICES)
    assert answer.scores[answer.text] == max(answer.scores.values()) < 0


def test_examples_are_read_once(model: BuiltinModel) -> None:
    model.choose("shrink it", CHOICES, purpose="intent", examples=EXAMPLES)
    again = model.choose("shrink it", CHOICES, purpose="intent", examples=EXAMPLES)
    assert 0 < again.prompt_tokens <= 2 * len("shrink it")
    assert again.scores == model.choose("shrink it", CHOICES, purpose="intent", examples=EXAMPLES).scores


def test_a_killed_child_is_started_once_more(model: BuiltinModel) -> None:
    before = model.choose("shrink it", CHOICES, purpose="intent", examples=EXAMPLES)
    assert model.pid
    os.kill(model.pid, signal.SIGKILL)
    assert model.choose("shrink it", CHOICES, purpose="intent", examples=EXAMPLES).scores == pytest.approx(before.scores)


def test_close_ends_the_child(model: BuiltinModel) -> None:
    model.choose("shrink it", CHOICES, purpose="intent", examples=EXAMPLES)
    pid = model.pid
    model.close()
    assert pid
    assert not psutil.pid_exists(pid)
    assert model.pid is None


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import os, signal\nfrom modelwright.models.builtin import BuiltinModel\nfrom modelwright.modelrefs import builtin_gguf\n"
        "m = BuiltinModel(str(builtin_gguf()))\nm.choose('x', ['a', 'b'], purpose='p', examples={})\n"
        "print(m.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError("the child lives on")


def test_a_child_that_cannot_run_is_an_engine_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BuiltinModel(str(builtin_gguf()))
    monkeypatch.setattr(broken._child, "_command", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(EngineMissing, match="cannot be reached"):
        broken.choose("x", CHOICES, purpose="intent", examples=EXAMPLES)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.gguf"
    file.write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(ModelRefError, match=r"bad\.gguf"):
        BuiltinModel(str(file)).choose("x", CHOICES, purpose="intent", examples=EXAMPLES)


def test_the_setting_opens_the_model_that_it_names(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "s.toml").write_text('choices = ["a"]')
    assert isinstance(open_model(Settings(model="scripted:s.toml")), ScriptedModel)
    opened = open_model(Settings())
    assert isinstance(opened, BuiltinModel)
    assert opened.pid is None
    with pytest.raises(ConfigError, match="setting model"):
        open_model(Settings(model="nowhere.gguf"))
    monkeypatch.setattr("modelwright.models.builtin.importlib.util.find_spec", lambda name: None)
    assert open_model(Settings()) is None


QUESTION = DraftQuestion(
    "shrink big.gguf to q4",
    "shrink [M1 big.gguf] to [Q1 q4]",
    (Slot("M1", "model", "big.gguf", "big.gguf"), Slot("Q1", "quant", "q4", "Q4_K_M")),
    (
        Card("quantize", "Make a model smaller.", (FieldCard("model", ("model",)), FieldCard("types", ("quant",), many=True))),
        Card("quantize_all", "Make all models smaller.", (FieldCard("types", ("quant",)),)),
    ),
)


def test_a_draft_is_in_the_language_of_the_question(model: BuiltinModel) -> None:
    draft = model.draft(QUESTION)
    assert compact.parse(compact.written(draft), QUESTION).steps == draft.steps
    assert [name for name, _ in draft.alternatives] == sorted(
        ["none", "ask", "quantize", "quantize_all"], key=lambda name: -dict(draft.alternatives)[name]
    )
    assert draft.score <= 0
    assert 0 < draft.ttft_seconds <= draft.seconds
    assert draft.prompt_tokens > 20


def test_a_child_that_dies_while_it_drafts_is_replaced_and_the_draft_made_again(
    model: BuiltinModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, take, killed = model.draft(QUESTION), compact.Writer.take, []

    def kill_once_then_take(writer: compact.Writer, option: str) -> None:
        if not killed and model.pid:
            killed.append(model.pid)
            os.kill(model.pid, signal.SIGKILL)
        take(writer, option)

    monkeypatch.setattr(compact.Writer, "take", kill_once_then_take)
    again = model.draft(QUESTION)
    assert killed
    assert (again.kind, again.steps) == (whole.kind, whole.steps)
