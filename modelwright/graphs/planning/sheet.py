"""What is known while a plan is filled: candidates, what was used, which models exist so far. Used by the filling rooms.

fill.py          order of the fields, numbers and named values
fill_data.py     data sets
fill_models.py   models, one or a list
fill_wiring.py   what a known workflow fixes
fill_folded.py   steps that turn out to be one
fill_left.py     what is said in a clause that no step took
fill_trusted.py  numbers of which a draft is sure
fill_same.py     what two steps share
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.graphs.planning import named
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.facts import Fact
from modelwright.graphs.planning.fields import FieldSpec, fields_of, made_models
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.questions import Answers, fits_role, wording

Rank = Callable[[str, Sequence[str]], Sequence[float]]
"""(text that leads to a value, values) -> log-probability of each in nats."""
OUTPUT_LEADS = ("to", "into", "as", "at", "under")
THINGS = frozenset({"dataset", "model", "missing", "folder", "file", "output", "glob"})
"""Kinds of candidates that are things of the user's, there or not."""


@dataclass(frozen=True)
class Made:
    """A model that an earlier step gives."""

    step: str
    reference: str


class Sheet:
    """The state of one plan's filling. A value is put together with its evidence, never without."""

    def __init__(
        self,
        request: str,
        candidates: Sequence[Candidate],
        drafts: Sequence[Draft],
        answers: Answers,
        workspace: Path,
        facts: Sequence[Fact] = (),
    ) -> None:
        self.request, self.drafts, self.answers, self.workspace, self.facts = request, list(drafts), answers, workspace, facts
        self.candidates = list(candidates)
        self.used: set[Candidate] = set()
        self.answered: set[Candidate] = set()
        """Numbers out of bounds, for which an answer gave another value."""
        self.made: dict[str, list[Made]] = {}
        """Tool name -> the models of its latest step; the newest last."""
        self.source: tuple[Any, str] | None = None
        """The model that the request starts from, with its evidence."""
        self.rank: Rank | None = None
        """How likely the planning model finds values; None where it cannot tell."""
        self.trusted = False
        """Whether the steps follow a draft that is likely: its numbers need no name beside them."""
        self.asks = False
        """Whether the draft is sure that something is missing."""
        self.wordless = False
        """Whether the request does not say what to look for: "can you look something up for me"."""

    def inside(self, clause: Clause) -> list[Candidate]:
        """All candidates that stand on the words of a clause, those of named values under longer ones too."""
        return [c for c in self.candidates if any(t.start < c.end and c.start < t.end for t in clause.tokens)]

    def unused(self) -> list[str]:
        """What the request says and no step takes: files, models, a second method, numbers ("the first 50 rows", "dropout 0.1")."""
        values = {str(value).lower() for draft in self.drafts for value in _flat(draft.args)}
        left = [c for c in self.candidates if c not in self.used and str(c.value).lower() not in values]
        numbers = [said for c in left if c.kind == "number" and (said := named.in_words(c, self.request))]
        return [*(c.text for c in left if self._asks_for_something(c)), *numbers]

    def _asks_for_something(self, candidate: Candidate) -> bool:
        """A thing of the user's; or another value of an argument that a step has been given ("with lora and with dora")."""
        if candidate.kind in THINGS:
            return True
        fields = [name for name, kind in lexicon().tables.items() if kind == candidate.kind]
        return any(name in draft.args for draft in self.drafts for name in fields)

    def put(self, draft: Draft, field: str, candidate: Candidate, value: Any = None) -> None:
        draft.args[field] = candidate.value if value is None else value
        draft.sources[field] = candidate.evidence
        self.used.add(candidate)

    def refer(self, draft: Draft, field: str, made: Sequence[Made]) -> None:
        draft.args[field], draft.sources[field] = made[-1].reference, f"step {made[-1].step}"

    def latest(self) -> list[Made]:
        return list(self.made.values())[-1]

    def existing(self, candidate: Candidate, field: FieldSpec, draft: Draft) -> Candidate:
        """The candidate if it is there; what is not there is asked about, with the nearest names as choices."""
        if fits_role(candidate, field.role):
            return candidate
        what = "is no model folder" if candidate.kind == "folder" else "does not exist"
        question = f"{candidate.value} {what}. {wording(draft.tool.name, field)}"
        return self.answers.path(question, field.role, named=str(candidate.value))

    def may_be_data(self, candidate: Candidate, draft: Draft) -> bool:
        if candidate.evidence in draft.sources.values() or self.is_written(candidate):
            return False
        return candidate.kind in ("dataset", "file", "folder") or (candidate.kind == "missing" and not self.model_like(candidate))

    def may_be_model(self, candidate: Candidate, draft: Draft) -> bool:
        if candidate.evidence in draft.sources.values() or self.is_written(candidate):
            return False
        if candidate.kind == "folder":
            return not any(c.kind == "folder" and c != candidate for c in draft.clause.candidates) and any(
                c.kind == "dataset" for c in draft.clause.candidates
            )
        return candidate.kind == "model" or (candidate.kind == "missing" and self.model_like(candidate))

    def is_written(self, candidate: Candidate) -> bool:
        """ "out=ckpt/d1; score ckpt/d1": what a step of the plan makes is not there yet, and is that step's result."""
        return candidate.kind in ("missing", "folder") and any(candidate.value == d.args.get("output") for d in self.drafts)

    def model_like(self, candidate: Candidate) -> bool:
        """Of something that is not there: does its name say model? Without an ending, the word before it tells."""
        name = str(candidate.value).lower()
        if name.endswith((".gguf", ".safetensors", ".bin", ".pt")):
            return True
        before = self.request[: candidate.start].rstrip("\"'`“ ").lower()
        return "." not in name.rsplit("/", 1)[-1] and not before.endswith((" on", " with", " from", " data", " dataset", " in", " using"))

    def remember(self, draft: Draft) -> None:
        """What later steps can refer to. The first model of the plan is the baseline of comparisons."""
        fields = fields_of(draft.tool.args)
        if self.source is None and "model" in fields:
            if "model" in draft.args:
                self.source = (draft.args["model"], draft.sources["model"])
            elif fields["model"].default:
                self.source = (fields["model"].default, "default")
        for name, is_list in made_models(draft.tool).items():
            self.made.pop(draft.tool.name, None)
            if is_list:
                count = len(draft.args.get("types") or fields["types"].default or [1]) if "types" in fields else 1
                self.made[draft.tool.name] = [Made(draft.id, f"${draft.id}.{name}[{i}]") for i in range(count)]
            else:
                self.made[draft.tool.name] = [Made(draft.id, f"${draft.id}.{name}")]


def _flat(value: Any) -> Iterator[Any]:
    """Every plain value in nested arguments."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _flat(inner)
    else:
        yield value
