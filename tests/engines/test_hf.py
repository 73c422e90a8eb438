"""Models as transformers sees them: converted once, whole or not at all, and errors that name the folder."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import hf
from modelwright.errors import ModelRefError
from modelwright.modelrefs import Model, resolve
from tests.conftest import SHARED_CACHE
from tests.engines import tiny

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("base") / "model")


def test_the_built_in_model_becomes_a_float32_folder_that_is_kept() -> None:
    folder = hf.builtin_folder(SHARED_CACHE)
    assert folder.name.startswith("builtin-f32-")
    assert hf.is_whole(folder)
    again: list[str] = []
    assert hf.builtin_folder(SHARED_CACHE, again.append) == folder
    assert again == []
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["dtype"] == "float32"
    assert "quantization_config" not in config


def test_the_built_in_model_knows_that_paris_follows_france(tmp_path: Path) -> None:
    import torch

    model, tokenizer = hf.load(resolve("builtin", tmp_path), SHARED_CACHE)
    assert model.dtype == torch.float32
    ids = tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.no_grad():
        best = model(ids).logits[0, -1].argmax()
    assert tokenizer.decode(best).strip() == "Paris"


def test_a_folder_whose_weights_were_cut_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"12345678")
    (tmp_path / hf.RECORD).write_text(json.dumps({"bytes": {"config.json": 2, "model.safetensors": 8}}), encoding="utf-8")
    assert hf.is_whole(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"1234")
    assert not hf.is_whole(tmp_path)


def test_two_that_convert_at_once_convert_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf = tmp_path / "small.gguf"
    gguf.write_bytes(b"GGUF anything")
    made: list[Path] = []

    def write(source: Path, folder: Path) -> None:
        made.append(folder)
        folder.mkdir()
        for name in ("config.json", "model.safetensors"):
            (folder / name).write_text(name, encoding="utf-8")

    monkeypatch.setattr(hf, "_save_as_float32", write)
    ask = {"target": hf.converted, "args": (gguf, tmp_path / "cache", hf.quiet), "kwargs": {"name": "gguf"}}
    threads = [threading.Thread(**ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    kept = [p.name for p in (tmp_path / "cache").iterdir() if not p.name.startswith(".")]
    assert kept == [made[0].name.strip(".").removesuffix(".partial")]


def test_what_a_cut_off_conversion_left_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf = tmp_path / "small.gguf"
    gguf.write_bytes(b"GGUF anything")

    def fail(source: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "config.json").write_text("{", encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr(hf, "_save_as_float32", fail)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            hf.converted(gguf, tmp_path / "cache", hf.quiet, name="gguf")
    assert not [p for p in (tmp_path / "cache").iterdir() if not p.name.startswith(".")]


def test_an_adapter_comes_on_its_base_and_differs_from_it(base: Path, tmp_path: Path) -> None:
    import torch

    adapter = tiny.adapter(tmp_path / "adapter", base)
    tuned, tokenizer = hf.load(resolve(str(adapter), tmp_path), tmp_path)
    plain, _ = hf.load(resolve(str(base), tmp_path), tmp_path)
    ids = tokenizer("hello there", return_tensors="pt").input_ids
    with torch.no_grad():
        assert not torch.allclose(tuned(ids).logits, plain(ids).logits)
    assert not tuned.training


def test_an_adapter_without_a_base_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelRefError, match="names no base model"):
        hf.folder_of(Model("a", "adapter", str(tmp_path)), tmp_path)


@pytest.mark.parametrize("damage", ["weights", "config", "tokenizer"])
def test_a_damaged_folder_is_named_in_one_line(damage: str, base: Path, tmp_path: Path) -> None:
    broken: Any = tiny.make(tmp_path / "broken")
    name = {"weights": "model.safetensors", "config": "config.json", "tokenizer": "tokenizer.json"}[damage]
    (broken / name).write_bytes(b"\0 not this \xff")
    with pytest.raises(ModelRefError) as caught:
        hf.load(Model("broken", "hf", str(broken)), tmp_path)
    assert str(broken) in caught.value.message
    assert "\n" not in caught.value.message


def test_an_endpoint_has_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelRefError, match="is an endpoint"):
        hf.folder_of(Model("openai:http://x/v1#m", "endpoint", "http://x/v1#m"), tmp_path)
