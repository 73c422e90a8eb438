"""`benchmark`: how fast a model answers, alone and under load, with the definition beside every number.

Two facts to know. A closed load (`concurrency`) measures capacity, an open one (`rate`) measures the latency that users
see; `sweep` looks for the knee between them. And with a `baseline` both sides take turns, A B B A, and a winner is named
only when the 99% interval of the difference leaves out zero, which takes 8 repeats.

It measures speed, not quality (compare and evaluate do). TTFT of an endpoint has its queue and the network in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from modelwright.contract import ToolContext, tool
from modelwright.files import artifact
from modelwright.modelrefs import Model, base_paths, endpoint, resolve
from modelwright.scoring.latency import Knee
from modelwright.scoring.load_points import Point
from modelwright.scoring.signed_rank import FEWEST_BLOCKS, Difference
from modelwright.tools import _bench
from modelwright.tools._bench import EngineName
from modelwright.types import Check, DatasetPath, Effect, Estimate, FilePath, Json, ModelRef, ToolArgs, ToolResult

Verdict = Literal["model is better", "baseline is better", "cannot tell"]
SWEEP_LOADS = 8
CHARACTERS_PER_TOKEN = 4


class Args(ToolArgs):
    model: ModelRef = Field(description="what to measure: builtin, a .gguf file, a model folder, or openai:http://host/v1#name")
    engine: EngineName | None = Field(None, description="unset: endpoint for openai:…, llama.cpp for GGUF, else transformers")
    prompt_tokens: int = Field(128, ge=1, le=1_000_000, description="tokens of a prompt (the mean, with a distribution)")
    output_tokens: int = Field(
        64, ge=1, le=100_000, description="tokens of an answer (the mean, with a distribution; the most, with a dataset)"
    )
    distribution: Literal["fixed", "normal", "lognormal", "uniform"] = Field("fixed", description="of the lengths over the requests")
    spread: float = Field(
        0.3, gt=0, le=1, description="standard deviation of the lengths as a share of their mean; fixed lengths have none"
    )
    dataset: DatasetPath | None = Field(None, description="take the prompts from here; prompt_tokens is not used then")
    concurrency: list[int] = Field([1], min_length=1, max_length=12, description="closed loads: requests that run at once, one load each")
    rate: list[float] = Field(
        default_factory=list,
        max_length=12,
        description="open loads instead: requests a second, one load each; the slots in process are the largest concurrency",
    )
    arrival: Literal["constant", "poisson"] = Field("poisson", description="gaps between the requests of an open load")
    sweep: bool = Field(False, description="find the knee: one at a time, as many as fit, then six rates up to the most throughput")
    requests: int = Field(8, ge=1, le=100_000, description="measured requests of each load and repeat")
    repeats: int | None = Field(None, ge=1, le=200, description="times each load is measured; unset: 8 with a baseline, else 1")
    warmup: int = Field(1, ge=0, le=1000, description="requests before each measurement that are left out of it")
    baseline: ModelRef | None = Field(None, description="second model or endpoint, measured in turn with the first, A B B A")
    prefix_cache: Literal["off", "on"] = Field("off", description="off: every prompt begins differently; on: all prompts are the same")
    enforce_output: bool = Field(True, description="go on behind an end of turn until output_tokens are written")
    ttft_ms: float | None = Field(None, gt=0, description="objective: most time to the first token, ms, waiting included")
    tpot_ms: float | None = Field(None, gt=0, description="objective: most time per output token, ms")
    e2e_ms: float | None = Field(None, gt=0, description="objective: most time of a request, ms, waiting included")
    timeout_seconds: float = Field(120, gt=0, le=86_400, description="after this an endpoint's request counts as failed, seconds")
    seed: int | None = Field(None, ge=0, description="of words, lengths and arrivals; unset: the settings' seed")

    @model_validator(mode="after")
    def _one_kind_of_load(self) -> Args:
        if self.sweep and self.rate:
            raise ValueError("sweep finds the rates itself: leave rate out")
        if any(count < 1 or count > 4096 for count in self.concurrency):
            raise ValueError("concurrency is 1 to 4096 requests at once")
        if any(not 0 < rate <= 1e6 for rate in self.rate):
            raise ValueError("rate is above 0 requests a second")
        return self

    @property
    def rounds(self) -> int:
        return self.repeats or (FEWEST_BLOCKS if self.baseline else 1)

    @property
    def load_count(self) -> int:
        return SWEEP_LOADS if self.sweep else len(self.rate or self.concurrency)

    @property
    def objective(self) -> dict[str, float]:
        parts = {"ttft_ms": self.ttft_ms, "tpot_ms": self.tpot_ms, "e2e_ms": self.e2e_ms}
        return {name: value for name, value in parts.items() if value is not None}


class Result(ToolResult):
    model: ModelRef
    engine: EngineName
    points: list[Point] = Field(description="one a load and side")
    verdict: Verdict | None = Field(
        description="on the first load: throughput in a closed one, latency in an open one; null without a baseline"
    )
    comparison: list[Difference] = Field(
        description="B is the model, A the baseline; other than the verdict's they are not corrected for number"
    )
    knee: Knee | None
    cache: str = Field(description="what is known of prefix caches during the measurement")
    workload: Json = Field(description="workload card: everything the numbers depend on but the machine")
    system: Json = Field(description="system card: machine, versions, what else ran")
    result_path: FilePath = Field(description="JSON of points, comparison, knee and cards; cost reckons from it (benchmark_result)")
    requests_path: str = Field(description="JSON lines: side, load, repeat and the times of every request, seconds from the run's start")
    plot_path: str | None = Field(description="latency against throughput; null without matplotlib")
    notes: list[str] = Field(description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    """Requests x (reading + writing) for each load, repeat and side, from the counts alone; loads with a rate take their time."""
    seconds, memory = 2.0, 0
    for ref in filter(None, (args.model, args.baseline)):
        model = _bench.try_resolve(ref, workspace)
        engine = "endpoint" if model.kind == "endpoint" else args.engine or ("llama.cpp" if model.kind == "gguf" else "transformers")
        seconds += _bench.LOADING_SECONDS[engine] + _seconds(args, model, engine, workspace)
        most = max(args.concurrency)
        memory += _bench.memory_of(model, engine, most * (_prompt_tokens(args, workspace) + args.output_tokens))
    lines = args.load_count * args.rounds * args.requests * (2 if args.baseline else 1)
    return Estimate(seconds=round(seconds, 1), memory_bytes=memory, disk_bytes=200_000 + lines * (300 + 20 * args.output_tokens))


def settle(args: Args, workspace: Path) -> Json:
    """Lengths and loads that another argument replaces have no part; one measurement goes without saying."""
    return {
        "prompt_tokens": None if args.dataset else args.prompt_tokens,
        "concurrency": None if args.rate or args.sweep else args.concurrency,
        "repeats": args.rounds if args.baseline else None,
    }


def _seconds(args: Args, model: Model, engine: str, workspace: Path) -> float:
    loads = [(count, 0.0) for count in args.concurrency] if not (args.rate or args.sweep) else []
    loads += [(max(args.concurrency), (args.requests - 1) / rate) for rate in args.rate]
    loads += [(1, 0.0)] * SWEEP_LOADS if args.sweep else []
    prompt = _prompt_tokens(args, workspace)

    def work(requests: float, most: int) -> float:
        return _bench.seconds_of_runs(model, engine, requests, prompt, args.output_tokens, most)

    return args.rounds * sum(work(args.warmup, 1) + max(work(args.requests, most), sending) for most, sending in loads)


def _prompt_tokens(args: Args, workspace: Path) -> float:
    if args.dataset is None:
        return args.prompt_tokens
    path = _absolute(args.dataset, workspace)
    try:
        size, rows = path.stat().st_size, path.read_bytes().count(b"\n") if path.stat().st_size < 50e6 else path.stat().st_size / 2000
    except OSError:
        size, rows = 2000, 1
    return size / max(1, rows) / CHARACTERS_PER_TOKEN + 30


def _absolute(path: str, workspace: Path) -> Path:
    return (workspace / Path(path).expanduser()).absolute()


def checks(args: Args, result: Result) -> Sequence[Check]:
    """Every load was measured, every request is on record, the lengths are what was asked for, and the load's failures are few."""
    wanted = args.load_count * (2 if args.baseline else 1)
    requests = sum(point.requests for point in result.points)
    path = Path(result.requests_path)
    lines = path.read_bytes().count(b"\n") if path.is_file() else 0
    failed = sum(point.errors for point in result.points)
    made = [
        Check(name="every load was measured", passed=len(result.points) == wanted, detail=f"{len(result.points)} of {wanted}"),
        Check(name="every request is on record", passed=lines == requests > 0, detail=f"{lines} lines for {requests} requests"),
        Check(name="requests succeeded", passed=failed == 0, detail=f"{failed} of {requests} failed"),
        Check(name="times are in order", passed=all(map(_in_order, result.points)), detail="first token within end to end"),
    ]
    if args.prefix_cache == "off":
        hits = sum(point.cached_tokens or 0 for point in result.points)
        read = sum(point.prompt_tokens.mean * point.prompt_tokens.n for point in result.points if point.prompt_tokens)
        made.append(Check(name="no prefix cache was measured", passed=hits <= read / 2, detail=result.cache))
    return made


