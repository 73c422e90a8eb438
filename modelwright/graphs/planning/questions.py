"""The one open question of a plan, and the answers that earlier ones got.

Planning is the same each time, so the n-th question is answered by the n-th answer. An answer that does not fit is
asked for again, and the next answer is tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.paths import folders_in, kind_of, names_in

MOST_CHOICES = 8


class OpenQuestion(Exception):
    """Planning stops here until somebody answers."""

    def __init__(self, question: str, choices: Sequence[str]) -> None:
        super().__init__(question)
        self.question = question
        self.choices = list(choices)


class Answers:
    """The user's answers, used up in order."""

    def __init__(self, answers: Sequence[str], workspace: Path) -> None:
        self._left = list(answers)
        self._workspace = workspace

    def ask(self, question: str, choices: Sequence[str], read: Callable[[str], Candidate | None]) -> Candidate:
        """The first answer that `read` understands. Raises OpenQuestion when none is left."""
        while self._left:
            answer = self._left.pop(0).strip()
            found = read(answer)
            if found is not None:
                return found
            question = f"{answer[:60]!r} does not answer this: {question}" if not question.startswith("'") else question
        raise OpenQuestion(question, choices)

    def choose(self, question: str, choices: Sequence[str]) -> Candidate:
        """One of the choices, as typed or by its beginning."""

        def read(answer: str) -> Candidate | None:
            near = [c for c in choices if answer and c.lower().startswith(answer.lower())]
            return Candidate("choice", near[0], 0, len(answer), answer, source="answer") if len(near) == 1 or answer in choices else None

        return self.ask(question, choices, read)

    def path(self, question: str, role: str, named: str = "") -> Candidate:
        """A data set, model or file; the choices are what is in the workspace, the nearest to `named` first."""

        def read(answer: str) -> Candidate | None:
            found = [c for c in find(answer, self._workspace, "answer") if fits_role(c, role)]
            return found[0] if found else None

        return self.ask(question, likely(role, self._workspace, named), read)


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


def likely(role: str, workspace: Path, named: str = "") -> list[str]:
    """Names in the workspace that could fill this role, at most 8: the newest first, or the nearest to `named`."""
    if role == "documents":
        names = folders_in(workspace)
    else:
        names = [n for n in names_in(workspace) if kind_of(n, workspace) == ("model" if role == "model" else "dataset")]
        names = [n for n in names if role == "model" or not NO_DATA.search(n)]
    names.sort(key=lambda n: -_changed(workspace / n))
    if role == "model":
        names = ["builtin", *names]
    if named:
        names.sort(key=lambda n: -SequenceMatcher(None, n.lower(), named.lower()).ratio())
    return names[:MOST_CHOICES]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def wording(tool: str, field: FieldSpec) -> str:
    known = lexicon().questions.get(f"{tool}.{field.name}")
    return known or f"Which {field.name.replace('_', ' ')} should {tool} use? ({field.description})"
