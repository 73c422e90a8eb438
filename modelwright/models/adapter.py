"""The adapter that teaches the built-in model to draft plans: planner/adapter.gguf, rebuilt by `make planner-adapter`.

It is used only where its hash stands in planner/scores.json, beside the figures that were measured with it, and only on
the base model that it was trained on. The setting `planner_adapter = false` turns it off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from modelwright.canonical import sha256_of_path
from modelwright.models import compact

FOLDER = Path(str(files(__package__))) / "planner"


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter as GGUF, and the tools whose cards its model need not be shown."""

    file: Path
    tools: frozenset[str]


def builtin_adapter(folder: Path = FOLDER) -> Adapter | None:
    """None when there is none, when it is not the one that was measured, or when it speaks another version of the language."""
    file, scores = folder / "adapter.gguf", folder / "scores.json"
    if not (file.is_file() and scores.is_file()):
        return None
    known = json.loads(scores.read_text(encoding="utf-8"))["adapter"]
    if known["language"] != compact.VERSION or known["bytes"] != file.stat().st_size or known["sha256"] != sha256_of_path(file):
        return None
    return Adapter(file, frozenset(known["tools"]))
