"""From intents to steps without arguments: a known workflow where one fits, else one step for each intent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.contract import Tool
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.fields import main_dataset, measures
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.precision import is_quantized
from modelwright.graphs.planning.workflows import TemplateStep, Workflow
from modelwright.types import Effect, Step

ONLY_READS = frozenset({Effect.READS_FILES, Effect.COMPUTES})
"""What a tool may do that gives the same when it is called again."""
_REFERENCE = re.compile(r"^(\$)(s\d+)(?=\.)")
_NAMED_STEP = re.compile(r"\b(step )(s\d+)\b")


@dataclass
class Draft:
    """A step that is being filled."""

    tool: Tool
    clause: Clause
    """The words of the request that speak of this step; empty for one that only the workflow has."""
    nearby: Clause = field(default_factory=lambda: Clause(()))
    """For a step that only the workflow has: all words of the workflow."""
    workflow: str = ""
    template: TemplateStep | None = None
    order: tuple[str, ...] = ()
    """The tools of the workflow, in their order."""
    dataset: Candidate | None = None
    """Set when one clause names several data sets and each gets a step of its own."""
    model: Candidate | None = None
    waits: bool = False
    """Said before what it waits for ("evaluate m after training it"): the model it names is the one that comes out."""
    chosen: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    """What the planning model chose for its arguments."""
    id: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def as_step(self) -> Step:
        expect = self.template.expect if self.template else {}
        return Step.model_validate({"id": self.id, "tool": self.tool.name, "args": self.args, "sources": self.sources, "expect": expect})


@dataclass(frozen=True)
class Source:
    """What is known of the model that the request starts from."""

    is_gguf: bool = False
    """A GGUF file, the built-in model, or nothing said (then it is the built-in one)."""
    is_whole: bool = False
    """A GGUF file in full precision."""


def source_of(intents: Sequence[Intent], found: Sequence[Candidate], answered: str | None, workspace: Path) -> Source:
    """Of the model that the draft would quantize, else of the one that the request names first, or an answer."""
    chosen = [c for i in intents if i.tool == "quantize" for c in i.chosen.get("model", ())]
    first = next((str(c.value) for c in (*chosen, *found) if c.kind == "model"), answered or "builtin")
    is_file = first.lower().endswith(".gguf")
    return Source(is_file or first == "builtin", is_file and not is_quantized(first, workspace))


def make(intents: Sequence[Intent], tools: Mapping[str, Tool], workflow: Workflow | None, source: Source) -> list[Draft]:
    """The steps in order, numbered s1, s2 …"""
    drafts: list[Draft] = []
    planned = _of_workflow(workflow, intents, tools, source) if workflow else []
    covered = [i for i in intents if workflow and (i.tool in workflow.covers or not workflow.covers)]
    for intent in intents:
        if intent in covered:
            covered.remove(intent)
            drafts += _up_to(planned, intent.tool) if covered else planned
        else:
            drafts += _one_for_each(Draft(tools[intent.tool], intent.clause, waits=intent.waits, chosen=intent.chosen))
    for number, draft in enumerate(drafts, 1):
        draft.id = f"s{number}"
    return drafts


def _up_to(planned: list[Draft], tool: str) -> list[Draft]:
    """Take the workflow's steps from the front, as far as the one of this tool: other steps may stand between."""
    places = [n for n, draft in enumerate(planned) if draft.tool.name == tool]
    taken = planned[: places[0] + 1] if places else []
    del planned[: len(taken)]
    return taken


def _of_workflow(workflow: Workflow, intents: Sequence[Intent], tools: Mapping[str, Tool], source: Source) -> list[Draft]:
    mine = [i for i in intents if i.tool in workflow.covers or not workflow.covers]
    asked = {i.tool: i for i in reversed(mine)}
    everything = Clause(tuple(token for i in mine for token in i.clause.tokens))
    drafts: list[Draft] = []
    order = tuple(s.tool for s in workflow.steps)
    shipped = source.is_gguf or any(s.only_if_gguf and s.tool in asked for s in workflow.steps)
    for step in workflow.steps:
        intent = asked.get(step.tool)
        left_out = (step.skip_if_gguf and source.is_whole) or (step.only_if_gguf and not shipped) or step.only_if_asked
        if intent is None and left_out:
            continue
        clause, chosen = (intent.clause, intent.chosen) if intent else (Clause(()), {})
        drafts.append(Draft(tools[step.tool], clause, everything, workflow.name, step, order, chosen=chosen))
    return drafts


def _one_for_each(draft: Draft) -> list[Draft]:
    """A tool that only reads is called once for each data set that its clause names, an evaluation once for each model."""
    tool, found = draft.tool, draft.clause.candidates
    datasets = list({c.value: c for c in found if c.kind in ("dataset", "missing")}.values())
    if tool.effects <= {Effect.READS_FILES} and main_dataset(tool) and len(datasets) > 1 and not draft.chosen.get(main_name(tool)):
        return [Draft(tool, draft.clause, dataset=c) for c in datasets]
    models = list({c.value: c for c in found if c.kind == "model"}.values())
    alone = "model" in tool.args.model_fields and "draft_model" not in tool.args.model_fields
    if measures(tool) and alone and len(models) > 1 and "model" not in draft.chosen:
        return [Draft(tool, draft.clause, model=c) for c in models]
    return [draft]


def without_repeats(drafts: Sequence[Draft]) -> list[Draft]:
    """Of steps that write nothing one that says no more than another is left out; ids are counted anew, and what referred to it refers to
    the other."""
    kept: list[Draft] = []
    now: dict[str, str] = {}
    for draft in drafts:
        draft.args = renumbered(draft.args, now)
        draft.sources = {name: _NAMED_STEP.sub(lambda m: m[1] + now.get(m[2], m[2]), text) for name, text in draft.sources.items()}
        reads = draft.tool.effects <= ONLY_READS
        same = [d for d in kept if reads and d.tool.name == draft.tool.name and _says_no_more(draft, d)]
        if same:
            now[draft.id] = same[0].id
            continue
        now[draft.id] = f"s{len(kept) + 1}"
        draft.id = now[draft.id]
        kept.append(draft)
    return kept


def _says_no_more(draft: Draft, other: Draft) -> bool:
    """The same, or the same with some of the numbers of one list: "1, 4 and 16" and then "4 and 16"."""
    differing = [name for name in {**draft.args, **other.args} if draft.args.get(name) != other.args.get(name)]
    if not differing:
        return True
    mine, theirs = draft.args.get(differing[0]), other.args.get(differing[0])
    if len(differing) > 1 or not (isinstance(mine, list) and isinstance(theirs, list)):
        return False
    return bool(mine) and all(isinstance(v, int | float) for v in [*mine, *theirs]) and {*mine} < {*theirs}


def renumbered(value: Any, now: Mapping[str, str]) -> Any:
    """Arguments with the new ids in their references."""
    if isinstance(value, dict):
        return {key: renumbered(part, now) for key, part in value.items()}
    if isinstance(value, list):
        return [renumbered(part, now) for part in value]
    return _REFERENCE.sub(lambda m: m[1] + now.get(m[2], m[2]), value) if isinstance(value, str) else value


def main_name(tool: Tool) -> str:
    found = main_dataset(tool)
    return found.name if found else ""
