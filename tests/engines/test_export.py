"""Exports of tiny models are proved, wrong ones are caught, and nothing is left under the final name when they are."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from modelwright import files
from modelwright.canonical import sha256_of_path
from modelwright.engines import export, gguf_header, gguf_lora, gguf_rope, gguf_tokenizer, gguf_write, llama, proof
from modelwright.errors import BadRequest, ModelRefError, ProofFailed, ToolFailed
from tests.engines import tiny
from tests.engines.exporting import QuietJob, export_to

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 1000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture(scope="module")
def base(shelf: Path) -> Path:
    return tiny.make(shelf / "base")


@pytest.fixture(scope="module")
def lora(shelf: Path, base: Path) -> Path:
    return tiny.adapter(shelf / "lora", base)


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if "out" in p.name and not p.name.startswith("job-"))


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {}),
        ("llama", {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True}),
        ("llama", {"head_dim": 32}),
        ("qwen2", {}),
        ("qwen3", {"head_dim": 32}),
        ("llama", {"rope_parameters": LLAMA3_ROPE}),
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1000.0}}),
    ],
)
def test_a_model_of_each_family_is_proved(family: str, changes: dict[str, Any], tmp_path: Path) -> None:
    model = tiny.make(tmp_path / "model", family, **changes)
    result = export_to(tmp_path / "out.gguf", model)
    proof = result["proof"]
    assert result["family"] == family
    assert proof["logits"]["kl_mean"] < 5e-5
    assert proof["logits"]["prompts"] >= 3
    assert proof["tokenizer"]["strings"] > 40
    assert proof["template"] == {"present": True, "conversations": 8, "differing": 0}
    assert proof["stops"] == {"eos": 2, "stops": [2]}
    assert result["artifact"]["sha256"] == sha256_of_path(tmp_path / "out.gguf")


@pytest.mark.parametrize(("dtype", "name"), [("f32", "F32"), ("f16", "F16"), ("bf16", "BF16"), ("q8_0", "Q8_0")])
def test_each_type_is_what_the_file_holds(dtype: str, name: str, base: Path, tmp_path: Path) -> None:
    result = export_to(tmp_path / "out.gguf", base, dtype=dtype)
    assert next(iter(gguf_header.read(tmp_path / "out.gguf").types)) == name
    assert 0 <= result["proof"]["logits"]["kl_mean"] <= result["proof"]["logits"]["bound"]


def test_without_reordered_rows_the_proof_fails(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_write, "reordered_heads", lambda config, source: 0)
    with pytest.raises(ProofFailed, match="other logits"):
        export_to(tmp_path / "out.gguf", base)
    assert left_in(tmp_path) == []


def test_a_wrong_pre_tokenizer_fails_the_proof(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_tokenizer, "pre_name", lambda described: "gpt-2")
    with pytest.raises(ProofFailed, match="strings tokenize differently"):
        export_to(tmp_path / "out.gguf", base)
    assert left_in(tmp_path) == []


def test_a_changed_template_fails_the_proof(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_tokenizer, "plain_template", lambda template: "{{ messages[0]['content'] }}")
    with pytest.raises(ProofFailed, match="chat template"):
        export_to(tmp_path / "out.gguf", base)


def test_forgotten_rope_factors_fail_the_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.make(tmp_path / "model", rope_parameters=LLAMA3_ROPE)
    monkeypatch.setattr(gguf_rope, "frequency_factors", lambda config, head_dim: None)
    with pytest.raises(ProofFailed, match="other logits"):
        export_to(tmp_path / "out.gguf", model)


def test_a_second_stop_token_becomes_the_end_of_turn(tmp_path: Path) -> None:
    model = tiny.make(tmp_path / "model")
    settings = json.loads((model / "generation_config.json").read_text())
    (model / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [2, 0]}))
    assert export_to(tmp_path / "out.gguf", model)["proof"]["stops"]["stops"] == [0, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use_rslora": True, "r": 16},
        {"alpha_pattern": {"q_proj": 32}, "rank_pattern": {"v_proj": 8}},
    ],
    ids=["lora", "rslora", "patterns"],
)
@pytest.mark.parametrize("format", ["gguf", "gguf_adapter"])
def test_an_adapter_is_proved_against_peft(format: str, changes: dict[str, Any], base: Path, tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", base, **changes)
    logits = export_to(tmp_path / "out.gguf", adapter, format=format)["proof"]["logits"]
    assert logits["kl_mean"] < 5e-5
    assert logits["adapter_effect"] > 0.05


def test_a_dropped_rslora_scale_fails_the_proof(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", base, use_rslora=True, r=16)
    right = gguf_lora.matrices
    monkeypatch.setattr(
        gguf_lora,
        "matrices",
        lambda module, name, alpha, heads: (
            right(module, name, alpha, heads)[0],
            right(module, name, alpha, heads)[1] / 4,
        ),
    )
    with pytest.raises(ProofFailed, match="other logits"):
        export_to(tmp_path / "out.gguf", adapter, format="gguf_adapter")
    assert left_in(tmp_path) == []


def test_even_a_weak_adapter_with_half_its_scale_fails(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", base)
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file({k: v * 0.035 if "lora_B" in k else v for k, v in weights.items()}, adapter / "adapter_model.safetensors")
    right = gguf_lora.matrices
    effect = export_to(tmp_path / "out.gguf", adapter, format="gguf_adapter", dtype="f32")["proof"]["logits"]["adapter_effect"]
    assert 1e-4 < effect < 4e-4, "weak enough that the plain bound of 1e-4 alone would let half of it pass"
    monkeypatch.setattr(gguf_lora, "matrices", lambda *args: (right(*args)[0], right(*args)[1] / 2))
    with pytest.raises(ProofFailed):
        export_to(tmp_path / "out2.gguf", adapter, format="gguf_adapter", dtype="f32")


@pytest.mark.parametrize(("dtype", "largest"), [("f32", 1e-8), ("bf16", 1e-2)])
def test_a_merged_folder_answers_like_the_adapter(dtype: str, largest: float, lora: Path, tmp_path: Path) -> None:
    result = export_to(tmp_path / "out", lora, format="hf", dtype=dtype)
    assert 0 <= result["proof"]["logits"]["kl_mean"] < largest
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    again = export_to(tmp_path / "out.gguf", tmp_path / "out")
    assert again["family"] == "llama"


def test_a_folder_that_forgot_a_stop_token_fails_and_leaves_no_scratch(lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = gguf_write.stop_ids
    monkeypatch.setattr(gguf_write, "stop_ids", lambda folder: [2] if folder.name.startswith(".") else [*real(folder), 7])
    with pytest.raises(ProofFailed, match="stops at token 7"):
        export_to(tmp_path / "out", lora, format="hf")
    monkeypatch.undo()
    monkeypatch.setattr(proof, "check_logits", lambda *args: (_ for _ in ()).throw(ProofFailed("no")))
    for format, name in (("gguf", "out.gguf"), ("gguf_adapter", "out2.gguf")):
        job = QuietJob(tmp_path / f"job-{format}")
        with pytest.raises(ProofFailed):
            export_to(tmp_path / name, lora, job=job, format=format)
        assert list(job.folder.iterdir()) == []


def test_a_merged_gguf_and_the_adapter_on_its_base_say_the_same(base: Path, lora: Path, tmp_path: Path) -> None:
    export_to(tmp_path / "base.gguf", base, dtype="f32")
    export_to(tmp_path / "merged.gguf", lora, dtype="f32")
    export_to(tmp_path / "adapter.gguf", lora, format="gguf_adapter", dtype="f32")
    ids = [5, 300, 17, 42]
    with contextlib.closing(llama.load(str(tmp_path / "merged.gguf"), n_ctx=64, threads=1)) as merged:
        expected = llama.all_logits(merged, ids)
    with contextlib.closing(llama.load(str(tmp_path / "base.gguf"), n_ctx=64, threads=1, lora=str(tmp_path / "adapter.gguf"))) as llm:
        assert llama.all_logits(llm, ids) == pytest.approx(expected, abs=0.05)


def test_what_stands_there_is_not_replaced(base: Path, tmp_path: Path) -> None:
    (tmp_path / "out.gguf").write_text("mine")
    with pytest.raises(BadRequest, match="exists already"):
        export_to(tmp_path / "out.gguf", base)
    assert (tmp_path / "out.gguf").read_text() == "mine"


def test_what_a_killed_try_left_is_replaced(base: Path, tmp_path: Path) -> None:
    job = QuietJob(tmp_path / "job")
    files.partial_name(tmp_path / "out.gguf", str(job.folder)).write_text("half a file")
    export_to(tmp_path / "out.gguf", base, job=job)
    first = sha256_of_path(tmp_path / "out.gguf")
    (tmp_path / "out.gguf").write_text("published by the same job, then killed")
    export_to(tmp_path / "out.gguf", base, job=job)
    assert sha256_of_path(tmp_path / "out.gguf") == first
    assert left_in(tmp_path) == ["out.gguf"]


def test_other_families_get_one_clear_line(base: Path, tmp_path: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    with pytest.raises(BadRequest, match=r"cannot write 'gpt2' models as GGUF.*llama, qwen2, qwen3"):
        export_to(tmp_path / "out.gguf", tmp_path / "model")


def test_quantized_weights_are_not_merged_into(base: Path, tmp_path: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({**config, "quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(BadRequest, match="quantized already"):
        export_to(tmp_path / "out.gguf", tmp_path / "model")


def changed_weights(model: Path, change: Any) -> Path:
    weights = load_file(model / "model.safetensors")
    save_file(change(weights), model / "model.safetensors", metadata={"format": "pt"})
    return model


def test_nan_in_the_weights_is_told_with_the_tensor(tmp_path: Path) -> None:
    name = "model.layers.1.mlp.up_proj.weight"
    model = changed_weights(tiny.make(tmp_path / "model"), lambda w: {**w, name: torch.full_like(w[name], torch.nan)})
    with pytest.raises(ToolFailed, match=name):
        export_to(tmp_path / "out.gguf", model)


def test_a_value_too_large_for_f16_asks_for_bf16(tmp_path: Path) -> None:
    name = "model.embed_tokens.weight"
    model = changed_weights(tiny.make(tmp_path / "model"), lambda w: {**w, name: w[name].index_fill(0, torch.tensor([400]), 70000.0)})
    with pytest.raises(ToolFailed, match=r"70000, too large for f16.*dtype=bf16"):
        export_to(tmp_path / "out.gguf", model)


def test_a_tensor_without_a_place_is_named(tmp_path: Path) -> None:
    model = changed_weights(tiny.make(tmp_path / "model"), lambda w: {**w, "model.layers.0.surprise.weight": torch.ones(2)})
    with pytest.raises(ModelRefError, match="surprise"):
        export_to(tmp_path / "out.gguf", model)


def test_a_cut_safetensors_file_is_one_line(tmp_path: Path) -> None:
    model = tiny.make(tmp_path / "model")
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ModelRefError) as caught:
        export_to(tmp_path / "out.gguf", model)
    assert "\n" not in str(caught.value)


def test_sharded_bfloat16_weights_are_read(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny.make(tmp_path / "one"), dtype=torch.bfloat16)
    tiny.make(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    model.save_pretrained(tmp_path / "model", max_shard_size="200KB")
    assert len(list((tmp_path / "model").glob("*.safetensors"))) > 1
    assert export_to(tmp_path / "out.gguf", tmp_path / "model")["proof"]["logits"]["kl_mean"] < 5e-5


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "bias"),
        ({"target_modules": ["embed_tokens"]}, "embed_tokens"),
    ],
)
def test_what_a_gguf_adapter_cannot_hold_is_refused(changes: dict[str, Any], named: str, base: Path, tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", base, **changes)
    with pytest.raises(BadRequest, match=f"cannot hold.*{named}.*merge instead"):
        export_to(tmp_path / "out.gguf", adapter, format="gguf_adapter")


def test_what_a_gguf_adapter_cannot_hold_can_be_merged(base: Path, tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", base, use_dora=True)
    assert export_to(tmp_path / "out.gguf", adapter)["proof"]["logits"]["adapter_effect"] > 0.01


def test_an_untrained_adapter_is_said_to_change_nothing(base: Path, tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", base)
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file({k: v * 0 if "lora_B" in k else v for k, v in weights.items()}, adapter / "adapter_model.safetensors")
    assert "changes almost nothing" in export_to(tmp_path / "out.gguf", adapter, format="gguf_adapter")["notes"][0]


def test_a_whole_model_is_not_an_adapter(base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is not an adapter"):
        export_to(tmp_path / "out.gguf", base, format="gguf_adapter")


def test_an_endpoint_has_no_weights_here(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="endpoint"):
        export_to(tmp_path / "out.gguf", "openai:http://127.0.0.1:1/v1#x")


def test_a_gguf_file_is_exported_again_with_a_warning(base: Path, tmp_path: Path) -> None:
    export_to(tmp_path / "first.gguf", base, dtype="q8_0")
    result = export_to(tmp_path / "out.gguf", tmp_path / "first.gguf")
    assert "does not bring back" in result["notes"][-1]
    assert result["proof"]["logits"]["kl_mean"] < 1e-4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(base: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(BadRequest, match="may not write"):
        export_to(tmp_path / "locked" / "out.gguf", base, job=QuietJob(tmp_path / "job"))


@pytest.mark.parametrize("format", ["gguf", "hf", "gguf_adapter"])
def test_a_disk_that_fills_up_is_told_and_nothing_is_left(format: str, lora: Path, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limits[1]))  # writing more fails, as on a full disk
    try:
        with pytest.raises(ToolFailed) as caught:
            export_to(tmp_path / "out.gguf", lora, format=format, dtype="f32")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert left_in(tmp_path) == []


def test_a_tokenizer_that_starts_with_bos_does_so_in_the_file(tmp_path: Path) -> None:
    model = tiny.make(tmp_path / "model")
    described = json.loads((model / "tokenizer.json").read_text())
    first = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    described["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}},
    }
    (model / "tokenizer.json").write_text(json.dumps(described))
    assert export_to(tmp_path / "out.gguf", model)["proof"]["tokenizer"]["differing"] == 0
    assert gguf_header.read(tmp_path / "out.gguf").keys["tokenizer.ggml.add_bos_token"] is True


def test_too_little_space_is_told_before_the_work(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(export.weights.BYTES, "f16", 1e15)
    with pytest.raises(ToolFailed, match="are needed"):
        export_to(tmp_path / "out.gguf", base)
