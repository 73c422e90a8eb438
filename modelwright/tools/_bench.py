"""What benchmark and choose_engine share: which engine runs a model, the job's specification, how long it takes. Not a tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from modelwright import modelrefs
from modelwright.canonical import bytes_of_path
from modelwright.config import Settings
from modelwright.contract import ToolContext
from modelwright.errors import BadRequest, ModelwrightError
from modelwright.modelrefs import Model, resolve
from modelwright.types import Json

EngineName = Literal["llama.cpp", "transformers", "endpoint"]
BUILTIN_BYTES = 98_400_000
SPEED: dict[str, tuple[float, float]] = {"llama.cpp": (130.0, 60.0), "transformers": (150.0, 25.0), "endpoint": (130.0, 60.0)}
"""Tokens a second, reading and writing, of the built-in model on one core: measured for llama.cpp, a guess for the others."""
LOADING_SECONDS = {"llama.cpp": 4.0, "transformers": 20.0, "endpoint": 3.0}
WEIGHT_COPIES = {"llama.cpp": 1.0, "transformers": 6.0, "endpoint": 0.0}
DEFAULTS: Json = {
    "distribution": "fixed",
    "spread": 0.3,
    "dataset": None,
    "rate": [],
    "arrival": "poisson",
    "sweep": False,
    "repeats": 1,
    "warmup": 1,
    "prefix_cache": False,
    "enforce_output": True,
    "timeout_seconds": 120.0,
    "objective": {},
}


def engine_of(model: Model, asked: EngineName | None) -> EngineName:
    """The engine that was asked for, or the natural one. Raises BadRequest where the model does not fit it."""
    natural: EngineName = {"endpoint": "endpoint", "gguf": "llama.cpp"}.get(model.kind, "transformers")  # type: ignore[assignment]
    wanted = asked or natural
    if (wanted == "endpoint") != (model.kind == "endpoint"):
        raise BadRequest(f"engine={wanted} cannot run {model.ref}", fix=f"use engine={natural}, or leave engine out")
    if wanted == "llama.cpp" and model.kind != "gguf":
        raise BadRequest(f"llama.cpp cannot run {model.ref}: it is no GGUF file", fix="run export_model format=gguf first")
    return wanted


def side(name: str, model: Model, engine: EngineName, settings: Settings) -> Json:
    key = settings.gateway.keys.get(modelrefs.endpoint(model.ref).host) if model.kind == "endpoint" else None
    return {"name": name, "model": asdict(model), "engine": engine, "key_variable": key}


def specification(ctx: ToolContext, sides: Sequence[Json], output_dir: Path, **given: object) -> Json:
    """The job's specification; what is not given is as in DEFAULTS."""
    return {
        **DEFAULTS,
        "sides": list(sides),
        "seed": ctx.settings.seed,
        "threads": ctx.settings.threads,
        "cache_dir": str(ctx.settings.cache_dir.absolute()),
        "output_dir": str(output_dir),
        "args": {},
        **given,
    }


def seconds_of_runs(model: Model, engine: str, requests: float, prompt_tokens: float, output_tokens: float, most_at_once: int) -> float:
    """Of `requests` answered one after the other; together they go faster by at most a half on a processor."""
    reading, writing = SPEED[engine]
    gain = 1 + 0.5 * (1 - 1 / most_at_once)
    return requests * (prompt_tokens / reading + output_tokens / writing) * scale(model) / gain


def scale(model: Model) -> float:
    """How many times the built-in model's work it is, by the size of its files."""
    return weight_bytes(model) / BUILTIN_BYTES


def weight_bytes(model: Model) -> float:
    """Bytes as the built-in model's file counts them (0.73 a parameter)."""
    path = Path(model.path)
    if model.is_builtin or model.kind in ("adapter", "endpoint") or not path.exists():
        return BUILTIN_BYTES
    size = bytes_of_path(path)
    return size if model.kind == "gguf" else size * 0.73 / 4


def memory_of(model: Model, engine: str, tokens_at_once: float) -> int:
    """Weights, 600 MB to work in, and the KV cache at 23 kB a token for the built-in model's size."""
    return int(weight_bytes(model) * WEIGHT_COPIES[engine] + 600e6 + tokens_at_once * 23_040 * scale(model) ** 0.5)


def try_resolve(ref: str, workspace: Path) -> Model:
    """For estimates: a model that an earlier step will make counts as a folder of the built-in size."""
    try:
        return resolve(ref, workspace)
    except (ModelwrightError, OSError):
        return Model(ref, "gguf" if ref.endswith(".gguf") else "hf", ref)