def _in_order(point: Point) -> bool:
    return point.ttft_ms is None or point.e2e_ms is None or 0 <= point.ttft_ms.p50 <= point.e2e_ms.p50


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "builtin", "prompt_tokens": 128, "output_tokens": 64, "concurrency": [1, 2]},
    estimate=estimate,
    checks=checks,
    volatile=True,
    decisive=("prompt_tokens", "output_tokens", "concurrency", "requests", "repeats"),
    settle=settle,
    reads=lambda args, workspace: base_paths([ref for ref in (args.model, args.baseline) if ref], workspace),
    keywords=(
        "benchmark",
        "speed",
        "fast",
        "slow",
        "latency",
        "throughput",
        "tokens per second",
        "ttft",
        "tpot",
        "load",
        "knee",
        "goodput",
    ),
)
def benchmark(args: Args, ctx: ToolContext) -> Result:
    """Measure how fast a model answers under load: TTFT, TPOT, throughput, goodput, memory, and where the knee is."""
    models = [resolve(ref, ctx.workspace) for ref in filter(None, (args.baseline, args.model))]
    engines = [_bench.engine_of(models[-1], args.engine)]
    if args.baseline:
        both_take = models[0].kind == models[-1].kind
        engines.insert(0, _bench.engine_of(models[0], args.engine if both_take else None))
    names = _names(args, models)
    sides = [_bench.side(name, model, engine, ctx.settings) for name, model, engine in zip(names, models, engines, strict=True)]
    done = ctx.job("bench", _specification(args, ctx, sides))
    points = [Point.model_validate(one) for one in done["points"]]
    comparison = [Difference.model_validate(one) for one in done["comparison"]]
    verdict = _verdict(args, comparison) if args.baseline else None
    knee = Knee.model_validate(done["knee"]) if done["knee"] else None
    written = done["files"]
    return Result(
        summary=_summary(names[-1], points, verdict, comparison) + _knee(knee),
        artifacts=[artifact(Path(path), name) for name, path in written.items()],
        model=args.model,
        engine=engines[-1],
        points=points,
        verdict=verdict,
        comparison=comparison,
        knee=knee,
        cache=_cache(args, points),
        workload=done["workload"],
        system=done["system"],
        result_path=written["result"],
        requests_path=written["requests"],
        plot_path=written.get("plot"),
        notes=done["notes"],
    )


