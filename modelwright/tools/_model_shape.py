"""The shape of whatever a model argument names: a GGUF file, a Hugging Face folder or config, an adapter's base, a well-known name.

No weights are read and nothing is asked of a network. A file here wins over a known model of the same name.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from modelwright.engines import gguf_header
from modelwright.engines import weights as weight_files
from modelwright.errors import ModelRefError
from modelwright.modelrefs import Model, adapter_base, resolve
from modelwright.sizing import known
from modelwright.sizing.configs import from_config
from modelwright.sizing.gguf_keys import from_keys
from modelwright.sizing.shapes import ModelShape, Weight

LARGEST_CONFIG = 10_000_000


def shape_of(ref: str, workspace: Path) -> ModelShape:
    """Raises ModelRefError when there is no such model, BadRequest when its config cannot be understood."""
    found = find(ref, workspace)
    if isinstance(found, Path):
        return from_config(_config(found), found.name)
    return found if isinstance(found, ModelShape) else _of_model(found)


def find(ref: str, workspace: Path) -> Path | Model | ModelShape:
    """A config file, a model that is here, or one of the table, whichever comes first; unread. Raises ModelRefError for none."""
    path = (workspace / os.path.expanduser(ref)).absolute() if "\0" not in ref else workspace
    if path.suffix == ".json" and path.is_file():
        return path
    try:
        return resolve(ref, workspace)
    except ModelRefError:
        if path.exists():
            raise
        return known.get(ref)


def _of_model(model: Model) -> ModelShape:
    if model.kind == "gguf":
        return of_gguf(Path(model.path))
    if model.kind == "hf":
        folder = Path(model.path)
        shape = from_config(_config(folder / "config.json"), model.name)
        return replace(shape, parameters=weight_files.count(model))
    if model.kind == "adapter":
        base = adapter_base(Path(model.path))
        if not base:
            raise ModelRefError(f"{model.path} names no base model", fix="name the base model itself")
        return shape_of(base, Path(model.path))
    raise ModelRefError(f"{model.ref} is an endpoint: its shape is not known here", fix="name the model that it serves")


def of_gguf(path: Path) -> ModelShape:
    header = gguf_header.read(path)
    found = tuple(Weight(tensor.name, tensor.shape, tensor.type) for tensor in header.tensors)
    return from_keys(path.name, header.keys, header.lists, found)


def _config(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise ValueError(f"{path.stat().st_size} bytes")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelRefError(f"{path} cannot be read: {error}", fix="download or save it again") from None
    if not isinstance(config, dict):
        raise ModelRefError(f"{path} does not hold a JSON object", fix="download or save it again")
    return config


def reads(ref: str | None, workspace: Path) -> list[Path]:
    """Files that decide the answer beside the named one: the base of an adapter."""
    from modelwright.modelrefs import base_paths

    return base_paths([ref], workspace) if ref else []
