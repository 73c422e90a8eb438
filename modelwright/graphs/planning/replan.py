"""What to do instead after a step failed, where a rule knows it from the typed reason. No model is asked.

Each rule looks at the failed step and the error and gives changed steps with a word on why, or nothing. The new plan is
checked, shown and approved like the first; the graph refuses one that was tried before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelwright.contract import Tool
from modelwright.graphs import references
from modelwright.graphs.planning.fields import fields_of
from modelwright.types import Json, Plan, Step

Changed = tuple[list[Step], str]
"""The steps that stand in place of the failed one, and why."""
Rule = Callable[[Step, Json, Plan, Mapping[str, Tool]], Changed | None]
WITHOUT_MATRIX = {"IQ1": "Q2_K", "IQ2": "Q2_K", "IQ3": "Q3_K_S"}
"""The nearest types that need no importance matrix."""


def by_rule(plan: Plan, failed_step: str, error: Json, tools: Mapping[str, Tool]) -> Plan | None:
    """The changed plan with the reason, or None when no rule knows this failure."""
    step = next((s for s in plan.steps if s.id == failed_step), None)
    if step is None or step.tool not in tools:
        return None
    for rule in RULES:
        found = rule(step, error, plan, tools)
        if found:
            steps, why = found
            return plan.model_copy(
                update={"steps": _numbered(plan.steps, step, steps), "hash": None, "reason": f"new plan after {step.id} failed: {why}"}
            )
    return None


def _whole_source(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """quantize reads full-precision GGUF files: anything else is exported first."""
    if (
        step.tool != "quantize"
        or "export_model" not in tools
        or not _says(error, "quantized already", "is not a GGUF file", "is an adapter")
    ):
        return None
    if str(step.args.get("model", "")).startswith("$"):
        giver = str(step.args["model"])[1:].split(".")[0]
        if next((s.tool for s in plan.steps if s.id == giver), "") == "export_model":
            return None  # it was exported already: exporting again would change nothing
    export = Step(
        id="s0",
        tool="export_model",
        args={"model": step.args["model"], "format": "gguf"},
        sources={"model": step.sources.get("model", "repair"), "format": "repair"},
    )
    return [export, _with(step, {"model": "$s0.model"}, "step s0")], "the model is exported to a full-precision GGUF file first"


def _matrix(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """A type below 3 bits needs an importance matrix: from a data set that the plan names, else the nearest type without one."""
    if not _says(error, "needs an importance matrix") or "imatrix_dataset" not in tools[step.tool].args.model_fields:
        return None
    for other in plan.steps:
        for name, field in fields_of(tools[other.tool].args).items():
            if field.role == "dataset" and isinstance(other.args.get(name), str) and other.args[name][0] != "$":
                source = other.sources.get(name, "repair")
                return [
                    _with(step, {"imatrix_dataset": other.args[name]}, source)
                ], f"the importance matrix is made from {other.args[name]}"
    types = [WITHOUT_MATRIX.get(str(t)[:3].upper(), t) for t in step.args.get("types", [])]
    if types == step.args.get("types", []):
        return None
    return [
        _with(step, {"types": list(dict.fromkeys(types))}, "repair")
    ], f"no data set for an importance matrix is named, so {', '.join(types)}"


def _less_memory(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """Out of memory: half the batch; at one row half the length."""
    if not _says(error, "out of memory", "more memory", "memory limit", "smaller batch", "MemoryError", "cannot allocate"):
        return None
    fields = fields_of(tools[step.tool].args)
    for name, least in (("batch_size", 1), ("max_length", 64), ("context_length", 256)):
        value = step.args.get(name, fields[name].default if name in fields else None)
        if isinstance(value, int) and value > least:
            return [
                _with(step, {name: max(least, value // 2)}, "repair")
            ], f"it ran out of memory, so {name} is {max(least, value // 2)} instead of {value}"
    return None


def _gentler(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """A loss that became NaN or grew: a tenth of the learning rate."""
    if error.get("type") != "TrainingFailed" or not _says(error, "became nan", "became inf", "lower learning_rate", "grew"):
        return None
    rate = step.args.get("learning_rate")
    new = rate / 10 if isinstance(rate, int | float) else 1e-4
    return [_with(step, {"learning_rate": new}, "repair")], f"the training did not hold, so learning_rate is {new:g}"


def _pairs(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """Preference pairs are for align."""
    if step.tool != "finetune" or "align" not in tools or not _says(error, "preference pairs"):
        return None
    kept = {k: v for k, v in step.args.items() if k in tools["align"].args.model_fields and k != "method"}
    new = Step(id=step.id, tool="align", args=kept, sources={k: v for k, v in step.sources.items() if k in kept})
    return [new], "the rows are preference pairs, so they are aligned on instead of imitated"


def _wider(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """Weights too large for f16 are exported as bf16."""
    if step.tool != "export_model" or not _says(error, "too large for f16") or step.args.get("dtype") == "bf16":
        return None
    return [_with(step, {"dtype": "bf16"}, "repair")], "the weights are too large for f16, so they are written as bf16"


def _shorter(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """A bound that the tool names in its hint: "use at most 2048"."""
    match = re.search(r"use at most (\d+)", str(error.get("fix", "")))
    wanted = next((n for n in ("max_length", "context_length", "max_new_tokens") if n in str(error.get("message", ""))), "")
    if not match or wanted not in tools[step.tool].args.model_fields:
        return None
    return [_with(step, {wanted: int(match.group(1))}, "repair")], f"{wanted} is {match.group(1)}, the most that this model takes"


def _free_place(step: Step, error: Json, plan: Plan, tools: Mapping[str, Tool]) -> Changed | None:
    """What is there is never written over: the same name with a number."""
    name = next((n for n, f in fields_of(tools[step.tool].args).items() if f.role == "output"), "")
    place = step.args.get(name)
    if not _says(error, "exists already") or not isinstance(place, str):
        return None
    stem, dot, ending = place.rpartition(".") if re.search(r"\.\w+$", place) else (place.rstrip("/"), "", "")
    match = re.fullmatch(r"(.*)-(\d+)", stem)
    stem = f"{match.group(1)}-{int(match.group(2)) + 1}" if match else f"{stem}-2"
    return [_with(step, {name: f"{stem}{dot}{ending}"}, "repair")], f"{place} is there already, so it is written to {stem}{dot}{ending}"


RULES: Sequence[Rule] = (_whole_source, _matrix, _pairs, _wider, _gentler, _shorter, _free_place, _less_memory)


def _says(error: Json, *phrases: str) -> bool:
    text = f"{error.get('message', '')} {error.get('fix', '')}".lower()
    return any(phrase.lower() in text for phrase in phrases)


def _with(step: Step, changes: Json, source: str) -> Step:
    return step.model_copy(update={"args": {**step.args, **changes}, "sources": {**step.sources, **dict.fromkeys(changes, source)}})


def _numbered(old: Sequence[Step], failed: Step, new: Sequence[Step]) -> list[Step]:
    """The steps with `new` in place of the failed one, numbered again, references and sources with them. Decisions are made anew."""
    steps = [s for step in old for s in (new if step.id == failed.id else [step])]
    names = {step.id: f"s{number}" for number, step in enumerate(steps, 1)}
    return [
        step.model_copy(
            update={
                "id": names[step.id],
                "args": _renamed(step.args, names),
                "sources": {
                    k: re.sub(r"\bstep (s\d+)", lambda m: f"step {names.get(m.group(1), m.group(1))}", v) for k, v in step.sources.items()
                },
                "estimate": None,
                "decision": None,
                "rule": None,
                "defaults": {},
            }
        )
        for step in steps
    ]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str) and (match := references.REFERENCE.match(value)):
        return value.replace(f"${match.group(1)}.", f"${names.get(match.group(1), match.group(1))}.", 1)
    if isinstance(value, dict):
        return {k: _renamed(v, names) for k, v in value.items()}
    return [_renamed(v, names) for v in value] if isinstance(value, list) else value
