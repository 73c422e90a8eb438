"""Quantize says what is really in a file, and refuses what would give a bad one."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import numpy as np
import pytest

from modelwright.engines import gguf_header, imatrix, quantize
from modelwright.errors import BadRequest, DataError, ModelRefError, ToolFailed
from modelwright.files import partial_name
from modelwright.modelrefs import Model
from tests.engines import tiny
from tests.engines.exporting import QuietJob, builtin_f16, export_to, quantize_to

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture(scope="module")
def narrow(shelf: Path) -> Path:
    """Rows of 64: nothing fits the K types."""
    export_to(shelf / "narrow-f16.gguf", tiny.make(shelf / "narrow"))
    return shelf / "narrow-f16.gguf"


@pytest.fixture(scope="module")
def wide(shelf: Path) -> Path:
    """Rows of 256: everything fits."""
    export_to(shelf / "wide-f16.gguf", tiny.make(shelf / "wide", hidden=256))
    return shelf / "wide-f16.gguf"


@pytest.fixture(scope="module")
def rows(shelf: Path) -> Path:
    lines = [{"messages": [{"role": "user", "content": f"Say {i}"}, {"role": "assistant", "content": f"{i}, gladly."}]} for i in range(30)]
    (shelf / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return shelf / "rows.jsonl"


def test_k_types_on_narrow_rows_are_reported_as_fallbacks(narrow: Path, tmp_path: Path) -> None:
    result = quantize_to(tmp_path / "out", narrow, ["q4_k_m"])
    (one,) = result["quantizations"]
    assert one["model"].endswith("out/narrow-Q4_K_M.gguf")
    assert one["fallback_tensors"] == 15 == sum(one["fallbacks"].values())
    assert one["fallbacks"] == {"Q4_K -> Q5_0": 13, "Q6_K -> Q8_0": 2}
    assert one["fallback_reason"] == "rows of 64 weights are not a multiple of 256"
    assert one["nominal_bits"] == 4.5
    assert one["bits_per_weight"] > 6
    assert one["tensor_types"] == {"Q5_0": 13, "F32": 5, "Q8_0": 3}


def test_wide_rows_need_no_fallback(wide: Path, tmp_path: Path) -> None:
    (one,) = quantize_to(tmp_path / "out", wide, ["Q4_K_M"])["quantizations"]
    assert one["fallback_tensors"] == 0
    assert one["fallback_reason"] == ""


def test_bits_are_the_bytes_of_the_tensors(narrow: Path, tmp_path: Path) -> None:
    (one,) = quantize_to(tmp_path / "out", narrow, ["Q8_0"])["quantizations"]
    source = gguf_header.read(narrow)
    bits = sum(t.elements * (32 if len(t.shape) == 1 else 8.5) for t in source.tensors) / source.elements
    assert one["bits_per_weight"] == pytest.approx(bits, abs=1e-3)


def test_several_types_in_one_call_each_once(narrow: Path, tmp_path: Path) -> None:
    job = QuietJob(tmp_path / "job")
    done = quantize_to(tmp_path / "out", narrow, ["Q8_0", "Q4_0", "q8-0"], job=job)["quantizations"]
    assert [one["type"] for one in done] == ["Q8_0", "Q4_0"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["narrow-Q4_0.gguf", "narrow-Q8_0.gguf"]
    assert {"message": "quantize to Q4_0", "step": 21, "steps": 21, "tensor": "blk.1.ffn_up.weight"} in job.said


def test_the_built_in_models_four_bits_are_more_than_six(tmp_path: Path) -> None:
    (one,) = quantize_to(tmp_path / "out", builtin_f16(), ["Q4_K_M"])["quantizations"]
    assert one["fallback_tensors"] == 180
    assert one["bits_per_weight"] == pytest.approx(6.17, abs=0.01)
    assert one["tensor_types"] == {"Q5_0": 166, "F32": 61, "Q4_K": 16, "Q8_0": 15, "Q6_K": 14}


def test_nominal_bits_are_those_of_the_label() -> None:
    known = quantize.types()
    expected = {"Q8_0": 8.5, "Q6_K": 6.5625, "Q4_K_M": 4.5, "Q4_0": 4.5, "IQ4_NL": 4.5, "IQ2_XS": 2.3125, "Q2_K": 2.625, "TQ1_0": 1.69}
    assert {name: known[name].nominal_bits for name in expected} == expected


@pytest.mark.parametrize(("name", "near"), [("Q4_KM", "Q4_K_M"), ("q8", "Q8_0"), ("iq4nl", "IQ4_NL")])
def test_a_typo_gets_the_nearest_name(name: str, near: str) -> None:
    with pytest.raises(BadRequest, match=f"did you mean {near}"):
        quantize.named([name])


@pytest.mark.parametrize("name", ["IQ1_S", "IQ2_XXS", "IQ2_M", "IQ3_XXS", "Q2_K_S"])
def test_the_lowest_types_need_an_importance_matrix(name: str, narrow: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"importance matrix.*imatrix_dataset"):
        quantize_to(tmp_path / "out", narrow, [name])


def test_when_only_llama_cpp_knows_that_one_is_needed_it_is_told_too(wide: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="importance matrix for this model"):
        quantize_to(tmp_path / "out", wide, ["IQ3_XS"])
    assert list((tmp_path / "out").iterdir()) == []


def test_with_data_the_lowest_types_work(wide: Path, rows: Path, tmp_path: Path) -> None:
    result = quantize_to(tmp_path / "out", wide, ["Q2_K_S"], imatrix_dataset=str(rows))
    assert result["imatrix_tokens"] > 500
    assert result["quantizations"][0]["tensor_types"]["Q2_K"] > 10


def test_the_matrix_is_the_mean_square_of_what_flows_in(narrow: Path, rows: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = imatrix.collect(Model(str(narrow), "gguf", str(narrow)), rows, tmp_path, 1, QuietJob(tmp_path / "job"))
    folder = narrow.parent / "narrow"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = [token for text in imatrix.texts(tokenizer, rows) for token in tokenizer(text, add_special_tokens=False).input_ids]
    assert found.tokens == len(ids)
    with torch.inference_mode():
        inputs = model.model.layers[0].input_layernorm(model.model.embed_tokens(torch.tensor(ids)))
    assert found.means["blk.0.attn_q.weight"] == pytest.approx(inputs.square().mean(0).numpy(), rel=1e-2)
    assert found.means["blk.1.ffn_down.weight"].shape == (128,)
    assert all(np.isfinite(values).all() for values in found.means.values())


def test_too_little_text_is_refused(narrow: Path, tmp_path: Path) -> None:
    (tmp_path / "few.jsonl").write_text('{"text": "one line"}\n')
    with pytest.raises(DataError, match="tokens, an importance matrix needs"):
        quantize_to(tmp_path / "out", narrow, ["Q4_0"], imatrix_dataset=str(tmp_path / "few.jsonl"))


def test_a_quantized_source_is_refused_with_the_way_out(narrow: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"210 tensors are Q4_1.*export_model"):
        quantize_to(tmp_path / "out", "builtin", ["Q8_0"])
    small = quantize_to(tmp_path / "out", narrow, ["Q8_0"])["quantizations"][0]["model"]
    with pytest.raises(BadRequest, match="quantized already"):
        quantize_to(tmp_path / "out2", small, ["Q4_0"])


def test_a_folder_is_sent_to_export_first(shelf: Path, narrow: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"not a GGUF file.*export_model"):
        quantize_to(tmp_path / "out", shelf / "narrow", ["Q8_0"])


def test_a_file_cut_in_the_middle_is_refused(narrow: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(narrow.read_bytes()[: narrow.stat().st_size // 2])
    with pytest.raises(ModelRefError, match="damaged"):
        quantize_to(tmp_path / "out", tmp_path / "cut.gguf", ["Q8_0"])


def test_what_stands_there_is_not_replaced_and_half_files_are(narrow: Path, tmp_path: Path) -> None:
    final = tmp_path / "out" / "narrow-Q8_0.gguf"
    final.parent.mkdir()
    partial_name(final, str(tmp_path / "job-out")).write_text("half")
    final.write_text("mine")
    with pytest.raises(BadRequest, match="exists already"):
        quantize_to(tmp_path / "out", narrow, ["Q4_0", "Q8_0"])
    assert not (tmp_path / "out" / "narrow-Q4_0.gguf").exists()  # told before the first type, not after it
    final.unlink()
    quantize_to(tmp_path / "out", narrow, ["Q8_0"])
    assert [p.name for p in final.parent.iterdir()] == [final.name]


def test_a_full_disk_is_told_and_nothing_is_left(narrow: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))  # writing more fails, as on a full disk
    try:
        with pytest.raises(ToolFailed, match="could not be written whole"):
            quantize_to(tmp_path / "out", narrow, ["Q8_0"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_nearly_full_disk_is_told_before_the_work(narrow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelwright.engines import outputs

    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(ToolFailed, match="are needed"):
        quantize_to(tmp_path / "out", narrow, ["Q8_0"])
