"""What stands in a slot, in the many ways that people write it. Files and folders are made in the row's workspace.

About one file in eight is left unmade: people name what is not there, and the planner tags it by its name all the same.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from modelwright.models.adapter import FOLDER

UNMADE = 0.12
LISTS = {
    "quant": "quants",
    "int": "integers",
    "tokens": "tokens",
    "rate": "rates",
    "rank": "ranks",
    "gib": "gib",
    "port": "ports",
    "beta": "betas",
    "gpu": "gpus",
    "index": "indexes",
}
"""Slot kind -> list of models/planner/wordings.toml."""


_WORDINGS = tomllib.loads((FOLDER / "wordings.toml").read_text(encoding="utf-8"))["values"]


class Values:
    """Values for one row; the files that they name are made in `folder`."""

    def __init__(self, chance: random.Random, folder: Path) -> None:
        self._chance, self._folder = chance, folder
        self._taken: set[str] = set()

    def of(self, kind: str) -> str:
        """A value as it is written in the request; never the same twice in a row."""
        makers: dict[str, Callable[[], str]] = {
            "model": self._model,
            "gguf": self._gguf,
            "dataset": self._dataset,
            "folder": self._documents,
            "bare_folder": self._bare_folder,
            "text_file": self._text,
            "output": self._output,
            "small_int": self._small,
        }
        make = makers.get(kind) or partial(self._word, LISTS[kind])
        for _ in range(20):
            value = make()
            if value.lower() not in self._taken:
                break
        self._taken.add(value.lower())
        return value

    def _word(self, name: str) -> str:
        return str(self._chance.choice(_WORDINGS[name]))

    def _one(self, values: list[str]) -> str:
        return self._chance.choice(values)

    def _make(self, name: str, text: str = "{}\n") -> str:
        """`name` as written: made unless it lies outside of the workspace, quoted if it has a space."""
        path = Path(name)
        if self._chance.random() > UNMADE and not name.startswith(("/", "~", "..")):
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        quote = self._one(['"', "'", "`"])
        return f"{quote}{name}{quote}" if " " in name or self._chance.random() < 0.04 else name

    def _dataset(self) -> str:
        name = self._word("stems") + self._word("marks")
        if self._chance.random() < 0.05:
            name = f"{name} {self._word('stems')}"
        if self._chance.random() < 0.06:
            name = name.upper()
        return self._make(self._word("places") + name + self._word("data_endings"))

    def _text(self) -> str:
        return self._make(self._word("places") + self._word("stems") + self._word("marks") + self._word("text_endings"))

    def _gguf(self) -> str:
        return self._make(
            self._one(["", "", "", "models/", "./", "out/", "./models/"]) + self._word("models") + self._word("sizes") + ".gguf"
        )

    def _model(self) -> str:
        kind = self._chance.random()
        if kind < 0.4:
            return self._word("builtin")
        if kind < 0.68:
            return self._gguf()
        if kind < 0.84:
            return f"{self._word('owners')}/{self._word('hub')}"
        name = self._one(["./", "models/", "out/", "./runs/"]) + self._word("models") + self._word("sizes")
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        file = self._one(["config.json", "config.json", "adapter_config.json"])
        (self._folder / name / file).write_text(json.dumps({}))
        return name

    def _documents(self) -> str:
        name = self._one(["", "./", "./", "data/", "~/", "/srv/"]) + self._word("folders") + "/"
        if not name.startswith(("/", "~")):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
            (self._folder / name / "page.md").write_text("text\n")
        if self._chance.random() < 0.2:
            return name + self._one(["*.md", "*.pdf", "**/*.txt"])
        return name if self._chance.random() < 0.7 or name.count("/") == 1 else name.rstrip("/")

    def _bare_folder(self) -> str:
        """A name alone, as in "index the folder handbook": always there, as nothing else tells that it is a folder's."""
        name = self._word("folders")
        (self._folder / name).mkdir(exist_ok=True)
        (self._folder / name / "page.md").write_text("text\n")
        return name

    def _output(self) -> str:
        name = self._one(["out/", "out/", "./", "results/", "models/", "runs/", "/tmp/", ""]) + self._word("models") + self._word("marks")
        return name + self._one([".gguf", ".jsonl", ""]) if "/" in name else name + self._one([".gguf", ".jsonl", ".csv"])

    def _small(self) -> str:
        return self._word("words") if self._chance.random() < 0.4 else str(self._chance.randint(1, 9))
