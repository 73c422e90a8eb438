"""Runs on paper with the real tools' names and shapes: plan, trace and ledger as a run leaves them, only the numbers are made up."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from modelwright import tools
from modelwright.agent.past import Past
from modelwright.agent.runs import Runs
from modelwright.agent.trace import TraceWriter, next_seq
from modelwright.canonical import sha256_of
from modelwright.events import Emitter, EventType
from modelwright.graphs.ledger import Ledger
from modelwright.types import Plan, Step

Result = dict[str, Any]


def write_run(db: sqlite3.Connection, request: str, *steps: tuple[str, Result, Result | None], status: str = "done", **more: Any) -> Past:
    """A run of (tool, args, result) steps; a step without a result did not run. `more`: error, checks, started, asked, rejected …"""
    run = Runs(db).create(request, {})
    emitter = Emitter(run, [TraceWriter(db)], first_seq=next_seq(db, run))
    made = [
        Step(id=f"s{n}", tool=tool, args=args, sources=dict.fromkeys(args, "request[0:1]"), expect=more.get("expect", {}))
        for n, (tool, args, _) in enumerate(steps, 1)
    ]
    plan = Plan(request=request, steps=made).model_dump(mode="json")
    emitter.emit(EventType.PLAN_PROPOSED, plan=plan)
    for step, (tool, args, result) in zip(made, steps, strict=True):
        emitter.emit(EventType.DECISION, step.id, **more.get("decision", {"decision": "allow", "rule": "a-rule", "reason": "it may"}))
        if result is not None:
            _run_step(db, emitter, run, step.id, tool, args, result, more.get("checks", []))
    if "started" in more:
        emitter.emit(EventType.TOOL_STARTED, more["started"])
    if more.get("asked"):
        emitter.emit(EventType.APPROVAL_ASKED, steps=more["asked"])
    if more.get("rejected"):
        emitter.emit(EventType.APPROVAL_GIVEN, None, by="user", reject={more["rejected"]: ""})
    if more.get("error"):
        emitter.emit(EventType.TOOL_FAILED, made[-1].id, error=more["error"])
    spent = {"steps": len(steps), "seconds": 75.0, "tokens": 120, "cost": 0.0}
    Runs(db).update(run, status=status, exit_code=0, plan=plan if steps else None, spent=spent, error=more.get("error"))
    return Past.of(db, run)


def _run_step(
    db: sqlite3.Connection, emitter: Emitter, run: str, step: str, tool: str, args: Result, result: Result, checks: list[Result]
) -> None:
    key = sha256_of([run, step])
    Ledger(db).start(key, tools.load(tool), args, {}, run, step)
    Ledger(db).done(key, {"summary": f"{tool} was run", "artifacts": [], **result}, 1_000_000)
    emitter.emit(EventType.TOOL_STARTED, step)
    emitter.emit(EventType.TOOL_FINISHED, step, key=key, seconds=37.5, summary=f"{tool} was run")
    emitter.emit(EventType.VERIFIED, step, passed=all(c["passed"] for c in checks), checks=checks)


def finetune(workspace: Path, name: str = "tuned", **args: Any) -> tuple[str, Result, Result]:
    """A training step whose adapter lies in the workspace."""
    folder = workspace / name
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "builtin"}', encoding="utf-8")
    given = {"model": "builtin", "dataset": "train.jsonl", "eval_dataset": "dev.jsonl", **args}
    artifact = {"path": str(folder), "kind": "adapter", "sha256": "0" * 64, "bytes": 9_800_000}
    return "finetune", given, {"model": str(folder), "artifacts": [artifact]}


def export(workspace: Path, model: str = "$s1.model", name: str = "tuned.gguf") -> tuple[str, Result, Result]:
    return "export_model", {"model": model}, {"model": str(workspace / name)}


def quantize(workspace: Path, model: str = "$s2.model", **args: Any) -> tuple[str, Result, Result]:
    path = str(workspace / "tuned-Q8_0.gguf")
    return "quantize", {"model": model, **args}, {"models": [path], "quantizations": [{"model": path}]}


def score(mean: float, low: float | None, high: float | None) -> Result:
    return {"mean": mean, "low": low, "high": high, "n": 32, "method": "bootstrap"}


def evaluate(model: str, rubric: Result, *, data: str = "eval.jsonl", metric: str = "rubric") -> tuple[str, Result, Result]:
    result = {"model": model, "name": Path(model).name, "scores": {metric: rubric}, "dataset": {"path": data, "sha256": sha256_of(data)}}
    return "evaluate", {"model": model, "dataset": data}, result


def compare(a: str, b: str, scores: tuple[Result, Result], verdict: str, *, data: str = "eval.jsonl") -> tuple[str, Result, Result]:
    names = [Path(a).name, Path(b).name]
    models = [{"model": m, "name": n, "scores": {"rubric": s}} for m, n, s in zip((a, b), names, scores, strict=True)]
    difference = scores[1]["mean"] - scores[0]["mean"]
    pair = {"a": names[0], "b": names[1], "metric": "rubric", "difference": difference, "low": difference - 0.05, "high": difference + 0.05}
    result = {
        "models": models,
        "pairs": [{**pair, "p_value": 0.01, "n": 32, "verdict": verdict}],
        "verdict": verdict,
        "verdict_metric": "rubric",
        "dataset": {"path": data, "sha256": sha256_of(data)},
    }
    return "compare", {"models": [a, b], "dataset": data}, result
