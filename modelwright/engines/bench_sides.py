"""The two sides of a benchmark, opened: llama.cpp or transformers in this process, or a server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import modelrefs
from modelwright.engines.load_types import Options, Request, Target
from modelwright.modelrefs import Model

Json = dict[str, Any]


@dataclass(frozen=True)
class Side:
    name: str
    model: Model
    target: Target
    identity: str
    """Of the weights: a hash of each file's size and first MiB, where its header is; empty for an endpoint."""


def open_side(side: Json, spec: Json, options: Options, *, slots: int, longest: int) -> Side:
    """`slots` is the most requests at once, `longest` the most tokens of prompt and answer together."""
    model = Model(**side["model"])
    target = _target(side, model, spec, options, slots=slots, longest=longest)
    return Side(side["name"], model, target, _identity(model))


def _target(side: Json, model: Model, spec: Json, options: Options, *, slots: int, longest: int) -> Target:
    if side["engine"] == "endpoint":
        from modelwright.engines.load_endpoint import EndpointTarget

        endpoint = EndpointTarget(modelrefs.endpoint(model.ref), options, key_variable=side["key_variable"])
        endpoint.check(Request(0, spec["prompt_tokens"], 4, text="say something " * spec["prompt_tokens"]))
        return endpoint
    if side["engine"] == "transformers":
        from modelwright.engines.load_transformers import TransformersTarget

        return TransformersTarget(model, options, threads=spec["threads"], cache_dir=Path(spec["cache_dir"]))
    from modelwright.engines.load_llama import LlamaTarget

    return LlamaTarget(model, options, threads=spec["threads"], slots=slots, longest=longest)


def _identity(model: Model) -> str:
    path = Path(model.path)
    if model.kind == "endpoint":
        return ""
    weights = [path] if path.is_file() else sorted([*path.glob("*.safetensors"), *path.glob("*.gguf")])
    return " ".join(map(_mark, weights))


def _mark(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.sha256(str(path.stat().st_size).encode() + stream.read(1 << 20)).hexdigest()[:16]
