"""What the key of a call depends on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelwright import tools
from modelwright.errors import BadRequest
from modelwright.graphs import ledger
from modelwright.graphs.gate import estimate_of
from modelwright.workspace import Workspace


@pytest.fixture
def db(workspace: Path) -> Iterator[Any]:
    connection = Workspace(workspace).connect()
    yield connection
    connection.close()


@pytest.fixture
def adapter(workspace: Path) -> Path:
    """An adapter folder whose base lies beside it."""
    base, folder = workspace / "base", workspace / "tuned"
    for made in (base, folder):
        made.mkdir()
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(b"first")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    (workspace / "data.jsonl").write_text("{}\n")
    return folder


CALLS = {
    "evaluate": {"model": "tuned", "dataset": "data.jsonl"},
    "compare": {"models": ["builtin", "tuned"], "dataset": "data.jsonl"},
    "export_model": {"model": "tuned"},
}


@pytest.mark.parametrize("name", CALLS)
def test_the_base_of_an_adapter_counts(name: str, adapter: Path, workspace: Path, db: Any) -> None:
    before = ledger.input_hashes(tools.load(name), CALLS[name], workspace, db)
    (workspace / "base" / "model.safetensors").write_bytes(b"second")
    assert ledger.input_hashes(tools.load(name), CALLS[name], workspace, db) != before


@pytest.mark.parametrize("name", ["evaluate", "compare"])
def test_a_rubric_beside_the_data_counts_where_it_is_used(name: str, adapter: Path, workspace: Path, db: Any) -> None:
    def hashes(**more: Any) -> dict[str, Any]:
        return ledger.input_hashes(tools.load(name), CALLS[name] | more, workspace, db)

    without, unused = hashes(), hashes(metrics=["rouge_l"])
    (workspace / "rubric.toml").write_text("name = 'a'\n")
    first = hashes()
    (workspace / "rubric.toml").write_text("name = 'another'\n")
    assert len({json.dumps(found) for found in (without, first, hashes())}) == 3
    assert hashes(metrics=["rouge_l"]) == unused


@pytest.mark.parametrize("value", ["~nobody-here/x", "d" * 5000, "a\0b"])
def test_what_cannot_be_a_path_is_a_clear_error(value: str, workspace: Path, db: Any) -> None:
    with pytest.raises(BadRequest):
        ledger.input_hashes(tools.load("inspect_dataset"), {"dataset": value}, workspace, db)


def test_a_reference_where_a_number_goes_can_be_estimated(workspace: Path) -> None:
    (workspace / "data.jsonl").write_text('{"text": "a few words to count"}\n' * 20)
    finetune = tools.load("finetune")
    args = {"dataset": "data.jsonl", "max_steps": "$s1.usable_rows", "learning_rate": "$s1.rate"}
    assert estimate_of(finetune, args, workspace).seconds > 0


def test_a_large_file_is_told_before_it_is_read_and_once(workspace: Path, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LARGE", 5)
    (workspace / "small.jsonl").write_text("{}\n")
    (workspace / "large.jsonl").write_text("{} {} {}\n")
    told: list[tuple[str, int]] = []
    for name in ("small.jsonl", "large.jsonl", "large.jsonl"):
        args = {"dataset": name}
        ledger.input_hashes(tools.load("inspect_dataset"), args, workspace, db, lambda path, size: told.append((path.name, size)))
    assert told == [("large.jsonl", 9)]
