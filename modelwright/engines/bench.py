"""Put one model, or two in turn, under load and write down every request.

spec: {"sides": [{"name", "model", "engine", "key_variable"} …], "prompt_tokens", "output_tokens", "distribution", "spread",
       "dataset"?, "concurrency", "rate", "arrival", "sweep", "requests", "repeats", "warmup", "prefix_cache", "enforce_output",
       "timeout_seconds", "objective", "seed", "threads", "cache_dir", "output_dir", "args"}
result: {"points", "comparison", "knee", "workload", "system", "notes", "files": {name: path}}

Two facts to know. With two sides every load is measured in blocks A B, B A, A B …, each on fresh contexts, so that what
drifts over minutes falls on both. And requests.jsonl is kept whatever happens: also when every request failed.

A job that was killed starts again from the beginning: half a measurement is none.
"""

from __future__ import annotations

import json
import math
import shlex
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelwright import files
from modelwright.canonical import sha256_of_path
from modelwright.engines import bench_machine, bench_plot, bench_prompts, load_types
from modelwright.engines.bench_progress import Progress
from modelwright.engines.bench_sides import Side, open_side
from modelwright.engines.bench_verdict import compare, notes
from modelwright.engines.child import Job
from modelwright.engines.load_types import Load, Options, Request
from modelwright.errors import BadRequest, ToolFailed
from modelwright.scoring.latency import Objective, Record
from modelwright.scoring.load_points import Machine, Point, knee_of, point

Json = dict[str, Any]
SWEEP_POINTS = 6
SWEEP_CONCURRENCY = 8
"""Where a sweep looks for the most throughput when no concurrency above 1 is given."""


@dataclass
class Bench:
    """One call: its settings, and what was measured so far."""

    spec: Json
    job: Job
    sides: list[Side] = field(default_factory=list)
    records: dict[tuple[str, str], list[list[Record]]] = field(default_factory=dict)
    usage: dict[tuple[str, str], list[bench_machine.Usage]] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    salt: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    rows: list[list[Json]] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)

    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.job, _total(self.spec))

    @property
    def lengths(self) -> bench_prompts.Lengths:
        spec = self.spec
        return bench_prompts.Lengths(spec["prompt_tokens"], spec["output_tokens"], spec["distribution"], spec["spread"])

    @property
    def objective(self) -> Objective:
        return Objective(**self.spec["objective"])

    @property
    def options(self) -> Options:
        return Options(self.spec["enforce_output"], self.spec["prefix_cache"], self.spec["timeout_seconds"])


def run(spec: Json, job: Job) -> Json:
    bench = Bench(spec, job)
    if spec["dataset"]:
        bench.rows = bench_prompts.conversations(Path(spec["dataset"]))
    system = bench_machine.system_card()
    folder = Path(spec["output_dir"])
    with files.clear_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lines = files.partial_name(folder / "requests.jsonl")
    lines.write_text("", encoding="utf-8")
    try:
        job.progress("opening the model")
        bench.sides = [open_side(side, spec, bench.options, slots=_slots(spec), longest=_longest(bench)) for side in spec["sides"]]
        for load in _loads(bench):
            measure(bench, load, lines)
        workload = _workload(bench)
    finally:
        for side in bench.sides:
            side.target.close()
        files.publish(lines, folder / "requests.jsonl")
    return _result(bench, workload, system, folder)


def _slots(spec: Json) -> int:
    """The most requests at once in process."""
    most: int = max(spec["concurrency"])
    return max(most, SWEEP_CONCURRENCY) if spec["sweep"] and most == 1 else most


def _longest(bench: Bench) -> int:
    """Tokens of prompt and answer together; of a data set by its characters, with a mark and a template."""
    if not bench.rows:
        return bench.lengths.longest + 16
    characters = max(sum(len(str(message["content"])) for message in row) for row in bench.rows)
    return characters // 2 + 128 + bench.lengths.longest


def _loads(bench: Bench) -> Iterator[Load]:
    """The loads in order. A sweep goes from one at a time to as many as fit, then to rates between."""
    spec, slots = bench.spec, _slots(bench.spec)
    if spec["sweep"]:
        yield load_types.closed(1)
        yield load_types.closed(slots)
        best = max(one.requests_per_second.value for one in bench.points)
        rates = [round(best * (step + 1) / SWEEP_POINTS, 4) for step in range(SWEEP_POINTS)]
    else:
        rates = spec["rate"]
        if not rates:
            yield from map(load_types.closed, dict.fromkeys(spec["concurrency"]))
    for rate in rates:
        yield load_types.opened(rate, spec["requests"], spec["arrival"], slots, spec["seed"])


def measure(bench: Bench, load: Load, lines: Path) -> None:
    """All repeats of one load, the sides in turn."""
    bench.loads.append(load)
    for repeat in range(bench.spec["repeats"]):
        for side in bench.sides if repeat % 2 == 0 else reversed(bench.sides):
            _one_run(bench, side, load, repeat, lines)
    for side in bench.sides:
        bench.points.append(_point(bench, side, load))
    if all(one.errors == one.requests for one in bench.points):
        first = next(iter(bench.points[0].error_kinds))
        raise ToolFailed(
            f"all {bench.points[0].requests} requests failed: {first}", fix="the output folder's requests.jsonl has each of them"
        )


