"""`choose_engine`: which of llama.cpp, vLLM, SGLang, TensorRT-LLM, Ollama and transformers to run a model in, and why.

Two facts to know. The choice comes from a table with its sources (engines.toml): hard constraints rule out, the rest is
ranked, and every reason is shown. And what is installed here is measured on the model itself, briefly; a measurement that
contradicts the table by more than a factor of two wins over it.

It installs nothing and starts no server; servers that already run can be named in `endpoints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.errors import BadRequest, Interrupted, ModelwrightError
from modelwright.modelrefs import Model, base_paths, resolve
from modelwright.tools import _bench, _engine_table
from modelwright.tools._engine_table import EngineName, Hardware, Need, Standing, System
from modelwright.types import Check, Effect, Estimate, Json, ModelRef, Strict, ToolArgs, ToolResult

IN_PROCESS: tuple[Literal["llama.cpp", "transformers"], ...] = ("llama.cpp", "transformers")
MOST_AT_ONCE = 4
PROMPT_TOKENS, OUTPUT_TOKENS = 64, 16
CLEARLY = 2.0
"""How many times faster another engine must be measured before that overrules the table: one short run is no more exact."""


class Args(ToolArgs):
    model: ModelRef | None = Field(
        None,
        description="what is to be run: builtin, a .gguf file, a Hugging Face folder or an adapter folder; "
        "unset: any model in Hugging Face format, and nothing is measured",
    )
    users: int = Field(1, ge=1, le=1_000_000, description="requests that run at the same time")
    hardware: str | None = Field(
        None,
        description='what it will run on: cpu, nvidia, amd, apple, intel-gpu, or its name ("RTX 4090", "M2 Max"); unset: this machine\'s',
    )
    system: System | None = Field(None, description="operating system it will run on; unset: this machine's")
    needs: list[Need] = Field(default_factory=list, description="what the engine must provide; each one rules engines out")
    endpoints: dict[EngineName, ModelRef] = Field(
        default_factory=dict, description="servers that already run the model, to be measured too: {vLLM: openai:http://host:port/v1#name}"
    )
    measure: bool = Field(True, description="measure the engines that fit and are installed here, a few requests each")


class Measured(Strict):
    engine: EngineName
    output_tokens_per_second: float = Field(description="all requests together, at `concurrency` requests at once")
    ttft_ms: float = Field(description="median time to the first token, ms")
    tpot_ms: float = Field(description="median time per output token, ms")
    concurrency: int
    peak_memory_bytes: int | None


class Result(ToolResult):
    choice: EngineName | None = Field(description="null when no engine meets every constraint")
    why: list[str]
    ranking: list[Standing] = Field(description="the best first; those that do not fit come last, with what rules them out")
    measured: list[Measured]
    hardware: Hardware
    system: System
    table_read: str = Field(description="year and month in which the sources were read")
    install: str = Field(description="how to get the chosen engine; empty when none was chosen")
    notes: list[str]


def settle(args: Args, workspace: Path) -> Json:
    """Without a model nothing can be measured."""
    return {"measure": args.measure if args.model else None}


def estimate(args: Args, workspace: Path) -> Estimate:
    """Nothing without a measurement; with one, loading and a few short requests for each engine that may be measured."""
    if not args.measure or args.model is None:
        return Estimate(seconds=0.1, memory_bytes=50_000_000)
    model = _bench.try_resolve(args.model, workspace)
    engines = ["llama.cpp", "transformers"] if model.kind == "gguf" else ["transformers"]
    engines += ["endpoint"] * len(args.endpoints)
    requests = 1.0 + _requests(args.users)
    seconds = sum(
        _bench.LOADING_SECONDS[one] + 2 + _bench.seconds_of_runs(model, one, requests, PROMPT_TOKENS, OUTPUT_TOKENS, _at_once(args.users))
        for one in engines
    )
    memory = max(_bench.memory_of(model, one, 100.0 * _at_once(args.users)) for one in engines)
    return Estimate(seconds=round(seconds, 1), memory_bytes=memory, disk_bytes=200_000)


def _at_once(users: int) -> int:
    return min(users, MOST_AT_ONCE)


def _requests(users: int) -> int:
    return max(2, 2 * _at_once(users))


def checks(args: Args, result: Result) -> Sequence[Check]:
    """All six were judged, the choice is one that fits, and every judgement has a source."""
    by_name = {one.engine: one for one in result.ranking}
    fits = result.choice is None or by_name[result.choice].fits
    return [
        Check(name="all engines were judged", passed=len(by_name) == 6, detail=", ".join(by_name)),
        Check(name="the choice meets every constraint", passed=fits, detail=result.choice or "none does"),
        Check(name="every judgement has a source", passed=all(one.sources and one.reasons for one in result.ranking)),
    ]


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "builtin", "users": 4},
    estimate=estimate,
    checks=checks,
    decisive=("users", "measure"),
    settle=settle,
    volatile=True,
    reads=lambda args, workspace: base_paths([args.model] if args.model else [], workspace),
    keywords=(
        "engine",
        "choose",
        "which",
        "vllm",
        "sglang",
        "tensorrt",
        "ollama",
        "llama.cpp",
        "transformers",
        "serve",
        "recommend",
        "advice",
    ),
)
def choose_engine(args: Args, ctx: ToolContext) -> Result:
    """Choose an inference engine for a model from your constraints, with reasons, sources and a measurement."""
    model = resolve(args.model, ctx.workspace) if args.model else None
    if model and model.kind == "endpoint":
        raise BadRequest(f"{args.model} is a server already", fix="name the model's files, and the server in endpoints")
    hardware = _engine_table.hardware_of(args.hardware) if args.hardware else _engine_table.this_hardware()
    system = args.system or _engine_table.this_system()
    ranking = _engine_table.rank(model.kind if model else "hf", args.users, hardware, system, args.needs)
    measured, notes = _measured(args, ctx, model, ranking, hardware) if args.measure else ([], [])
    choice, why = _choose(ranking, measured)
    return Result(
        summary=_summary(choice, why, args),
        choice=choice,
        why=why,
        ranking=ranking,
        measured=measured,
        hardware=hardware,
        system=system,
        table_read=_engine_table.table()[1],
        install=next((one.install for one in ranking if one.engine == choice), ""),
        notes=notes,
    )


def _measured(
    args: Args, ctx: ToolContext, model: Model | None, ranking: Sequence[Standing], hardware: Hardware
) -> tuple[list[Measured], list[str]]:
    """One short run of each engine that fits and is here; what could not be measured is said."""
    found, notes = [], []
    if model is None:
        return [], ["nothing was measured: name a model, and what is installed here is measured with it"]
    if args.hardware and hardware != _engine_table.this_hardware():
        return [], [f"nothing was measured: this machine is {_engine_table.this_hardware()}, not {hardware}"]
    for one in ranking:
        side = _side(one, args, ctx, model)
        if side is None:
            continue
        ctx.progress(f"measuring {one.engine}")
        try:
            found.append(_measure(one.engine, args, ctx, side))
        except Interrupted:
            raise
        except ModelwrightError as error:
            notes.append(f"{one.engine} could not be measured: {error}")
    return found, notes


def _side(one: Standing, args: Args, ctx: ToolContext, model: Model) -> Json | None:
    """What to run for this engine: a server that was named, or the library; None when there is neither."""
    if one.engine in args.endpoints:
        server = resolve(args.endpoints[one.engine], ctx.workspace)
        return _bench.side(one.engine, server, _bench.engine_of(server, "endpoint"), ctx.settings)
    for name in IN_PROCESS:
        if one.engine == name and one.fits and one.installed and not (name == "llama.cpp" and model.kind != "gguf"):
            return _bench.side(one.engine, model, name, ctx.settings)
    return None


def _measure(engine: EngineName, args: Args, ctx: ToolContext, side: Json) -> Measured:
    at_once = _at_once(args.users)
    folder = ctx.output_dir.absolute() / engine
    spec = _bench.specification(
        ctx,
        [side],
        folder,
        prompt_tokens=PROMPT_TOKENS,
        output_tokens=OUTPUT_TOKENS,
        concurrency=[at_once],
        requests=_requests(args.users),
    )
    [point] = ctx.job("bench", spec)["points"]
    return Measured(
        engine=engine,
        output_tokens_per_second=point["output_tokens_per_second"]["value"],
        ttft_ms=point["ttft_ms"]["p50"],
        tpot_ms=point["tpot_ms"]["p50"],
        concurrency=at_once,
        peak_memory_bytes=point["machine"]["peak_memory_bytes"],
    )


def _choose(ranking: Sequence[Standing], measured: Sequence[Measured]) -> tuple[EngineName | None, list[str]]:
    """The table's first, unless another that fits was measured clearly faster."""
    fitting = [one for one in ranking if one.fits]
    if not fitting:
        return None, [f"{one.engine}: {one.reasons[0]}" for one in ranking]
    speeds = {one.engine: one.output_tokens_per_second for one in measured}
    first = fitting[0]
    if first.engine in speeds:
        fastest = max((one for one in fitting if one.engine in speeds), key=lambda one: speeds[one.engine])
        if speeds[fastest.engine] > CLEARLY * speeds[first.engine]:
            times = speeds[fastest.engine] / speeds[first.engine]
            return fastest.engine, [f"measured {times:.1f} times as fast as {first.engine}, which the table puts first", *fastest.reasons]
    said = [f"measured here: {speeds[first.engine]:.1f} tokens/s"] if first.engine in speeds else []
    equal = [one.engine for one in fitting[1:] if one.rank == first.rank]
    return first.engine, [*first.reasons, *said, *([f"{', '.join(equal)} suits as well"] if equal else [])]


def _summary(choice: EngineName | None, why: Sequence[str], args: Args) -> str:
    if choice is None:
        return f"no engine meets every constraint ({'; '.join(why)[:160]})"
    return f"{choice} for {args.users} at once: {why[0]}"
