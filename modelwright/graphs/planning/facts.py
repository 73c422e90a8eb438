"""What is remembered of the user and may stand where the request says nothing: "my model is mine.gguf".

A fact fills things of the user's only (a model, a data set, documents, an index, the hardware), with the source
memory:ID. It never chooses a tool, and never touches money, limits or policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.graphs.planning.fields import FieldSpec

ROLES = frozenset({"model", "dataset", "documents"})
NAMES = frozenset({"index", "gpu", "hardware", "memory_gib"})


@dataclass(frozen=True)
class Fact:
    id: str
    field: str
    """The argument that it is for: model, dataset, gpu, or finetune.model for one tool alone."""
    value: str | int | float


def fact_for(tool: str, field: FieldSpec, facts: Sequence[Fact]) -> Fact | None:
    """The newest fact (the last) for this argument; one for this very tool goes before one for all."""
    if field.role not in ROLES and field.name not in NAMES:
        return None
    for name in (f"{tool}.{field.name}", field.name):
        found = [f for f in facts if f.field == name]
        if found:
            return found[-1]
    return None
