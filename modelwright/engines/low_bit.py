"""A Hugging Face model in fewer bits: INT8 and NF4 by bitsandbytes, 4-bit GPTQ and AWQ by GPTQModel.

Two facts to know. bitsandbytes needs no text and a second; GPTQ and AWQ are calibrated on text, and the package is not part of
`modelwright[all]`: it is built when it is installed and wants a newer torch. And on a processor GPTQModel computes with
kernels that it compiles for minutes, so here its weights are read back into ordinary layers: right numbers, plain speed.

NOT here: FP8 and other formats; writing GGUF (`quantize`).
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.engines import hf
from modelwright.errors import BadRequest, EngineMissing
from modelwright.modelrefs import Model

KINDS = ("int8", "nf4", "gptq", "awq")
CALIBRATED = ("gptq", "awq")
BITS, GROUPS = 4, (128, 64, 32)
"""of GPTQ and AWQ: bits a weight, and how many weights share a scale, the usual first"""
CALIBRATION_ROWS, CALIBRATION_CHARACTERS = 128, 2000
"""texts that are read, and of each so many characters: about 500 tokens"""
INSTALL = "pip install 'modelwright[gptq]', or use types=Q4_K_M, int8 or nf4, which need no GPTQModel"


def require(kinds: Sequence[str]) -> None:
    """Raise EngineMissing for what this machine cannot make, before anything is loaded."""
    for kind in kinds:
        if kind in CALIBRATED and importlib.util.find_spec("gptqmodel") is None:
            raise EngineMissing(f"{kind} needs the package GPTQModel, which is not installed", fix=INSTALL)
        if kind not in CALIBRATED and importlib.util.find_spec("bitsandbytes") is None:
            raise EngineMissing(f"{kind} needs the package bitsandbytes, which is not installed", fix="pip install 'modelwright[qlora]'")


def make(kind: str, model: Model, folder: Path, texts: Sequence[str], cache_dir: Path) -> None:
    """Write `model` in `kind` to `folder`, with its tokenizer. `texts` are what GPTQ and AWQ are calibrated on."""
    tokenizer = hf.load_tokenizer(model, cache_dir)
    if kind in CALIBRATED:
        _calibrate(kind, hf.folder_of(model, cache_dir), folder, texts)
    else:
        at_load(kind, model, cache_dir).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def at_load(kind: str, model: Model, cache_dir: Path) -> Any:
    """The network, quantized by bitsandbytes as it is loaded."""
    return hf.load_for_training(model, cache_dir, quantization_config=_bits_and_bytes(kind))[0]


def _bits_and_bytes(kind: str) -> Any:
    from transformers import BitsAndBytesConfig

    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=hf.best_dtype()
    )


def _gptqmodel() -> Any:
    """The package. On two cores it asks for more loaders than it has workers, unless told to have two; and it compiles for minutes."""
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")
    if hf.best_device() == "cpu":
        os.environ.setdefault("TORCH_COMPILE_DISABLE", "1")
    import gptqmodel  # type: ignore[import-not-found]

    return gptqmodel


def _calibrate(kind: str, source: Path, folder: Path, texts: Sequence[str]) -> None:
    package = _gptqmodel()
    from gptqmodel.quantization import FORMAT, METHOD  # type: ignore[import-not-found]

    method = {"quant_method": METHOD.AWQ, "format": FORMAT.GEMM} if kind == "awq" else {}
    group = whole_group(source) if kind == "awq" else GROUPS[0]
    made = package.GPTQModel.load(str(source), package.QuantizeConfig(bits=BITS, group_size=group, **method))
    made.quantize([text[:CALIBRATION_CHARACTERS] for text in texts[:CALIBRATION_ROWS]], batch_size=1)
    made.save(str(folder))


def whole_group(source: Path) -> int:
    """The largest group that divides every linear layer of a folder's config.json: AWQ takes no part of one, GPTQ does.

    128 does not divide the 576 of the built-in model, 64 does. Raises BadRequest where none does.
    """
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config = config.get("text_config") or config
    hidden, inner = config.get("hidden_size", 0), config.get("intermediate_size", 0)
    heads = config.get("num_attention_heads", 0) * (config.get("head_dim") or 0)
    for group in GROUPS:
        if all(width % group == 0 for width in (hidden, inner, heads)):
            return group
    raise BadRequest(f"awq needs layers whose width {GROUPS[-1]} divides, and these have {hidden} and {inner}", fix="use types=gptq or nf4")


def open_calibrated(kind: str, folder: Path) -> Any:
    """The network of a folder that `make` wrote. On a GPU with GPTQModel's kernels, else with its weights in float32 layers."""
    package = _gptqmodel()
    if hf.best_device() != "cpu":
        return package.GPTQModel.load(str(folder)).model
    backend = getattr(package.BACKEND, f"{kind.upper()}_TORCH")
    network = package.GPTQModel.load(str(folder), backend=backend, device="cpu").model
    for name, layer in list(network.named_modules()):
        if hasattr(layer, "dequantize_weight"):
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, _ordinary(layer))
    return network.float()


def _ordinary(layer: Any) -> Any:
    """A linear layer with the weights that the quantized one stands for; its own are stored transposed."""
    import torch

    linear = torch.nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
    with torch.no_grad():
        linear.weight.copy_(layer.dequantize_weight().T.float())
        if layer.bias is not None:
            linear.bias.copy_(layer.bias)
    return linear


def stored_bytes(folder: Path) -> int:
    """Of the weights in a folder's safetensors files."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