def _specification(args: Args, ctx: ToolContext, sides: Sequence[Json]) -> Json:
    taken = ("prompt_tokens", "output_tokens", "distribution", "spread", "concurrency", "rate", "arrival", "sweep", "requests", "warmup")
    return _bench.specification(
        ctx,
        sides,
        ctx.output_dir.absolute(),
        **{name: getattr(args, name) for name in (*taken, "enforce_output", "timeout_seconds", "objective")},
        dataset=str(_absolute(args.dataset, ctx.workspace)) if args.dataset else None,
        repeats=args.rounds,
        prefix_cache=args.prefix_cache == "on",
        seed=ctx.settings.seed if args.seed is None else args.seed,
        args=args.model_dump(mode="json", exclude_defaults=True),
    )


def _names(args: Args, models: Sequence[Model]) -> list[str]:
    """Names for people; the baseline says what it is where both have the same."""
    names = [endpoint(model.ref).address if model.kind == "endpoint" else model.name for model in models]
    if len(names) == 2 and names[0] == names[1]:
        return [f"{names[0]} (baseline)", names[1]]
    return names


def _decisive(args: Args, comparison: Sequence[Difference]) -> Difference | None:
    wanted = "scheduled_e2e_ms" if args.rate else "output_tokens_per_second"
    return next((one for one in comparison if one.metric == wanted), None)


def _verdict(args: Args, comparison: Sequence[Difference]) -> Verdict:
    words: dict[str, Verdict] = {"B is better": "model is better", "A is better": "baseline is better"}
    one = _decisive(args, comparison)
    return words.get(one.verdict, "cannot tell") if one else "cannot tell"


def _cache(args: Args, points: Sequence[Point]) -> str:
    told = [point.cached_tokens for point in points if point.cached_tokens is not None]
    asked = "all prompts are the same" if args.prefix_cache == "on" else "every prompt begins with a mark of its own"
    if not told:
        return f"{asked}; the engine does not say what it took from a cache (a chat template's head may be shared)"
    return f"{asked}; {sum(told)} prompt tokens came from a cache"


def _summary(name: str, points: Sequence[Point], verdict: Verdict | None, comparison: Sequence[Difference]) -> str:
    shown = next(point for point in points if point.side == name)
    parts = [f"{name}, {shown.load}: {shown.output_tokens_per_second.value:.1f} tokens/s"]
    if shown.ttft_ms and shown.tpot_ms:
        parts.append(f"TTFT {shown.ttft_ms.p50:.0f} ms, TPOT {shown.tpot_ms.p50:.1f} ms (medians of {shown.requests} requests)")
    if shown.errors:
        parts.append(f"{shown.errors} failed")
    if verdict:
        parts.append(_difference(verdict, comparison))
    return ", ".join(parts)


def _knee(knee: Knee | None) -> str:
    return f"; the knee is at {knee.load}: {knee.output_tokens_per_second:.1f} tokens/s, {knee.latency_ms:.0f} ms" if knee else ""


def _difference(verdict: Verdict, comparison: Sequence[Difference]) -> str:
    if not comparison:
        return "cannot tell: no block was finished by both"
    one = comparison[0]
    between = "no interval" if one.low is None or one.high is None else f"{one.low:+.1f} to {one.high:+.1f}%"
    return f"{verdict}: throughput {one.percent:+.1f}% ({between})"