def _one_run(bench: Bench, side: Side, load: Load, repeat: int, lines: Path) -> None:
    spec = bench.spec
    where = f"{side.name}, {load.name}, repeat {repeat + 1} of {spec['repeats']}"
    side.target.fresh()
    warm, measured = _requests(bench, side, load, repeat)
    if warm:
        bench.progress.at(f"{where}: warming up")
        side.target.run(warm, load_types.closed(min(load.concurrency, len(warm))))
    bench.progress.at(where)
    with bench_machine.Meter(side.target.pids(), gpu=bool(bench_machine.energy_sources())) as meter:
        records = side.target.run(measured, load, bench.progress.ended)
    bench.records.setdefault((side.name, load.name), []).append(records)
    bench.usage.setdefault((side.name, load.name), []).append(meter.usage)
    head = {"side": side.name, "load": load.name, "repeat": repeat, "seed": spec["seed"]}
    with files.clear_os_errors(lines), lines.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps({**head, **_plain(record)}) + "\n" for record in records)


def _plain(record: Record) -> Json:
    """JSON has no NaN."""
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in asdict(record).items()}


def _total(spec: Json) -> int:
    """Requests that are measured in all."""
    loads = SWEEP_POINTS + 2 if spec["sweep"] else len(spec["rate"] or set(spec["concurrency"]))
    requests: int = loads * spec["repeats"] * len(spec["sides"]) * spec["requests"]
    return requests


def _requests(bench: Bench, side: Side, load: Load, repeat: int) -> tuple[list[Request], list[Request]]:
    """Warm-up and measured requests: the same lengths and words for both sides, each behind a mark of its own."""
    spec = bench.spec
    mark = f"{bench.salt}{bench.sides.index(side)}{len(bench.loads)}{repeat}-"
    salt = None if spec["prefix_cache"] else mark
    count, warmup = spec["requests"], spec["warmup"]

    def draw(count: int, first: int) -> list[Request]:
        seed = spec["seed"] + repeat
        if bench.rows:
            return bench_prompts.from_rows(bench.rows, bench.lengths, count, seed=seed, salt=salt, first=first)
        return bench_prompts.made(bench.lengths, count, seed=seed, salt=salt, first=first)

    return draw(warmup, count) if warmup else [], draw(count, 0)


def _point(bench: Bench, side: Side, load: Load) -> Point:
    repeats, usage = bench.records[side.name, load.name], bench.usage[side.name, load.name]
    joules = [one.energy_joules for one in usage if one.energy_joules is not None]
    written = sum(record.output_tokens for part in repeats for record in part if record.ok)
    machine = Machine(
        peak_memory_bytes=max((one.peak_memory_bytes or 0 for one in usage), default=0) or None,
        gpu_memory_bytes=max((one.gpu_memory_bytes or 0 for one in usage), default=0) or None,
        energy_joules=sum(joules) if joules else None,
        joules_per_output_token=sum(joules) / written if joules and written else None,
        other_cpu_cores=round(sum(one.other_cpu_cores for one in usage) / len(usage), 2),
    )
    enforced = bench.options.enforce_output
    return point(side.name, load.name, repeats, bench.objective, machine, concurrency=load.concurrency, rate=load.rate, enforced=enforced)


def _workload(bench: Bench) -> Json:
    """Everything that the numbers depend on and that is not the machine."""
    spec = bench.spec
    data = Path(spec["dataset"]) if spec["dataset"] else None
    kept = ("prompt_tokens", "output_tokens", "distribution", "spread", "arrival", "requests", "repeats", "warmup", "prefix_cache")
    return {
        **{name: spec[name] for name in kept},
        "loads": [load.name for load in bench.loads],
        "sides": [{"name": side.name, "model": side.model.ref, "identity": side.identity, **side.target.card()} for side in bench.sides],
        "dataset": {"path": str(data), "sha256": sha256_of_path(data), "prompts": len(bench.rows)} if data else None,
        "enforce_output": spec["enforce_output"],
        "timeout_seconds": spec["timeout_seconds"],
        "objective": bench.objective.as_dict(),
        "order": "A B, B A, A B …" if len(bench.sides) > 1 else "one side",
        "salt": None if spec["prefix_cache"] else bench.salt,
        "seed": spec["seed"],
        "replay": f"modelwright call benchmark --args {shlex.quote(json.dumps(spec['args'], ensure_ascii=False))}",
    }


def _result(bench: Bench, workload: Json, system: Json, folder: Path) -> Json:
    if not bench.points:
        raise BadRequest("there is no load to measure", fix="give concurrency, rate or sweep")
    knee = knee_of(bench.points)
    points = [one.model_dump(mode="json") for one in bench.points]
    found = notes(bench.points, workload, system)
    if bench.spec["sweep"] and knee is None:
        found.append("no knee: within the measured loads latency does not bend upwards")
    written = {"requests": "requests.jsonl", "workload": "workload.json", "system": "system.json"}
    for name, card in (("workload", workload), ("system", system)):
        files.write_json(folder / written[name], card)
    try:
        bench_plot.draw(folder / "latency_throughput.png", points, knee.model_dump() if knee else None, bench.objective.as_dict())
        written["plot"] = "latency_throughput.png"
    except ImportError:
        found.append("no plot: matplotlib is not installed (pip install matplotlib)")
    result = {
        "points": points,
        "comparison": [one.model_dump(mode="json") for load in bench.loads for one in _compared(bench, load)],
        "knee": knee.model_dump(mode="json") if knee else None,
        "workload": workload,
        "system": system,
        "notes": found,
    }
    files.write_json(folder / "benchmark.json", result)
    written["result"] = "benchmark.json"
    return {**result, "files": {name: str(folder / file) for name, file in written.items()}}


def _compared(bench: Bench, load: Load) -> Sequence[Any]:
    if len(bench.sides) < 2:
        return []
    a, b = (bench.records[side.name, load.name] for side in bench.sides)
    return compare(load.name, a, b)
