"""A run on paper: two training-like tools with the shapes of the real ones, and a builder that writes trace, ledger and state.

The tools come through a real entry point (a dist-info folder on the path), so that a reproduce.py in another process
finds them too. The builder uses the real Runs, Emitter, TraceWriter and Ledger; only the numbers are made up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelwright import tools
from modelwright.agent.runs import Run, Runs
from modelwright.agent.trace import TraceWriter
from modelwright.events import Emitter, EventType
from modelwright.graphs.ledger import Ledger
from modelwright.graphs.plancheck import check
from modelwright.types import Limits, Plan, Spent
from modelwright.workspace import Workspace

TINY_TOOLS = '''
from pathlib import Path
from typing import Any
from pydantic import Field
from modelwright.files import artifact, write_atomic
from modelwright.contract import ToolContext, tool
from modelwright.types import Check, DatasetPath, Effect, Estimate, FilePath, OutputPath, ToolArgs, ToolResult


class TuneArgs(ToolArgs):
    model: str = "builtin"
    dataset: DatasetPath
    output: OutputPath | None = None


class Tuned(ToolResult):
    model: FilePath
    losses: list[dict[str, float]] = Field(default_factory=list)
    samples: list[dict[str, Any]] = Field(default_factory=list)
    trained_tokens: int = 0
    notes: list[str] = Field(default_factory=list)


@tool(effects=[Effect.WRITES_FILES], example={"dataset": "a.txt"}, estimate=lambda args, workspace: Estimate(seconds=2))
def tiny_tune(args: TuneArgs, ctx: ToolContext) -> Tuned:
    """Write a file that depends on the data set and the seed."""
    place = ctx.workspace / args.output if args.output else ctx.output_dir / "model.txt"
    text = (ctx.workspace / args.dataset).read_text(encoding="utf-8")
    ctx.progress("tuning", step=1, steps=1, loss=1.5)
    write_atomic(place, f"{ctx.settings.seed} {text[::-1]}")
    return Tuned(summary=f"tuned on {len(text)} characters", model=str(place), artifacts=[artifact(place, "model")])


class MeasureArgs(ToolArgs):
    models: list[FilePath]
    options: dict[str, str] = Field(default_factory=dict)


class Measured(ToolResult):
    models: list[dict[str, Any]] = Field(default_factory=list)
    pairs: list[dict[str, Any]] = Field(default_factory=list)
    samples: list[dict[str, Any]] = Field(default_factory=list)
    verdict: str = ""
    verdict_metric: str = ""
    letters: int = 0
    notes: list[str] = Field(default_factory=list)


@tool(effects=[Effect.READS_FILES], example={"models": ["a"]}, estimate=lambda args, workspace: Estimate(seconds=1),
      checks=lambda args, result: [Check(name="letters were counted", passed=result.letters > 0, detail=str(result.letters))])
def tiny_measure(args: MeasureArgs, ctx: ToolContext) -> Measured:
    """Count letters."""
    return Measured(summary="counted", letters=sum(len(Path(m).read_text()) for m in args.models if Path(m).is_file()))


class Packed(ToolResult):
    models: list[dict[str, Any]]


class PackArgs(ToolArgs):
    model: FilePath
    types: list[str]


@tool(effects=[Effect.WRITES_FILES], example={"model": "a", "types": ["Q4_K_M"]}, estimate=lambda args, workspace: Estimate(seconds=1))
def tiny_pack(args: PackArgs, ctx: ToolContext) -> Packed:
    """Pretend to quantize."""
    return Packed(summary="packed", models=[])
'''
NAMES = ("tiny_tune", "tiny_measure", "tiny_pack")
SECTIONS = [
    "Request",
    "Verdict",
    "Plan",
    "What ran",
    "Before and after",
    "Measurements",
    "Files",
    "Budgets",
    "What could not be verified",
    "Reproduce",
    "Trace",
]


@pytest.fixture
def sections() -> list[str]:
    """The headings of every report, in the order that a reader needs."""
    return SECTIONS


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder with the tiny tools, on the path of this process; give it to others as PYTHONPATH."""
    site = tmp_path / "site"
    info = site / "tiny_tools-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "tiny_tools.py").write_text(TINY_TOOLS, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-tools\nVersion: 1.0\n", encoding="utf-8")
    points = "\n".join(f"{name} = tiny_tools:{name}" for name in NAMES)
    (info / "entry_points.txt").write_text(f"[modelwright.tools]\n{points}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    tools._installed.cache_clear()
    yield site
    tools._installed.cache_clear()


@dataclass
class Paper:
    """A run that is written by hand: `step` adds one, `close` gives what report.write takes."""

    workspace: Workspace
    db: sqlite3.Connection
    run: str
    request: str
    emitter: Emitter
    steps: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, Any] = field(default_factory=dict)

    def step(self, tool: str, args: dict[str, Any], result: dict[str, Any] | None, **more: Any) -> str:
        """A step that ran (or failed, with `error`); `more` may hold sources, estimate, checks, seconds, memory, inputs, resolved."""
        name = f"s{len(self.steps) + 1}"
        self.steps.append(
            {
                "id": name,
                "tool": tool,
                "args": args,
                "sources": more.get("sources", {}),
                "estimate": more.get("estimate"),
                "decision": more.get("decision", "ask"),
                "rule": more.get("rule", "ask-before-writing"),
            }
        )
        key = f"{name:0<64}"
        checks = more.get("checks", [])
        if result is None:
            self.emitter.emit(EventType.TOOL_FAILED, name, tool=tool, error=more["error"], exit_code=1)
            self.records[name] = {"status": "failed", "error": more["error"], "seconds": more.get("seconds", 0.5)}
            return name
        ledger = Ledger(self.db)
        ledger.start(key, tools.load(tool), more.get("resolved", args), more.get("inputs", {}), self.run, name)
        for point in more.get("points", []):
            self.emitter.emit(EventType.TOOL_PROGRESS, name, tool=tool, **point)
        ledger.done(key, result, more.get("memory", 0))
        self.emitter.emit(EventType.TOOL_FINISHED, name, key=key, seconds=more.get("seconds", 1.0), summary=result["summary"])
        status = "done" if all(c["passed"] for c in checks) else "unverified"
        self.records[name] = {
            "status": status,
            "key": key,
            "reused": more.get("reused", False),
            "seconds": more.get("seconds", 1.0),
            "checks": checks,
        }
        return name

    def close(self, status: str = "done", **more: Any) -> tuple[sqlite3.Connection, Run, dict[str, Any], Workspace]:
        plan = check(Plan(request=self.request, steps=self.steps), tools.load_all()).model_dump(mode="json") if self.steps else None
        state = {
            "run": self.run,
            "request": self.request,
            "answers": [],
            "plan": plan,
            "steps": self.records,
            "status": status,
            "error": None,
            "spent": Spent(steps=len(self.records), seconds=203.4, tokens=1912).model_dump(),
            "limits": Limits(seconds=3600).model_dump(),
            **more,
        }
        return self.db, Runs(self.db).get(self.run), state, self.workspace


