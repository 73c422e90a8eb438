"""What no tool does is told as such, also against a draft of the nearest tool; and the same words in requests that a tool serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning import candidates, clauses, intents
from modelwright.graphs.planning.cues import ELSEWHERE
from modelwright.tools import load_all

from .conftest import put_files
from .test_arguments import FILES, Drafts, plan_of, used

SURE = -0.02
"""Score of a draft that is believed as it is."""


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return dict(load_all())


@pytest.mark.parametrize(
    ("request_", "taken_for"),
    [
        # the command is nobody's, whatever its object is called
        ("could you book me a train to Milan for friday", "finetune"),
        ("übersetze bitte den Bericht ins Englische", "rag_answer"),
        ("traduis a.jsonl en anglais", "export_model"),
        ("shuffle a.jsonl, then train builtin on it", "finetune"),
        ("install the newest driver on this machine", "choose_engine"),
        ("sposta i vecchi modelli nel NAS", "export_model"),
        ("label the rows of a.jsonl as good or bad", "inspect_dataset"),
        # formats and trainings of elsewhere
        ("convert m.gguf to ONNX", "export_model"),
        ("I need an MLX version of m.gguf", "export_model"),
        ("train a cross-encoder on a.jsonl", "finetune"),
        ("GRPO on builtin with a.jsonl, the reward is whether the answer is right", "finetune"),
        ("distill m.gguf into builtin with the prompts of a.jsonl", "finetune"),
        # files that no tool reads
        ("what is said in calls/first.mp3?", "rag_answer"),
        ("check scans/page1.png", "inspect_dataset"),
    ],
)
def test_a_draft_of_the_nearest_tool_is_not_believed(request_: str, taken_for: str, workspace: Path, installed: dict[str, Tool]) -> None:
    plan = plan_of(request_, workspace, installed, Drafts((taken_for, {}), score=SURE))
    assert plan.kind == "none", plan


@pytest.mark.parametrize(
    ("request_", "drafted"),
    [
        ("we scraped the forum into a.jsonl, check it", "inspect_dataset"),
        ("is m.gguf fast enough before we buy a card? it draws 300 watts", "benchmark"),
        ("are there duplicates in a.jsonl? don't delete them", "inspect_dataset"),
        ("the translated rows are in a.jsonl, train builtin on them", "finetune"),
        ("check the synthetic data in a.jsonl for duplicates", "inspect_dataset"),
        ("order of magnitude: does m.gguf fit into 8 GB?", "memory_fit"),
        ("write builtin as one gguf file to out/x.gguf", "export_model"),
        ("cut rows at 512 tokens and train builtin on a.jsonl", "finetune"),
    ],
)
def test_the_same_words_decline_nothing_that_a_tool_does(request_: str, drafted: str, workspace: Path, installed: dict[str, Tool]) -> None:
    assert drafted in used(plan_of(request_, workspace, installed, Drafts((drafted, {}), score=SURE)))


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        ("book a room", True),
        ("please book a room", True),
        ("peux-tu supprimer a.jsonl ? supprime a.jsonl", True),
        ("the book is in notes", False),
        ("I book rooms", False),
        ("my order: m.gguf", False),
        ("it draws 300 watts", False),
    ],
)
def test_a_word_is_a_command_only_where_one_stands(text: str, is_foreign: bool, workspace: Path, installed: dict[str, Tool]) -> None:
    put_files(workspace, FILES)
    tokens = clauses.read(text, candidates.find(text, workspace))
    found = intents.find(clauses.split(tokens), installed)
    assert any(i.tool.startswith(ELSEWHERE) for i in found) == is_foreign


def test_a_command_that_a_tool_serves_is_no_foreign_one(workspace: Path, installed: dict[str, Tool]) -> None:
    """A tool for it may be installed one day: its own words count then, not these."""
    put_files(workspace, FILES)
    tokens = clauses.read("transcribe a.jsonl", candidates.find("transcribe a.jsonl", workspace))
    speech = {**installed, "speech": installed["evaluate"]}
    assert not any(i.tool.startswith(ELSEWHERE + "speech") for i in intents.find(clauses.split(tokens), speech))


@pytest.mark.parametrize(
    ("request_", "tool"),
    [
        ("Kannst du mal a.jsonl prüfen?", "inspect_dataset"),
        ("does the tokenizer of m.gguf waste more tokens on calib.txt than builtin?", "compare_tokenizers"),
    ],
)
def test_small_words_that_sound_like_commands_are_none(request_: str, tool: str, workspace: Path, installed: dict[str, Tool]) -> None:
    assert used(plan_of(request_, workspace, installed, Drafts((tool, {}), score=-0.02))) == [tool]
