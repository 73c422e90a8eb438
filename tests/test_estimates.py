"""An estimate follows every argument that changes what a call takes, so that a person who edits a plan sees what the edit costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright import tools
from modelwright.graphs.gate import estimate_of
from modelwright.types import Estimate

TRAIN = {"model": "builtin", "dataset": "rows.jsonl", "epochs": 1}
SPEED = {"model": "builtin", "requests": 4}
ANSWERS = {"model": "builtin", "dataset": "rows.jsonl"}
QUALITY = {"model": "builtin", "types": ["Q8_0"], "eval_dataset": "rows.jsonl"}
BUILTIN = {"model": "builtin"}


@pytest.fixture
def files(workspace: Path) -> Path:
    turns = [{"role": "user", "content": "How long does it take? " * 20}, {"role": "assistant", "content": "Two weeks. " * 40}]
    (workspace / "rows.jsonl").write_text((json.dumps({"messages": turns}) + "\n") * 40, encoding="utf-8")
    (workspace / "docs").mkdir()
    (workspace / "docs" / "a.md").write_text("The pump is oiled once a week. " * 4000, encoding="utf-8")
    return workspace


def estimated(workspace: Path, name: str, **args: Any) -> Estimate:
    found = estimate_of(tools.load(name), args, workspace)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "args", "change", "figure"),
    [
        ("quantize", BUILTIN, {"types": ["Q6_K"]}, "disk_bytes"),
        ("quantize", BUILTIN, {"types": ["Q8_0", "Q6_K"]}, "disk_bytes"),
        ("quantize", {"model": "builtin", "types": ["Q6_K"]}, {"types": ["Q4_K_M"]}, "disk_bytes"),
        ("quantize", {"model": "builtin", "types": ["Q6_K"]}, {"types": ["Q4_K_M"]}, "seconds"),
        ("quantize", BUILTIN, {"types": ["Q6_K"]}, "seconds"),
        ("quantize", BUILTIN, {"types": ["IQ4_NL"]}, "seconds"),
        ("quantize", BUILTIN, {"types": ["nf4"]}, "memory_bytes"),
        ("finetune", TRAIN, {"epochs": 2}, "seconds"),
        ("finetune", TRAIN, {"max_steps": 100}, "seconds"),
        ("finetune", TRAIN, {"method": "full"}, "disk_bytes"),
        ("finetune", TRAIN, {"lora_rank": 64}, "disk_bytes"),
        ("finetune", TRAIN, {"lora_rank": 64}, "memory_bytes"),
        ("finetune", TRAIN, {"batch_size": 8}, "memory_bytes"),
        ("finetune", TRAIN, {"max_length": 64}, "memory_bytes"),
        ("finetune", TRAIN, {"max_length": 64}, "seconds"),
        ("finetune", TRAIN, {"eval_dataset": "rows.jsonl"}, "seconds"),
        ("export_model", BUILTIN, {"dtype": "f32"}, "disk_bytes"),
        ("export_model", BUILTIN, {"format": "hf"}, "disk_bytes"),
        ("benchmark", SPEED, {"requests": 8}, "seconds"),
        ("benchmark", SPEED, {"prompt_tokens": 1024}, "seconds"),
        ("benchmark", SPEED, {"prompt_tokens": 1024}, "memory_bytes"),
        ("benchmark", SPEED, {"output_tokens": 256}, "seconds"),
        ("benchmark", SPEED, {"concurrency": [8]}, "memory_bytes"),
        ("benchmark", SPEED, {"concurrency": [1, 2]}, "seconds"),
        ("benchmark", SPEED, {"repeats": 3}, "seconds"),
        ("benchmark", SPEED, {"sweep": True}, "seconds"),
        ("benchmark", SPEED, {"baseline": "builtin"}, "seconds"),
        ("evaluate", ANSWERS, {"limit": 5}, "seconds"),
        ("evaluate", ANSWERS, {"max_new_tokens": 16}, "seconds"),
        ("evaluate", ANSWERS, {"metrics": ["perplexity"]}, "seconds"),
        ("quantization_quality", QUALITY, {"types": ["IQ4_NL"]}, "seconds"),
        ("quantization_quality", QUALITY, {"windows": 4}, "seconds"),
        ("quantization_quality", QUALITY, {"limit": 5}, "seconds"),
        ("quantization_quality", QUALITY, {"max_new_tokens": 16}, "seconds"),
        ("speculate", BUILTIN, {"limit": 4}, "seconds"),
        ("speculate", BUILTIN, {"max_new_tokens": 8}, "seconds"),
        ("choose_engine", BUILTIN, {"users": 8}, "seconds"),
        ("choose_engine", BUILTIN, {"measure": False}, "seconds"),
        ("rag_index", {"path": "docs"}, {"chunk_tokens": 50}, "seconds"),
        ("rag_index", {"path": "docs"}, {"overlap": 100}, "seconds"),
        ("rag_answer", {"question": "how often?"}, {"max_rewrites": 0}, "seconds"),
    ],
)
def test_an_edit_that_changes_what_a_call_takes_changes_its_estimate(
    files: Path, name: str, args: dict[str, Any], change: dict[str, Any], figure: str
) -> None:
    before, after = estimated(files, name, **args), estimated(files, name, **{**args, **change})
    assert getattr(before, figure) != getattr(after, figure)


def test_smaller_types_take_less_disk(files: Path) -> None:
    sizes = [estimated(files, "quantize", model="builtin", types=[kind]).disk_bytes for kind in ("Q8_0", "Q6_K", "Q4_K_M", "Q2_K")]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4


def test_more_of_everything_never_takes_less_training(files: Path) -> None:
    for change in ({"epochs": 3}, {"batch_size": 16}, {"lora_rank": 128}, {"max_length": 1024}):
        less, more = estimated(files, "finetune", **TRAIN), estimated(files, "finetune", **{**TRAIN, **change})
        assert more.seconds >= less.seconds
        assert more.memory_bytes >= less.memory_bytes