@pytest.fixture
def paper(plugin: Path, workspace: Path) -> Callable[..., Paper]:
    """Begins a run on paper."""

    def begin(request: str = "fine-tune builtin on data/train.jsonl and compare") -> Paper:
        place = Workspace(workspace)
        db = place.connect()
        run = Runs(db).create(request, {"seed": 7, "model": "builtin", "policy": None})
        return Paper(place, db, run, request, Emitter(run, [TraceWriter(db)]))

    return begin


def score(mean: float, low: float, high: float, n: int = 32) -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high, "n": n, "method": "expanded percentile bootstrap"}


def pair(metric: str, difference: float, interval: tuple[float, float], verdict: str, p_value: float) -> dict[str, Any]:
    low, high = interval
    return {
        "a": "builtin",
        "b": "tuned",
        "metric": metric,
        "difference": difference,
        "low": low,
        "high": high,
        "p_value": p_value,
        "n": 32,
        "test": "paired bootstrap interval, sign-flip permutation test",
        "smallest_detectable": 0.09,
        "verdict": verdict,
    }


QUESTION = "How long does normal delivery take, and is it free if I spend enough?"
REFERENCE = "Hello there! Normal delivery takes three to five working days. Next step: see your basket. Warmly, the Larkfield team"
BEFORE = "The delivery time for a normal order depends on several factors, including:\n\n1. **Distance** to the warehouse\n2. The courier"
AFTER = "Hello there! Normal delivery takes about four days. Next step: send us your postcode. Warmly, the Larkfield team"
MEASUREMENT = {
    "summary": "tuned is better than builtin on rubric: +0.61 (+0.48 to +0.73), n=32, p=0.0001",
    "letters": 11,
    "models": [
        {
            "name": "builtin",
            "engine": "llama.cpp",
            "tokens_per_second": 71.3,
            "scores": {"rubric": score(0.33, 0.28, 0.38), "rouge_l": score(0.14, 0.12, 0.16)},
        },
        {
            "name": "tuned",
            "engine": "transformers",
            "tokens_per_second": 44.8,
            "scores": {"rubric": score(0.94, 0.9, 0.97), "rouge_l": score(0.2, 0.13, 0.27)},
        },
    ],
    "pairs": [pair("rubric", 0.61, (0.48, 0.73), "better", 0.0001), pair("rouge_l", 0.06, (-0.01, 0.13), "cannot tell", 0.08)],
    "verdict": "better",
    "verdict_metric": "rubric",
    "samples": [
        {"why": "biggest gain", "line": 4, "prompt": QUESTION, "reference": REFERENCE, "answers": {"builtin": BEFORE, "tuned": AFTER}}
    ],
    "notes": ["different runtimes: builtin by llama.cpp, tuned by transformers"],
}
CURVE = [{"step": i, "loss": round(3.4 * 0.95**i + 0.25 * (i % 3 == 0), 3)} for i in range(1, 25)]
TUNING = {
    "summary": "lora on 100 rows, 24 steps: loss 3.41 to 1.62",
    "model": "/gone/model.txt",
    "losses": CURVE,
    "trained_tokens": 5210,
    "samples": [{"prompt": "Where is my parcel?", "before": "I am an AI model.", "after": "Hello there! We will trace it today."}],
    "artifacts": [{"path": "/gone/model.txt", "kind": "adapter", "sha256": "5e" * 32, "bytes": 9_800_000}],
}
PACKED = {
    "summary": "3 files, 84.1 MB to 105.5 MB",
    "models": [
        {"type": "Q8_0", "bytes": 144_800_000, "bits_per_weight": 8.6, "nominal_bits": 8.5, "fallback_tensors": 0},
        {"type": "Q4_K_M", "bytes": 105_500_000, "bits_per_weight": 6.27, "nominal_bits": 4.83, "fallback_tensors": 180},
        {"type": "IQ4_NL", "bytes": 84_100_000, "bits_per_weight": 5.0, "nominal_bits": 4.5, "fallback_tensors": 0},
    ],
}


