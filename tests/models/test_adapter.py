"""The adapter that is shipped, and when one is not used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.canonical import sha256_of_path
from modelwright.config import Settings
from modelwright.engines import gguf_header
from modelwright.models import compact, open_model
from modelwright.models.adapter import FOLDER, builtin_adapter
from modelwright.models.builtin import BuiltinModel


def written(folder: Path, **changes: object) -> Path:
    (folder / "adapter.gguf").write_bytes(b"weights")
    known = {
        "sha256": sha256_of_path(folder / "adapter.gguf"),
        "bytes": 7,
        "language": compact.VERSION,
        "tools": ["finetune"],
        **changes,
    }
    (folder / "scores.json").write_text(json.dumps({"adapter": known}))
    return folder


def test_an_adapter_that_was_measured_is_used(tmp_path: Path) -> None:
    adapter = builtin_adapter(written(tmp_path))
    assert adapter
    assert adapter.tools == {"finetune"}


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"bytes": 8}, {"language": compact.VERSION + 1}])
def test_one_that_was_not_measured_is_not_used(tmp_path: Path, changes: dict[str, object]) -> None:
    assert builtin_adapter(written(tmp_path, **changes)) is None


def test_without_a_file_or_scores_there_is_none(tmp_path: Path) -> None:
    assert builtin_adapter(tmp_path) is None
    (tmp_path / "adapter.gguf").write_bytes(b"weights")
    assert builtin_adapter(tmp_path) is None


def test_the_shipped_adapter_is_the_measured_one_and_small() -> None:
    adapter = builtin_adapter()
    assert adapter
    assert adapter.file.stat().st_size <= 12_000_000
    assert gguf_header.read(adapter.file).architecture == "llama"
    scores = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))
    assert scores["paired"]["interval"][0] > 0
    assert scores["adapter"]["sha256"] in (FOLDER / "CARD.md").read_text(encoding="utf-8")


def test_a_setting_turns_it_off() -> None:
    pytest.importorskip("llama_cpp")
    with_it, without = open_model(Settings()), open_model(Settings(planner_adapter=False))
    assert isinstance(with_it, BuiltinModel)
    assert isinstance(without, BuiltinModel)
    assert with_it.tuned_tools
    assert not without.tuned_tools
