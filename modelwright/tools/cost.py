"""`cost`: what answering costs per request, per task and per month, on own hardware and by price list, each number with its formula.

Two facts to know. The price of a token on own hardware depends on how many requests run at once, so it is reckoned at the
largest load that still meets the objective of a benchmark, not at the peak. And hardware costs around the clock, so at
a low load a request costs many times what it costs at full use: both are shown.

What is not given is unknown and said so, never guessed; hosted prices come from your price file only. Staff, network,
storage and taxes are NOT in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from modelwright import pricefile
from modelwright.contract import ToolContext, tool
from modelwright.errors import BadRequest
from modelwright.files import artifact, write_atomic
from modelwright.modelrefs import endpoint
from modelwright.pricefile import Price
from modelwright.tools import _cost, _cost_benchmark, _sheet
from modelwright.tools._cost import DAYS, OWN, Known, Option
from modelwright.tools._sheet import Line
from modelwright.types import Check, Effect, Estimate, FilePath, ModelRef, ToolArgs, ToolResult

LIST = "price list"
HARDWARE = ("tokens_per_second", "benchmark_result", "power_watts", "electricity_price", "hardware_price", "lifetime_years")


class Args(ToolArgs):
    model: ModelRef | None = Field(None, description="what answers; an endpoint's price is looked up by its address")
    requests_per_day: float | None = Field(None, gt=0, allow_inf_nan=False, description="requests a day; without it nothing per month")
    input_tokens: int | None = Field(None, ge=0, description="tokens read per request; unset: those of the benchmark")
    output_tokens: int | None = Field(None, ge=1, description="tokens written per request; unset: those of the benchmark")
    requests_per_task: float | None = Field(None, gt=0, allow_inf_nan=False, description="requests that one task takes")
    price: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars per million tokens, or per hour: see price_per")
    price_per: Literal["million_tokens", "hour"] = Field(
        "million_tokens", description="what price is for: a million tokens of a hosted model, or an hour of rented hardware"
    )
    output_price: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="US dollars per million tokens written, where they cost other than those read"
    )
    hosted: list[str] = Field(
        default_factory=list, max_length=8, description="names in the price file (setting prices): host/path#model, * is any text"
    )
    tokens_per_second: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="output tokens a second of the hardware, all requests at once, within the objective"
    )
    benchmark_result: FilePath | None = Field(
        None, description="result_path of a benchmark with an objective: the throughput is taken from it"
    )
    good_share: float = Field(0.95, gt=0, le=1, description="share of requests that have to meet the benchmark's objective")
    power_watts: float | None = Field(None, gt=0, allow_inf_nan=False, description="of the machine while it works, watts")
    electricity_price: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars per kilowatt hour")
    hardware_price: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars for one machine")
    lifetime_years: float | None = Field(None, gt=0, allow_inf_nan=False, description="years until the machine is written off")

    @model_validator(mode="after")
    def _prices_fit(self) -> Args:
        if self.output_price is not None and (self.price is None or self.price_per == "hour"):
            raise ValueError("output_price goes with price per million tokens read")
        if self.tokens_per_second and self.benchmark_result:
            raise ValueError("give tokens_per_second or benchmark_result, not both")
        return self


class Result(ToolResult):
    cost_per_request: float | None = Field(description="US dollars, of the cheapest complete option, else of the first")
    cost_per_1000: float | None = Field(description="of the same option")
    cost_per_task: float | None = Field(description="of the same option")
    cost_per_month: float | None = Field(description="of the same option")
    cost_per_million_tokens: float | None = Field(description="of the same option")
    shown: str = Field(description="the option whose numbers stand above")
    cheapest: str | None = Field(description="the option that costs least a month (a request, without requests_per_day); null if unknown")
    break_even_requests_per_day: float | None = Field(description="from here on one own machine is cheaper than the cheapest hosted option")
    options: list[Option] = Field(description="each way that was asked for")
    table: list[str] = Field(description="every number with its formula, as text")
    unknown: list[str] = Field(description="what nobody said, so it is not in the numbers")
    notes: list[str] = Field(description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    return Estimate(seconds=0.1, memory_bytes=0, disk_bytes=20_000)


def checks(args: Args, result: Result) -> Sequence[Check]:
    """Every printed formula gives its number, prices scale, and what is unknown is named."""
    lines = [line for option in result.options for line in option.lines]
    wrong = [line.name for line in lines if not _is_right(line)]
    scaled = all(_scales(option) for option in result.options)
    blank = [option.name for option in result.options if option.per_request is None and not option.unknown]
    return [
        Check(name="formulas give their numbers", passed=not wrong, detail=", ".join(wrong) or f"{len(lines)} formulas"),
        Check(name="1000 requests cost 1000 times one", passed=scaled),
        Check(name="what is unknown is named", passed=not blank, detail=", ".join(result.unknown)),
    ]


def _is_right(line: Line) -> bool:
    if line.value is None:
        return bool(line.unknown)
    return math.isclose(_sheet.evaluate(line.numbers), line.value, rel_tol=1e-9, abs_tol=1e-15)


def _scales(option: Option) -> bool:
    if option.per_request is None or option.per_1000 is None:
        return option.per_request is option.per_1000
    return math.isclose(option.per_1000, 1000 * option.per_request, rel_tol=1e-9)


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES],
    example={"requests_per_day": 1000, "input_tokens": 500, "output_tokens": 200, "price": 0.5, "output_price": 1.5},
    estimate=estimate,
    checks=checks,
    volatile=True,  # the price file may change between two calls
    find_model=lambda ref, workspace: endpoint(ref) if ref.startswith("openai:") else None,  # else it is a name for the reader
    keywords=("cost", "price", "money", "bill", "budget", "month", "electricity", "power", "cheaper", "per request", "per million tokens"),
)
def cost(args: Args, ctx: ToolContext) -> Result:
    """Reckon what answering costs per request, task and month, on own hardware or by price list, with formulas."""
    known = _known(args, ctx.workspace)
    options = [_cost.own(known)] if _is_own(args) else []
    options += [_cost.hosted(name, price, known) for name, price in _prices(args, ctx)]
    if not options:
        raise BadRequest(
            "nothing says what it costs: no price, no hardware",
            fix="give price (per million tokens, or price_per=hour), hosted, or power_watts, electricity_price and tokens_per_second",
        )
    return _result(args, ctx, options, known)


def _is_own(args: Args) -> bool:
    return any(getattr(args, name) is not None for name in HARDWARE) or (args.price is not None and args.price_per == "hour")


def _known(args: Args, workspace: Path) -> Known:
    names = ("requests_per_day", "input_tokens", "output_tokens", "requests_per_task")
    known = Known({name: getattr(args, name) for name in (*names, *HARDWARE) if name != "benchmark_result"})
    known.values["price_per_hour"] = args.price if args.price_per == "hour" else None
    if args.benchmark_result:
        path = (workspace / Path(args.benchmark_result).expanduser()).absolute()
        _cost.take_benchmark(known, _cost_benchmark.chosen(path, args.good_share))
    return known


def _prices(args: Args, ctx: ToolContext) -> list[tuple[str, Price]]:
    """Name and price of every hosted option. Raises BadRequest for a name that no price file has."""
    found = []
    if args.price is not None and args.price_per == "million_tokens":
        answer = args.price if args.output_price is None else args.output_price
        found.append((LIST, Price(model="*", prompt=args.price, answer=answer)))
    address = endpoint(args.model).address if args.model and args.model.startswith("openai:") else None
    if not args.hosted and not address:
        return found
    entries = pricefile.entries(ctx.workspace / ctx.settings.prices if ctx.settings.prices else None)
    for name in dict.fromkeys([*args.hosted, *([address] if address else [])]):
        price = pricefile.find(entries, name)
        if price is None:
            raise BadRequest(f"the price of {name!r} is unknown", fix=f"add it to {_where(ctx)}: {_known_names(entries)}")
        found.append((f"{name} (as of {price.as_of})" if price.as_of else name, price))
    return found


def _where(ctx: ToolContext) -> str:
    return ctx.settings.prices or "a price file and name it in the setting prices (see docs/models.md)"


def _known_names(entries: Sequence[Price]) -> str:
    return f"known are {', '.join(entry.model for entry in entries)}"


def _result(args: Args, ctx: ToolContext, options: list[Option], known: Known) -> Result:
    cheapest = _cheapest(options, monthly=args.requests_per_day is not None)
    shown = cheapest or options[0]
    unknown = list(dict.fromkeys(name for option in options for name in option.unknown))
    if args.price is not None and args.price_per == "million_tokens" and args.output_price is None:
        known.notes.append("price is taken for tokens read and written alike: say output_price where they differ")
    lines = [text for option in options for text in _lines(option)]
    page = ctx.output_dir.absolute() / "cost.txt"
    write_atomic(page, "\n".join([*lines, *(f"unknown: {name}" for name in unknown), *known.notes]) + "\n")
    return Result(
        summary=_summary(shown, cheapest, options),
        artifacts=[artifact(page, "table")],
        cost_per_request=shown.per_request,
        cost_per_1000=shown.per_1000,
        cost_per_task=shown.per_task,
        cost_per_month=shown.per_month,
        cost_per_million_tokens=shown.per_million_tokens,
        shown=shown.name,
        cheapest=cheapest.name if cheapest else None,
        break_even_requests_per_day=_break_even(options, known),
        options=options,
        table=lines,
        unknown=unknown,
        notes=known.notes,
    )


def _cheapest(options: Sequence[Option], *, monthly: bool) -> Option | None:
    """Of complete options only: a lower bound must not win."""
    field_name = "per_month" if monthly else "per_request"
    prices = [(getattr(option, field_name), option) for option in options if option.complete]
    known = [(price, option) for price, option in prices if price is not None]
    return min(known, key=lambda one: float(one[0]))[1] if known and len(known) == len(options) else None


def _break_even(options: Sequence[Option], known: Known) -> float | None:
    """Requests a day at which one own machine costs what the cheapest hosted option does, if one machine can answer them."""
    own = next((option for option in options if option.name == OWN and option.complete), None)
    hosted = [option.per_request for option in options if option.name != OWN and option.per_request]
    if own is None or not hosted:
        return None
    values = {line.name: line.value for line in own.lines}
    month, seconds = values["one_machine_per_month"], values["seconds_per_request"]
    if month is None or not seconds:
        return None
    requests = month / (min(hosted) * float(DAYS))
    if requests * seconds > 86_400:
        known.notes.append(
            f"own hardware is never cheaper: it would take {requests:.0f} requests a day, and a machine answers {86_400 / seconds:.0f}"
        )
        return None
    return requests


def _lines(option: Option) -> list[str]:
    made = [f"{option.name}{'' if option.complete else ' (not complete: lower bounds)'}"]
    for line in option.lines:
        value = "unknown" if line.value is None else f"{line.value:.6g}"
        made.append(f"  {line.name} = {value} {line.unit}  [{line.formula} = {line.numbers}]")
    return made


def _summary(shown: Option, cheapest: Option | None, options: Sequence[Option]) -> str:
    missing = f"; unknown: {', '.join(name.split(' ', maxsplit=1)[0] for name in shown.unknown)}" if shown.unknown else ""
    if shown.per_request is None:
        return f"{shown.name}: the cost is unknown{missing}"
    monthly = f", {_dollars(shown.per_month)} a month" if shown.per_month is not None else ""
    others = [f"{option.name} {_dollars(option.per_month or option.per_request)}" for option in options if option is not shown]
    place = f" (the cheapest; {'; '.join(others)})" if cheapest and others else ""
    return f"{shown.name}: {'' if shown.complete else 'at least '}{_dollars(shown.per_request)} a request{monthly}{place}{missing}"


def _dollars(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"${value:,.2f}" if value >= 1 else f"${value:.3g}"
