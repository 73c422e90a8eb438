"""A PEFT LoRA adapter as a GGUF adapter, which llama.cpp puts on a base GGUF at load time.

Two facts to know. llama.cpp scales by alpha / rank and knows nothing else, so each module's scale is read from the loaded
PEFT model (that settles rsLoRA, alpha_pattern and rank_pattern) and what alpha / rank misses goes into B. And B's rows are
reordered like the weight's they belong to (q and k of arch llama), A's are not.

What a GGUF adapter cannot say is refused with "merge instead": DoRA, saved modules, biases, changed embeddings.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.engines.gguf_write import F16_MAX, Array, reorder_rows, reordered_heads, tensor_names, writer_to
from modelwright.errors import BadRequest, ModelRefError, ToolFailed

_MERGE = "merge instead: export_model format=gguf"
_REFUSED = (
    "use_dora",
    "modules_to_save",
    "trainable_token_indices",
    "lora_bias",
    "fan_in_fan_out",
    "layer_replication",
    "alora_invocation_tokens",
    "target_parameters",
    "use_qalora",
    "use_bdlora",
    "kasa_config",
    "arrow_config",
)
_CHANGE_THE_BASE = ("pissa", "olora", "corda", "loftq")


def check(folder: Path) -> None:
    """Raise BadRequest when the adapter in `folder` has something that a GGUF adapter cannot hold."""
    from safetensors import SafetensorError, safe_open

    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        with safe_open(folder / "adapter_model.safetensors", framework="np") as stream:
            names = list(stream.keys())
    except (OSError, ValueError, SafetensorError) as error:
        fix = "it needs adapter_config.json and adapter_model.safetensors"
        raise ModelRefError(f"{folder} cannot be read as an adapter: {error}", fix=fix) from None
    if config.get("peft_type") != "LORA":
        raise BadRequest(f"a {config.get('peft_type')} adapter has no GGUF form", fix=_MERGE)
    found = [key for key in _REFUSED if config.get(key)]
    found += ["bias"] if config.get("bias", "none") != "none" else []
    found += [name for name in names if ".lora_A." not in name and ".lora_B." not in name]
    found += [f"init_lora_weights={config['init_lora_weights']}"] if _changes_the_base(config) else []
    if found:
        raise BadRequest(f"a GGUF adapter cannot hold {found[0]} of {folder.name}", fix=_MERGE)


def _changes_the_base(config: dict[str, Any]) -> bool:
    return str(config.get("init_lora_weights")).lower().startswith(_CHANGE_THE_BASE)


def write(model: Any, out: Path, *, dtype: str, name: str) -> int:
    """Write the active adapter of the PeftModel `model` to `out`; returns how many modules it changes."""
    import gguf

    config, adapter = model.base_model.config, model.active_adapter
    lora = model.peft_config[adapter]
    alpha = float(lora.lora_alpha) * (math.sqrt(lora.r) if lora.use_rslora else 1.0)
    to_gguf = tensor_names(config)
    modules = [(source, module) for source, module in model.base_model.model.named_modules() if adapter in getattr(module, "lora_A", {})]
    _refuse_tied_head(config, [source for source, _ in modules])
    with writer_to(out, config.model_type) as writer:
        writer.add_type("adapter")
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        writer.add_name(name)
        for source, module in modules:
            target = to_gguf(f"{source}.weight")
            a, b = matrices(module, adapter, alpha, reordered_heads(config, f"{source}.weight"))
            writer.add_tensor(f"{target}.lora_a", _stored(a, dtype, source))
            writer.add_tensor(f"{target}.lora_b", _stored(b, dtype, source))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    return len(modules)


def matrices(module: Any, adapter: str, alpha: float, heads: int) -> tuple[Array, Array]:
    """A and B of one module, such that alpha / rank is the whole rest of the scale."""
    a = module.lora_A[adapter].weight.detach().float().numpy()
    b = module.lora_B[adapter].weight.detach().float().numpy()
    missing = float(module.scaling[adapter]) / (alpha / a.shape[0])
    return a, np.ascontiguousarray(reorder_rows(b * np.float32(missing), heads))


def _refuse_tied_head(config: Any, sources: list[str]) -> None:
    for source in sources:
        if source.endswith("embed_tokens") or (source == "lm_head" and config.tie_word_embeddings):
            raise BadRequest(f"a GGUF adapter cannot change {source} of this model", fix=_MERGE)


def _stored(values: Array, dtype: str, source: str) -> Any:
    largest = float(np.abs(values).max(initial=0.0))
    if not np.isfinite(largest):
        raise ToolFailed(f"the adapter of {source} holds NaN or infinity", fix="train again with a lower learning rate")
    if dtype == "f16" and largest > F16_MAX:
        raise ToolFailed(f"the adapter of {source} holds {largest:.0f}, too large for f16", fix="export with dtype=f32")
    return values.astype(np.float16 if dtype == "f16" else np.float32)
