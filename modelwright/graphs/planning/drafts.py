"""From intents to steps without arguments: a known workflow where one fits, else one step for each intent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelwright.contract import Tool
from modelwright.graphs.planning import workflows
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.fields import main_dataset, measures
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.workflows import TemplateStep, Workflow
from modelwright.types import Effect, Step


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
    dataset: Candidate | None = None
    """Set when one clause names several data sets and each gets a step of its own."""
    model: Candidate | None = None
    waits: bool = False
    """Said before what it waits for ("evaluate m after training it"): the model it names is the one that comes out."""
    id: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def as_step(self) -> Step:
        expect = self.template.expect if self.template else {}
        return Step.model_validate({"id": self.id, "tool": self.tool.name, "args": self.args, "sources": self.sources, "expect": expect})


def make(intents: Sequence[Intent], tools: Mapping[str, Tool], *, is_gguf: bool) -> list[Draft]:
    """The steps in order, numbered s1, s2 …"""
    workflow = workflows.choose([i.tool for i in intents], tools)
    drafts: list[Draft] = []
    for intent in intents:
        if workflow and intent.tool in workflow.covers:
            if not any(d.workflow for d in drafts):
                drafts += _of_workflow(workflow, intents, tools, is_gguf)
        else:
            drafts += _one_for_each(Draft(tools[intent.tool], intent.clause, waits=intent.waits))
    for number, draft in enumerate(drafts, 1):
        draft.id = f"s{number}"
    return drafts


def _of_workflow(workflow: Workflow, intents: Sequence[Intent], tools: Mapping[str, Tool], is_gguf: bool) -> list[Draft]:
    clauses = {i.tool: i.clause for i in reversed(intents) if i.tool in workflow.covers}
    everything = Clause(tuple(token for i in intents if i.tool in workflow.covers for token in i.clause.tokens))
    steps = [s for s in workflow.steps if not (s.skip_if_gguf and is_gguf and s.tool not in clauses)]
    return [Draft(tools[s.tool], clauses.get(s.tool, Clause(())), everything, workflow.name, s) for s in steps]


def _one_for_each(draft: Draft) -> list[Draft]:
    """A tool that only reads is called once for each data set that its clause names, an evaluation once for each model."""
    tool, found = draft.tool, draft.clause.candidates
    datasets = [c for c in found if c.kind in ("dataset", "missing")]
    if tool.effects <= {Effect.READS_FILES} and main_dataset(tool) and len(datasets) > 1:
        return [Draft(tool, draft.clause, dataset=c) for c in datasets]
    models = list({c.value: c for c in found if c.kind == "model"}.values())
    if measures(tool) and "model" in tool.args.model_fields and len(models) > 1:
        return [Draft(tool, draft.clause, model=c) for c in models]
    return [draft]
