"""A table of well-known models, so that a name is enough and no network is needed. Each entry is fields of the model's own config.json.

`known_models.toml` beside this file names the source of every entry. A name is matched without its organisation, case,
dots and dashes: "llama 3.1 8b" is meta-llama/Llama-3.1-8B. NOT here: gated or changed copies whose shape differs.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from modelwright.errors import ModelRefError
from modelwright.sizing.configs import from_config
from modelwright.sizing.shapes import ModelShape

_ENDINGS = re.compile(r"(instruct|chat|it|base|hf|pt|gguf|2507|2407)$")


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, Any]]:
    """name -> entry, as the file has them."""
    with (files(__package__) / "known_models.toml").open("rb") as stream:
        return tomllib.load(stream)


def find(name: str) -> ModelShape | None:
    """The shape of a model by its name; None when it is not in the table."""
    wanted = _plain(name)
    for known, entry in table().items():
        if wanted in {_plain(known), *map(_plain, entry.get("also", []))}:
            config = {key: value for key, value in entry.items() if key not in ("source", "checked", "also", "parameters")}
            shape = from_config(config, known)
            return ModelShape(**{**vars(shape), "source": entry["source"], "parameters": int(entry.get("parameters", 0))})
    return None


def get(name: str) -> ModelShape:
    """As `find`. Raises ModelRefError with the nearest names when it is not in the table."""
    shape = find(name)
    if shape:
        return shape
    plain = {_plain(known): known for known in table()}
    near = [plain[key] for key in get_close_matches(_plain(name), plain, n=3, cutoff=0.5)]
    fix = f"did you mean {' or '.join(near)}? " if near else ""
    raise ModelRefError(
        f"no model {name!r:.80}: it is no file, no folder, and not in the table of known models",
        fix=fix + "name a .gguf file or a model folder, or give layers, kv_heads and head_dim",
    )


def _plain(name: str) -> str:
    """The name without organisation, case, separators and endings that do not change the shape."""
    text = name.rsplit("/", 1)[-1].strip().lower().replace("_", "-").replace(" ", "-")
    while (shorter := _ENDINGS.sub("", text.rstrip("-")).rstrip("-")) != text:
        text = shorter
    return re.sub(r"[-.]", "", text)
