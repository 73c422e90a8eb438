"""Drafts of held-out requests, with the adapter and without, and the record of how right they are.

What is scored is the draft alone: kind, tools in their order, and the stated arguments that a draft can hold. Words of
the request (a question) and the results of earlier steps are the planner's to fill, so they do not count. A first step
without an argument that it needs is a question, as the planner makes it one.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from modelwright.canonical import sha256_of_path
from modelwright.contract import Tool
from modelwright.graphs.planning import candidates, slots
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import is_free_text
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.named import value_of
from modelwright.models import compact
from modelwright.models.adapter import Adapter
from modelwright.models.base import Draft, DraftQuestion
from modelwright.models.builtin import BuiltinModel
from modelwright.scoring.plans import score
from modelwright.scoring.stats import compare
from modelwright.types import Json

MOST_CARDS = 8
"""Without the adapter: the tools that are expected, and others up to this."""


@dataclass(frozen=True)
class Outcome:
    id: str
    kind: bool
    tools: bool
    args: bool
    seconds: float
    draft: str
    problem: str


def outcomes(model: BuiltinModel, cases: Sequence[Json], tools: Mapping[str, Tool]) -> list[Outcome]:
    return [_outcome(model, case, tools) for case in cases]


def _outcome(model: BuiltinModel, case: Json, tools: Mapping[str, Tool]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="planner-") as folder:
        make_things(case, tools, Path(folder))
        indexes = [args["index"] for args in case.get("args", {}).values() if "index" in args]
        found = candidates.find(case["request"], Path(folder), indexes=indexes)
        question, tags = slots.question(case["request"], found, _shown(case, tools, model.tuned_tools))
        draft = model.draft(question)
    result = score(expectation(case, tools), plan_of(draft, question, tags, tools))
    return Outcome(case["id"], result.kind, result.tools, result.args, draft.seconds, compact.written(draft), result.problem)


def _shown(case: Json, tools: Mapping[str, Tool], known: frozenset[str]) -> list[Tool]:
    """All tools that are known by heart; of the others the expected ones and those that stand before them in the list.

    So the model without an adapter has a perfect recall: the difference is the adapter's alone, or less.
    """
    if known:
        return [tool for name, tool in tools.items() if name in known]
    wanted = [name.rstrip("?") for text in case.get("tools", ()) for name in text.split("|")]
    names = dict.fromkeys([*(n for n in wanted if n in tools), *tools])
    return [tools[name] for name in sorted(list(names)[:MOST_CARDS])]


def make_things(case: Json, tools: Mapping[str, Tool], folder: Path) -> None:
    """The files and folders that the expected arguments name, as far as they lie inside of the workspace."""
    for names, args in case.get("args", {}).items():
        specs = fields_of(tools[names.split("|")[0]].args) if names.split("|")[0] in tools else {}
        for name, value in args.items():
            for one in value if isinstance(value, list) else [value]:
                if name in specs and specs[name].role in ("model", "dataset", "file") and isinstance(one, str):
                    _make(folder, one, specs[name].role)


def _make(folder: Path, name: str, role: str) -> None:
    if name == "builtin" or name.startswith(("/", "~", "..", "openai:")) or "*" in name or (role == "model" and _on_hub(name)):
        return
    path = folder / name
    if role == "model" and not name.endswith(".gguf"):
        path.mkdir(parents=True, exist_ok=True)
        (path / "config.json").write_text("{}")
    elif not path.suffix:
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")


def _on_hub(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith(".") and name != name.lower()


def expectation(case: Json, tools: Mapping[str, Tool]) -> Json:
    """What of the case a draft can hold."""
    kept: dict[str, Json] = {}
    for names, args in case.get("args", {}).items():
        specs = {name: spec for tool in names.split("|") if tool in tools for name, spec in fields_of(tools[tool].args).items()}
        kept[names] = {k: v for k, v in args.items() if not (k in specs and is_free_text(specs[k])) and not str(v).startswith("$")}
    return {**case, "args": kept}


def plan_of(draft: Draft, question: DraftQuestion, tags: Mapping[str, Candidate], tools: Mapping[str, Tool]) -> Json:
    """The draft as a plan with values in place of tags."""
    if draft.kind != "plan":
        return {"kind": draft.kind, "steps": [{"tool": step.tool, "args": {}} for step in draft.steps]}
    steps: list[Json] = [
        {"id": f"s{n}", "tool": step.tool, "args": _values(step.fields, tags, tools[step.tool])} for n, step in enumerate(draft.steps, 1)
    ]
    first = fields_of(tools[draft.steps[0].tool].args)
    missing = [f.name for f in first.values() if f.required and not is_free_text(f) and f.name not in steps[0]["args"]]
    return {"kind": "question" if missing else "plan", "steps": steps, "question": ", ".join(missing)}


def _values(fields: Mapping[str, Sequence[str]], tags: Mapping[str, Candidate], tool: Tool) -> Json:
    specs, args = fields_of(tool.args), dict[str, Any]()
    for name, texts in fields.items():
        values = [_value(specs[name].inner, tags[text], specs[name]) if text in tags else text for text in texts]
        args[name] = values if specs[name].is_list else values[0]
    return args


def _value(inner: str, candidate: Candidate, spec: Any) -> Any:
    return value_of(spec, candidate) if inner in ("integer", "number") and not isinstance(candidate.value, str) else candidate.value


# the record -----------------------------------------------------------------------------------------------------


def summary(found: Sequence[Outcome], cases: Sequence[Json]) -> Json:
    """Rates over the cases of each kind, and seconds a draft."""
    rows = list(zip(found, cases, strict=True))
    plans = [o for o, c in rows if c["kind"] == "plan"]
    rate = {kind: [o.kind for o, c in rows if c["kind"].split("|")[0] == kind] for kind in ("question", "none")}
    return {
        "rows": len(found),
        "right": sum(o.kind and o.tools and o.args for o in found),
        "plans": len(plans),
        "tools": sum(o.kind and o.tools for o in plans),
        "tools_and_arguments": sum(o.kind and o.tools and o.args for o in plans),
        **{f"{kind}s": len(kinds) for kind, kinds in rate.items()},
        **{f"{kind}s_right": sum(kinds) for kind, kinds in rate.items()},
        "median_seconds": round(median(o.seconds for o in found), 3),
    }


def record(adapter: Adapter, tuned: Sequence[Outcome], untuned: Sequence[Outcome], cases: Sequence[Json], held_out: Path) -> Json:
    """What scores.json holds: which adapter was measured, and how it did beside the model without it on the cases of both."""
    both = {o.id for o in untuned}
    pairs = [[float(o.kind and o.tools and o.args) for o in side if o.id in both] for side in (untuned, tuned)]
    difference = compare(pairs[0], pairs[1], seed=7)
    return {
        "adapter": {
            "sha256": sha256_of_path(adapter.file),
            "bytes": adapter.file.stat().st_size,
            "language": compact.VERSION,
            "tools": sorted(adapter.tools),
        },
        "held_out": {"file": held_out.name, "sha256": sha256_of_path(held_out), "rows": len(cases)},
        "tuned": summary(tuned, cases),
        "untuned": summary(untuned, [case for case in cases if case["id"] in both]),
        "paired": {
            "rows": difference.n,
            "gain": round(difference.difference, 4),
            "interval": [round(difference.low, 4), round(difference.high, 4)],
            "p_value": difference.p_value,
            "test": "McNemar, Newcombe's interval",
        },
        "machine": f"{platform.machine()}, 1 thread, llama-cpp-python {version('llama-cpp-python')}",
        "wrong": [{"id": o.id, "draft": o.draft, "problem": o.problem} for o in tuned if not (o.kind and o.tools and o.args)],
    }


def read_cases(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
