"""What a given plan reads has to be there: models, data sets and files, each refused with what is near."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright import tools
from modelwright.errors import BadRequest, PlanError
from modelwright.graphs import inputs
from modelwright.graphs.gate import edited
from modelwright.types import Plan

Json = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a model, an adapter, data and a folder of texts."""
    here = tmp_path / "place"
    for path in ("models/tiny-f16.gguf", "adapter/adapter_config.json", "train.jsonl", "docs/a.md"):
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_bytes(b"GGUF\x03\x00\x00\x00" + bytes(16) if path.endswith(".gguf") else b"{}\n")
    return here


def refuse(folder: Path, *steps: tuple[str, Json], only: set[str] | None = None) -> None:
    made = [{"id": f"s{n}", "tool": tool, "args": args} for n, (tool, args) in enumerate(steps, 1)]
    inputs.refuse_missing(Plan.model_validate({"request": "x", "steps": made}), tools.load_all(), folder, only)


def problem(folder: Path, *steps: tuple[str, Json]) -> PlanError:
    with pytest.raises(PlanError) as caught:
        refuse(folder, *steps)
    return caught.value


@pytest.mark.parametrize(
    ("tool", "args", "field", "says"),
    [
        ("quantize", {"model": "tiny-f16.gguf"}, "model", "did you mean models/tiny-f16.gguf?"),
        ("quantize", {"model": "models/tiny-f61.gguf"}, "model", "did you mean models/tiny-f16.gguf?"),
        ("quantize", {"model": "zzz.gguf"}, "model", "there are"),
        ("quantize", {"model": "train.jsonl"}, "model", "not a GGUF file"),
        ("quantize", {"model": "openai:nowhere"}, "model", "no address of a server"),
        ("inspect_dataset", {"dataset": "trian.jsonl"}, "dataset", "no file trian.jsonl. did you mean train.jsonl?"),
        ("inspect_dataset", {"dataset": "zzz.jsonl"}, "dataset", "train.jsonl"),
        ("quantize", {"model": "builtin", "imatrix_dataset": "trains.jsonl"}, "imatrix_dataset", "did you mean train.jsonl?"),
        ("compare", {"models": ["builtin", "adaptor"], "dataset": "train.jsonl"}, "models", "did you mean adapter?"),
        ("choose_engine", {"endpoints": {"vLLM": "openai:nowhere"}}, "endpoints", "no address of a server"),
        ("rag_index", {"path": "dosc"}, "path", "did you mean docs?"),
        ("rag_index", {"path": "nodocs/**/*.md"}, "path", "no file nodocs/**/*.md"),
        ("cost", {"benchmark_result": "gone.json"}, "benchmark_result", "no file gone.json"),
        ("memory_fit", {"model": "lama-3-8b"}, "model", "did you mean Llama-3-8B"),
        ("kv_cache", {"model": "gone.gguf"}, "model", "not in the table"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(folder: Path, tool: str, args: Json, field: str, says: str) -> None:
    found = problem(folder, (tool, args))
    assert (found.step, found.field) == ("s1", field)
    assert says in str(found)
    assert found.exit_code == 2


@pytest.mark.parametrize(
    ("tool", "args"),
    [
        ("quantize", {"model": "builtin", "output": "not/there/yet"}),
        ("quantize", {"model": "models/tiny-f16.gguf"}),
        ("evaluate", {"model": "adapter", "dataset": "train.jsonl"}),
        ("benchmark", {"model": "openai:http://127.0.0.1:9/v1#name"}),
        ("memory_fit", {"model": "llama-3-8b"}),
        ("kv_cache", {"model": "meta-llama/Llama-3.1-8B"}),
        ("cost", {"model": "our large one", "price": 1}),
        ("rag_index", {"path": "docs/**/*.md"}),
        ("rag_index", {"path": "docs"}),
    ],
)
def test_what_is_there_or_needs_no_file_is_taken(folder: Path, tool: str, args: Json) -> None:
    refuse(folder, (tool, args))


def test_what_an_earlier_step_gives_or_writes_need_not_be_there(folder: Path) -> None:
    export = ("export_model", {"model": "builtin", "output": "out/whole.gguf"})
    made = ("quantize", {"model": "builtin", "output": "small"})
    refuse(folder, export, ("quantize", {"model": "$s1.model"}), ("quantize", {"model": "out/whole.gguf"}))
    refuse(folder, made, ("evaluate", {"model": "small/whole-Q8_0.gguf", "dataset": "train.jsonl"}))
    assert problem(folder, ("quantize", {"model": "out/whole.gguf"}), export).step == "s1", "it is written after it is read"
    assert problem(folder, export, ("quantize", {"model": "out/other.gguf"})).step == "s2"


def test_a_file_outside_is_looked_for_beside_its_own_path(folder: Path) -> None:
    beside = folder.parent / "elsewhere"
    beside.mkdir()
    (beside / "rows.csv").write_text("a\n")
    (beside / ".hidden").touch()
    assert f"there is {beside / 'rows.csv'}" in str(problem(folder, ("inspect_dataset", {"dataset": str(beside / "zzz.jsonl")})))
    assert f"did you mean {beside / 'rows.csv'}?" in str(problem(folder, ("inspect_dataset", {"dataset": str(beside / "rwos.csv")})))


def test_one_call_is_refused_by_the_name_of_its_tool(folder: Path) -> None:
    with pytest.raises(BadRequest, match=r"^inspect_dataset\.dataset: no file trian\.jsonl"):
        inputs.refuse_missing_of(tools.load("inspect_dataset"), {"dataset": "trian.jsonl"}, folder)


def test_an_edit_has_to_name_what_is_there_and_is_not_held_up_by_another_step(folder: Path) -> None:
    steps = [
        {"id": "s1", "tool": "inspect_dataset", "args": {"dataset": "train.jsonl"}},
        {"id": "s2", "tool": "inspect_dataset", "args": {"dataset": "gone.jsonl"}},
    ]
    plan = Plan.model_validate({"request": "x", "steps": steps})
    assert edited(plan, {"s1": {"max_problems": 3}}, tools.load_all(), folder).steps[0].args["max_problems"] == 3
    with pytest.raises(PlanError, match=r"s1\.dataset: no file trian\.jsonl"):
        edited(plan, {"s1": {"dataset": "trian.jsonl"}}, tools.load_all(), folder)
