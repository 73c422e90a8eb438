"""The one open question of a plan, and the answers that earlier ones got.

Planning is the same each time, so the n-th question is answered by the n-th answer. An answer that does not fit is
asked for again, and the next answer is tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from types import MappingProxyType

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.paths import folders_in, kind_of, names_in

MOST_CHOICES, MOST_MODELS = 8, 6
BUILTIN = "builtin"
ORIGINS = {BUILTIN: "comes with modelwright"}
HERE = "in this folder"
UNCLEAR = "What should be done, and with which model or data?"
"""Asked where a request is not understood; only another request answers it."""
TRAIN_NAMES = ("train", "sft", "data")
TEST_NAMES = ("eval", "test", "val", "dev", "held", "quiz", "exam")
"""How files of data are called that a model learns from, and is measured on."""


Made = Callable[[], Mapping[str, str]]
"""Models that runs of this folder made, as seen from it, each with a word of where it is from: "quantize, run r261122-k7f2"."""


class OpenQuestion(Exception):
    """Planning stops here until somebody answers."""

    def __init__(self, question: str, choices: Sequence[str]) -> None:
        super().__init__(question)
        self.question = question
        self.choices = list(choices)


class Answers:
    """The user's answers, used up in order."""

    def __init__(self, answers: Sequence[str], workspace: Path, made: Made = dict) -> None:
        self._left = list(answers)
        self._workspace, self._made = workspace, made
        self.things = 0
        """Answers so far that named a file, a folder or a model."""

    def model(self) -> str | None:
        """The first model that an answer names."""
        return next((str(c.value) for text in self._left for c in find(text, self._workspace, "answer") if c.kind == "model"), None)

    def ask(self, question: str, choices: Sequence[str], read: Callable[[str], Candidate | None]) -> Candidate:
        """The first answer that `read` understands. Raises OpenQuestion when none is left."""
        refused = ""
        while self._left:
            answer = self._left.pop(0).strip()
            found = read(answer)
            if found is not None:
                return found
            refused = f"{answer[:60]!r} does not answer this: "
        raise OpenQuestion(refused + question, choices)

    def choose(self, question: str, choices: Sequence[str]) -> Candidate:
        """One of the choices, as typed or by its beginning."""

        def read(answer: str) -> Candidate | None:
            near = [c for c in choices if answer and c.lower().startswith(answer.lower())]
            return Candidate("choice", near[0], 0, len(answer), answer, source="answer") if len(near) == 1 or answer in choices else None

        return self.ask(question, choices, read)

    def text(self, question: str, fits: Callable[[str], bool]) -> Candidate:
        """A text that fits, as it is."""
        return self.ask(question, [], lambda text: Candidate("value", text, 0, len(text), text, source="answer") if fits(text) else None)

    def path(self, question: str, role: str, named: str = "", wanted: Sequence[str] = TRAIN_NAMES) -> Candidate:
        """A data set, model or file; the choices are what is in the workspace, the nearest to `named` or as `wanted` first.

        Models have where each is from behind them, which `read` passes over.
        """

        def read(answer: str) -> Candidate | None:
            found = [c for c in find(answer, self._workspace, "answer") if fits_role(c, role)]
            return found[0] if found else None

        choices = likely_models(self._workspace, named, self._made()) if role == "model" else likely(role, self._workspace, named, wanted)
        found = self.ask(question, choices, read)
        self.things += 1
        return found


FITTING = {
    "model": ("model",),
    "dataset": ("dataset", "file", "folder"),
    "file": ("file", "dataset"),
    "documents": ("folder", "glob", "file", "dataset", "model"),
}
NO_DATA = re.compile(
    r"(?:^|/)(?:readme|license|licence|changelog|contributing|requirements|package(?:-lock)?\.json|tsconfig|config\.json)", re.IGNORECASE
)
"""Files that are no data set, whatever their ending."""


def fits_role(candidate: Candidate, role: str) -> bool:
    """Whether it is there and of the kind that an argument of this role takes."""
    return candidate.kind in FITTING.get(role, ())


def likely(role: str, workspace: Path, named: str = "", wanted: Sequence[str] = TRAIN_NAMES) -> list[str]:
    """Names in the workspace that could fill this role, at most 8, or the nearest to `named`.

    Data sets by likely use: .jsonl before others, names that say `wanted` first; then the newest. Empty files are none.
    """
    if role == "documents":
        names = folders_in(workspace)
    else:
        names = [
            n for n in names_in(workspace) if kind_of(n, workspace) == "dataset" and not (NO_DATA.search(n) or _is_empty(workspace / n))
        ]
    names.sort(key=lambda n: (role == "dataset" and _unlike_data(n, wanted), -_changed(workspace / n)))
    return _nearest(names, named)[:MOST_CHOICES]


def likely_models(workspace: Path, named: str = "", made: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Models of the workspace and those that its runs made, at most 6, the newest or the nearest to `named` first, the built-in last.

    "tuned-Q6_K.gguf (quantize, run r261122-k7f2)".
    """
    here = [n for n in names_in(workspace) if kind_of(n, workspace) == "model"]
    names = sorted({*here, *made}, key=lambda n: -_changed(workspace / n))[: MOST_MODELS - 1 if not named else None]
    origins = {**ORIGINS, **made}
    return [f"{name} ({origins.get(name, HERE)})" for name in _nearest([*names, BUILTIN], named)[:MOST_MODELS]]


def _nearest(names: list[str], named: str) -> list[str]:
    return sorted(names, key=lambda n: -SequenceMatcher(None, n.lower(), named.lower()).ratio()) if named else names


def _unlike_data(name: str, wanted: Sequence[str]) -> int:
    """0 for tone/train.jsonl, 1 for rows.jsonl, 2 for train.csv, 3 for notes.txt."""
    *folders, file = name.lower().split("/")
    says = any(word in part for part in (file, *folders[-1:]) for word in wanted)
    return 2 * (not file.endswith(".jsonl")) + (not says)


def _is_empty(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size == 0
    except OSError:
        return True


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def wording(tool: str, field: FieldSpec) -> str:
    known = lexicon().questions.get(f"{tool}.{field.name}")
    return known or f"Which {field.name.replace('_', ' ')} should {tool} use? ({field.description})"
