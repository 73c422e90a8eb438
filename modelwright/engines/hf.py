"""Models and tokenizers as transformers sees them: folders, GGUF files read back to float32, adapters on their base.

Two facts to know. A GGUF file is read back once and kept as a float32 folder in the cache (540 MB for the built-in
model; 20 s the first time, 0.5 s after). And on a CPU everything is float32: bfloat16 training is 14 times slower on
a processor without AVX512-BF16.

Not here: models behind an endpoint, and writing GGUF files. Code that a model folder brings along is never run, and
only safetensors weights are read (a pickle can run code).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from modelwright.canonical import sha256_of_path
from modelwright.engines.train_memory import is_out_of_memory
from modelwright.errors import ModelRefError, ModelwrightError
from modelwright.files import clear_os_errors, discard, partial_name, publish, write_json
from modelwright.modelrefs import Model, adapter_base, builtin_gguf, resolve

Progress = Callable[..., None]
RECORD = "converted.json"


def quiet(message: str, **numbers: Any) -> None:
    """Progress that nobody listens to."""


def builtin_folder(cache_dir: Path, progress: Progress = quiet) -> Path:
    """The built-in model as a float32 folder, converted on the first call."""
    return converted(builtin_gguf(), cache_dir, progress, name="builtin")


def folder_of(model: Model, cache_dir: Path, progress: Progress = quiet) -> Path:
    """The folder that holds the full weights of `model`; for an adapter, its base's."""
    if model.is_builtin:
        return builtin_folder(cache_dir, progress)
    if model.kind == "gguf":
        return converted(Path(model.path), cache_dir, progress, name="gguf")
    if model.kind == "adapter":
        return folder_of(base_of(model), cache_dir, progress)
    if model.kind == "endpoint":
        raise ModelRefError(f"{model.ref} is an endpoint: its weights are not here", fix="name a folder, a .gguf file or builtin")
    return Path(model.path)


def base_of(model: Model) -> Model:
    """The base that an adapter names, followed one step. Raises ModelRefError when it cannot be found."""
    named = adapter_base(Path(model.path))
    if not named:
        raise ModelRefError(f"{model.path} names no base model", fix="set base_model_name_or_path in its adapter_config.json")
    base = resolve(named, Path(model.path))
    if base.kind == "adapter":
        raise ModelRefError(f"{model.path} stands on another adapter, {named}", fix="merge that one first: export_model format=hf")
    return base


def load(model: Model, cache_dir: Path, progress: Progress = quiet) -> tuple[Any, Any]:
    """`(model, tokenizer)` ready to generate, in eval mode. An adapter comes as a PeftModel on its base."""
    weights, tokenizer = load_for_training(model, cache_dir, progress)
    return weights.eval(), tokenizer


def load_for_training(model: Model, cache_dir: Path, progress: Progress = quiet, **loading: Any) -> tuple[Any, Any]:
    """As `load`, in train mode; `loading` goes to from_pretrained (dtype, quantization_config)."""
    folder = folder_of(model, cache_dir, progress)
    tokenizer = load_tokenizer(model, cache_dir)
    weights = _load_weights(folder, **loading)
    if model.kind == "adapter":
        from peft import PeftModel

        with _as_model_error(Path(model.path)):
            weights = PeftModel.from_pretrained(weights, model.path)
    return weights.train(), tokenizer


def load_tokenizer(model: Model, cache_dir: Path, progress: Progress = quiet) -> Any:
    """The tokenizer of `model`: an adapter's own if it brought one, else its base's. It always can pad."""
    from transformers import AutoTokenizer

    own = model.kind == "adapter" and (Path(model.path) / "tokenizer_config.json").is_file()
    folder = Path(model.path) if own else folder_of(model, cache_dir, progress)
    with _as_model_error(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _load_weights(folder: Path, **loading: Any) -> Any:
    from transformers import AutoModelForCausalLM

    with _as_model_error(folder):
        settings = {"dtype": best_dtype(), "use_safetensors": True, "trust_remote_code": False, **loading}
        weights = AutoModelForCausalLM.from_pretrained(folder, **settings)
    return weights if "quantization_config" in loading else weights.to(best_device())


def best_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def best_dtype() -> Any:
    """float32, or bfloat16 on a GPU that computes in it."""
    import torch

    return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def converted(gguf: Path, cache_dir: Path, progress: Progress, *, name: str) -> Path:
    """`gguf` as a float32 folder in the cache. Two processes may ask at once: one converts, the other waits."""
    folder = cache_dir / f"{name}-f32-{sha256_of_path(gguf)[:12]}"
    if is_whole(folder):
        return folder
    with _locked(folder):
        if not is_whole(folder):  # another process may have finished it while this one waited
            progress(f"convert the {'built-in model' if name == 'builtin' else gguf.name} for training (once)")
            _convert(gguf, folder)
    return folder


def is_whole(folder: Path) -> bool:
    """Whether the record of sizes, written last, still agrees with the files."""
    try:
        sizes = json.loads((folder / RECORD).read_text(encoding="utf-8"))["bytes"]
        return {"config.json", "model.safetensors"} <= set(sizes) and all((folder / n).stat().st_size == s for n, s in sizes.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with clear_os_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _convert(gguf: Path, folder: Path) -> None:
    partial = partial_name(folder)
    with clear_os_errors(folder):
        discard(partial)
        with _as_model_error(gguf):
            _save_as_float32(gguf, partial)
        sizes = {p.name: p.stat().st_size for p in sorted(partial.iterdir())}
        write_json(partial / RECORD, {"gguf": gguf.name, "bytes": sizes})
    publish(partial, folder)


def _save_as_float32(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where, name = str(gguf.parent), gguf.name
    model = AutoModelForCausalLM.from_pretrained(where, gguf_file=name, dtype=torch.float32)
    # The weights are plain float32 by now, but transformers refuses to save what was ever marked as quantized.
    model.hf_quantizer = None
    for holder, mark in ((model.config, "quantization_config"), (model, "is_quantized"), (model, "quantization_method")):
        if mark in vars(holder):
            delattr(holder, mark)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(where, gguf_file=name).save_pretrained(folder)


@contextlib.contextmanager
def _as_model_error(path: Path) -> Iterator[None]:
    """What transformers, safetensors or peft say of a folder that they cannot read, as one line."""
    try:
        yield
    except (ModelwrightError, ImportError):
        raise
    except OSError as error:
        if error.errno is not None:  # the operating system's own word (full disk, no rights)
            raise
        raise _unreadable(path, error) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ModelRefError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    fix = "check that config.json, the tokenizer and *.safetensors are whole"
    return ModelRefError(f"{path} cannot be read as a model: {reason}", fix=fix)
