"""`python -m modelwright.agent.planner_training FOLDER`: rebuild the adapter from its recipe; `make planner-adapter`.

rows -> finetune -> export -> score, all in FOLDER, a workspace of its own: what is there already is not made again, so it
goes on after a kill. At the end adapter.gguf, scores.json and CARD.md stand in models/planner/. It replaces nothing
there before the new adapter was measured, and refuses one that is not better than the model without it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from modelwright.agent.planner_training.build import write
from modelwright.agent.planner_training.card import card
from modelwright.agent.planner_training.patterns import Pattern, learnt, read
from modelwright.agent.planner_training.score import outcomes, read_cases, record
from modelwright.agent.planner_training.toys import project_tools
from modelwright.canonical import sha256_of_path
from modelwright.errors import ToolFailed
from modelwright.files import write_json
from modelwright.modelrefs import builtin_gguf
from modelwright.models.adapter import FOLDER, Adapter
from modelwright.models.builtin import BuiltinModel
from modelwright.types import Json

MOST_BYTES = 12_000_000
UNTUNED_EVERY = 4
"""Without the adapter a draft takes ten times as long (cards to read, steps that do not end): every fourth request will do."""


def main(folder: Path) -> None:
    recipe = tomllib.loads((FOLDER / "recipe.toml").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    rows = folder / "rows.jsonl"
    if not rows.is_file():
        _write_rows(recipe, rows)
    if not (folder / "adapter").is_dir():
        _call(folder, "finetune", {**recipe["finetune"], "dataset": rows.name, "output": "adapter", "seed": recipe["seed"]})
    if not (folder / "adapter.gguf").is_file():
        _call(folder, "export_model", {"model": "adapter", "format": "gguf_adapter", "dtype": "f16", "output": "adapter.gguf"})
    adapter = Adapter(folder / "adapter.gguf", learnt(_patterns(recipe)))
    scores = _measured(adapter, FOLDER / recipe["held_out"][0])
    _install(folder, scores, recipe)


def _patterns(recipe: Json) -> list[Pattern]:
    return [pattern for name, times in recipe["patterns"].items() for pattern in read(FOLDER / name, times)]


def _write_rows(recipe: Json, out: Path) -> None:
    partial = out.with_suffix(".part")
    counts = write(_patterns(recipe), partial, [FOLDER / name for name in recipe["held_out"]], recipe["rows"], recipe["seed"])
    write_json(out.with_name("left_out.json"), {"rows": dict(counts.rows.most_common()), "arguments": dict(counts.arguments.most_common())})
    partial.replace(out)


def _call(folder: Path, tool: str, args: Json) -> None:
    """One tool of this project, with its own checks, in a process of its own."""
    command = [sys.executable, "-m", "modelwright", "call", tool, "--args", json.dumps(args), "--yes"]
    if subprocess.run(command, cwd=folder, check=False).returncode:
        raise ToolFailed(f"{tool} did not end well in {folder}", fix="see its message above; the same command goes on from here")


def _measured(adapter: Adapter, held_out: Path) -> Json:
    """Drafts with the adapter and without, of the same requests."""
    tools, cases = project_tools(), read_cases(held_out)
    sides = []
    for used, every in ((adapter, 1), (None, UNTUNED_EVERY)):
        model = BuiltinModel(str(builtin_gguf()), adapter=used)
        sides.append(outcomes(model, cases[::every], tools))
        model.close()
    return record(adapter, sides[0], sides[1], cases, held_out)


def _install(folder: Path, scores: Json, recipe: Json) -> None:
    if scores["adapter"]["bytes"] > MOST_BYTES:
        raise ToolFailed(f"the adapter has {scores['adapter']['bytes']} bytes, more than {MOST_BYTES}", fix="use a smaller lora_rank")
    if scores["paired"]["interval"][0] <= 0:
        raise ToolFailed(f"the adapter is not better than none: {scores['paired']}", fix="use more rows or more epochs in recipe.toml")
    left_out = json.loads((folder / "left_out.json").read_text(encoding="utf-8"))
    scores["made_of"] = {name: sha256_of_path(FOLDER / name) for name in ("recipe.toml", *recipe["patterns"], "tools.toml")}
    shutil.copyfile(folder / "adapter.gguf", FOLDER / "adapter.gguf")
    write_json(FOLDER / "scores.json", scores)
    (FOLDER / "CARD.md").write_text(card(scores, recipe, left_out["rows"]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
