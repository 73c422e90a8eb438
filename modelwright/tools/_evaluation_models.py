"""Which models are asked, under which names, by which runtime, and what that will take. Shared by evaluate and compare; not a tool.

The built-in model runs by llama.cpp, unless another compared model can only run by transformers: then it runs there
too, so that a difference is the training's and not the runtime's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from modelwright.canonical import bytes_of_path
from modelwright.errors import EngineMissing, ModelwrightError
from modelwright.modelrefs import BUILTIN, Model, builtin_gguf, resolve
from modelwright.tools._evaluation_rows import EvaluationArgs, absolute, count_lines
from modelwright.types import Estimate

LLAMA, TRANSFORMERS = "llama.cpp", "transformers"

BUILTIN_BYTES = 98_400_000
SPEED = {LLAMA: (230.0, 100.0), TRANSFORMERS: (300.0, 50.0)}
"""Tokens a second, reading and writing, of the built-in model on two quiet cores: measured for llama.cpp, a guess for transformers."""
LOADING_SECONDS = {LLAMA: 3.0, TRANSFORMERS: 15.0}
WEIGHT_COPIES = {LLAMA: 1.0, TRANSFORMERS: 6.0}
"""Resident weights over the size of a Q4_1 file: mapped as they are, or as float32."""
WORKING_BYTES = 700_000_000
CHARACTERS_PER_TOKEN = 4
TEMPLATE_TOKENS = 30


def resolve_models(refs: Sequence[str], workspace: Path) -> list[Model]:
    models = [_normal(resolve(ref, workspace)) for ref in refs]
    for model in models:
        if model.kind == "endpoint":
            raise EngineMissing(f"{model.ref}: evaluation over endpoints is not built yet", fix="name a model on this machine")
    return models


def _normal(model: Model) -> Model:
    """The built-in model stays itself when it is named by its path."""
    if model.kind == "gguf" and not model.is_builtin:
        try:
            same = Path(model.path).samefile(builtin_gguf())
        except (EngineMissing, OSError):
            same = False
        return Model(BUILTIN, "gguf", model.path, is_builtin=True) if same else model
    return model


def short_names(models: Sequence[Model]) -> list[str]:
    """Names for people: the file's, with its folder where two share one, numbered where that is not enough."""
    names = [model.name for model in models]
    twice = {name for name, count in Counter(names).items() if count > 1}
    for index, model in enumerate(models):
        if names[index] in twice and not model.is_builtin:
            names[index] = f"{Path(model.path).parent.name}/{names[index]}"
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return unique


def choose_engines(models: Sequence[Model]) -> list[str]:
    folders = any(model.kind != "gguf" for model in models)
    return [TRANSFORMERS if model.kind != "gguf" or (model.is_builtin and folders) else LLAMA for model in models]


def estimate_models(refs: Sequence[str], args: EvaluationArgs, workspace: Path) -> Estimate:
    """Rows x (reading + writing) for each model; answers are taken at full length, so it is an upper bound.

    A model that does not exist yet (an earlier step makes it) counts as a transformers model of the built-in size.
    """
    rows, prompt_tokens = rows_and_tokens(absolute(workspace, args.dataset), args.limit)
    new_tokens = 0 if args.metrics == ["perplexity"] else args.max_new_tokens
    readings = (new_tokens > 0) + ("perplexity" in (args.metrics or ()))
    models = [_try_resolve(ref, workspace) or Model(ref, "hf", ref) for ref in refs]
    seconds, memory = 5.0, 0
    for model, engine in zip(models, choose_engines(models), strict=True):
        read, write = SPEED[engine]
        scale = max(0.2, _weight_bytes(model) / BUILTIN_BYTES)
        seconds += readings * LOADING_SECONDS[engine] + rows * scale * (readings * prompt_tokens / read + new_tokens / write)
        memory = max(memory, int(BUILTIN_BYTES * scale * WEIGHT_COPIES[engine]) + WORKING_BYTES)
    disk = int(rows * len(refs) * (new_tokens + prompt_tokens) * CHARACTERS_PER_TOKEN) + 100_000
    return Estimate(seconds=round(seconds, 1), memory_bytes=memory, disk_bytes=disk)


def rows_and_tokens(path: Path, limit: int | None) -> tuple[int, float]:
    """How many rows and how long each, from the file's lines; a quick look, not a parse."""
    try:
        size, lines = path.stat().st_size, count_lines(str(path))
    except OSError:
        size, lines = 32_000, 32
    lines = max(1, lines)
    return min(lines, limit or lines), size / lines / CHARACTERS_PER_TOKEN + TEMPLATE_TOKENS


def _try_resolve(ref: str, workspace: Path) -> Model | None:
    try:
        return _normal(resolve(ref, workspace))
    except (ModelwrightError, OSError):
        return None


def _weight_bytes(model: Model) -> float:
    """Bytes as the built-in model's file counts them (0.73 a parameter), so that sizes scale times."""
    path = Path(model.path)
    if model.is_builtin or model.kind in ("adapter", "endpoint") or not path.exists():
        return BUILTIN_BYTES
    size = bytes_of_path(path)
    return size if model.kind == "gguf" else size * 0.73 / 4
