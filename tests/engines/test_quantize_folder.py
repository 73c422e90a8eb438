"""Folders in int8 and nf4: smaller, read back, refused where they would mislead. gptq and awq run where GPTQModel is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import hf, quantize_folder
from modelwright.errors import BadRequest, DataError, EngineMissing
from modelwright.modelrefs import Model
from tests.engines import tiny
from tests.engines.exporting import QuietJob, specification

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("tiny") / "model", hidden=128)


def run(tmp_path: Path, model: Path | str, types: list[str], texts: list[Path] | None = None) -> dict[str, Any]:
    changes = {"types": types, "texts": [str(path) for path in texts or []]}
    return quantize_folder.run(specification(tmp_path / "out", model, changes), QuietJob(tmp_path / "job"))


def test_a_folder_in_8_and_4_bits_is_smaller_says_so_and_gives_nearly_the_same_logits(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    import torch

    made = run(tmp_path, source, ["INT8", "nf4"])["quantizations"]
    assert [one["type"] for one in made] == ["int8", "nf4"]
    whole = (source / "model.safetensors").stat().st_size
    assert whole > made[0]["bytes"] > made[1]["bytes"]
    assert 32 > made[0]["bits_per_weight"] > made[1]["bits_per_weight"] > 4.127
    assert made[0]["tensor_types"]["I8"] == 14
    ids = torch.tensor([[3, 4, 5, 6]])
    with torch.inference_mode():
        expected, got = (hf.load(Model(str(path), "hf", str(path)), tmp_path)[0](ids).logits for path in (source, made[0]["model"]))
    assert 0 < float((expected - got).abs().mean()) < 0.2 * float(expected.abs().mean())


def test_what_is_quantized_or_no_model_of_its_own_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    for kind in ("adapter", "endpoint"):
        with pytest.raises(BadRequest, match=f"is an {kind}"):
            quantize_folder._refuse_source(Model("x", kind, "x"))  # type: ignore[arg-type]
    (tmp_path / "out" / "model-nf4").mkdir(parents=True)
    folder = tiny.make(tmp_path / "model")
    with pytest.raises(BadRequest, match="exists already"):
        run(tmp_path, folder, ["nf4"])
    (tmp_path / "short.txt").write_text("too short", encoding="utf-8")
    with pytest.raises(DataError, match="too little text to calibrate on"):
        quantize_folder._texts(Model("m", "hf", str(folder)), [tmp_path / "short.txt"], tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("gptqmodel") is not None, reason="GPTQModel is installed")
def test_without_gptqmodel_gptq_and_awq_name_the_extra(source: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="gptq needs the package GPTQModel") as error:
        run(tmp_path, source, ["gptq"])
    assert "modelwright[gptq]" in error.value.fix
    assert not (tmp_path / "out").exists()


@pytest.mark.slow_engine
@pytest.mark.skipif(importlib.util.find_spec("gptqmodel") is None, reason="GPTQModel is not installed: pip install 'modelwright[gptq]'")
@pytest.mark.parametrize("kind", ["gptq", "awq"])
def test_a_calibrated_folder_gives_nearly_the_same_logits(source: Path, tmp_path: Path, kind: str) -> None:
    text = tmp_path / "text.txt"
    text.write_text("Say the number and then more words about the time and the people. " * 300, encoding="utf-8")
    (one,) = run(tmp_path, source, [kind], [text])["quantizations"]
    assert one["bytes"] < (source / "model.safetensors").stat().st_size / 2