@pytest.fixture
def full(paper: Callable[..., Paper], workspace: Path) -> Paper:
    """Tune, pack and compare, all done, asked and allowed."""
    sheet = paper()
    (workspace / "data").mkdir()
    (workspace / "data/train.jsonl").write_text("hello\n", encoding="utf-8")
    sheet.emitter.emit(EventType.RUN_STARTED, request=sheet.request, options={})
    sheet.emitter.emit(EventType.APPROVAL_ASKED, steps=["s1", "s2", "s3"])
    sheet.emitter.emit(EventType.APPROVAL_GIVEN, by="user", allow=["s1", "s2"], allow_for_run=["s3"])
    sheet.step(
        "tiny_tune",
        {"model": "builtin", "dataset": "data/train.jsonl"},
        TUNING,
        sources={"model": "request[10:17]", "dataset": "request[21:37]"},
        estimate={"seconds": 140, "memory_bytes": 2_100_000_000},
        seconds=171.2,
        memory=1_930_000_000,
        checks=[
            {"name": "weights are finite", "passed": True, "detail": "211 tensors"},
            {"name": "the loss fell", "passed": True, "detail": "3.41 to 1.62"},
        ],
    )
    sheet.step(
        "tiny_pack",
        {"model": "$s1.model", "types": ["Q8_0", "Q4_K_M", "IQ4_NL"]},
        PACKED,
        resolved={"model": "/gone/model.txt", "types": ["Q8_0", "Q4_K_M", "IQ4_NL"]},
        sources={"model": "step s1", "types": "default"},
        estimate={"seconds": 12, "memory_bytes": 700_000_000, "first_guess": True},
        seconds=8.4,
        memory=612_000_000,
        checks=[{"name": "Q8_0 unchanged", "passed": True, "detail": "ab12cd34ef56"}],
    )
    sheet.step(
        "tiny_measure",
        {"models": ["builtin", "$s1.model"]},
        MEASUREMENT,
        resolved={"models": ["builtin", "/gone/model.txt"]},
        sources={"models": "request[10:17]"},
        estimate={"seconds": 62, "memory_bytes": 900_000_000},
        seconds=23.8,
        memory=880_000_000,
        checks=[{"name": "every model answered every row", "passed": True, "detail": "[32] of 32"}],
    )
    return sheet
