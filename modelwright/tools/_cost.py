"""The bills that `cost` compares: own hardware from its parts, a hosted model from its prices, each line with its formula. Not a tool."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import Field

from modelwright.pricefile import Price
from modelwright.tools._cost_benchmark import Load
from modelwright.tools._sheet import Line, Sheet
from modelwright.types import Strict

OWN = "own hardware"
DAYS, HOURS, HOURS_A_YEAR = "30.4375", "730.5", "8766"
"""Of a mean month, and of a mean year: 365.25 days."""


class Option(Strict):
    """One way to have the requests answered. US dollars; null is unknown."""

    name: str = Field(description="own hardware, price list, or the name in the price file")
    per_request: float | None = Field(description="at your load; without requests_per_day at full use, which is the least")
    per_1000: float | None = Field(description="1000 requests")
    per_task: float | None = Field(description="requests_per_task requests")
    per_month: float | None = Field(description="mean month of 30.4 days")
    per_million_tokens: float | None = Field(description="read and written together, at your mix")
    per_million_output_tokens: float | None = Field(description="of tokens written, at full use")
    complete: bool = Field(description="nothing that belongs to it is unknown; otherwise the numbers are lower bounds or null")
    unknown: list[str] = Field(description="what would have to be told")
    lines: list[Line] = Field(description="every number with its formula")


@dataclass
class Known:
    """What the formulas start from, and what must be said about it."""

    values: dict[str, float | None]
    notes: list[str] = field(default_factory=list)


def take_benchmark(known: Known, load: Load) -> None:
    objective = ", ".join(f"{name} at most {value:g}" for name, value in load.objective.items())
    known.notes.append(
        f"throughput {load.tokens_per_second:.1f} output tokens/s of the load {load.name}: the largest with {load.share:.0%} of the "
        f"requests within the objective ({objective})"
    )
    known.values["tokens_per_second"] = load.tokens_per_second
    for name, measured in (("input_tokens", load.input_tokens), ("output_tokens", load.output_tokens), ("power_watts", load.watts)):
        given = known.values[name]
        if given is None and measured is not None:
            known.values[name] = measured
            known.notes.append(f"{name} {measured:.4g} is the benchmark's")
        elif given is not None and measured and name != "power_watts" and abs(given / measured - 1) > 0.2:
            known.notes.append(f"the benchmark had {measured:.0f} {name} a request, not {given:.0f}: its throughput may not hold for yours")


def own(known: Known) -> Option:
    """Hardware that stands there around the clock, as many machines as the load needs."""
    sheet = Sheet(dict(known.values))
    parts = _hourly_parts(sheet)
    left_out = sheet.roots()
    sheet.add("cost_per_hour", "$ per hour of one machine", " + ".join(parts) or "price_per_hour")
    sheet.add("one_machine_per_month", "$", f"cost_per_hour * {HOURS}")
    sheet.add("per_million_output_tokens", "$", "cost_per_hour * 1000000 / (3600 * tokens_per_second)")
    sheet.add("seconds_per_request", "s of the machine", "output_tokens / tokens_per_second")
    sheet.add("per_request_at_full_use", "$", "cost_per_hour / 3600 * seconds_per_request")
    sheet.add("busy_hours_per_day", "h", "requests_per_day * seconds_per_request / 3600")
    sheet.add("machines", "machines", "ceil(busy_hours_per_day / 24)")
    sheet.add("per_month", "$", f"machines * cost_per_hour * {HOURS}")
    loaded = sheet.values["requests_per_day"] is not None
    known.notes.append(
        "tokens_per_second holds for the mix of reading and writing that it was measured with; power is counted around the clock"
    )
    sheet.add("per_request", "$", f"per_month / (requests_per_day * {DAYS})" if loaded else "per_request_at_full_use")
    if not loaded:
        known.notes.append("own hardware is reckoned at full use, which is the least: say requests_per_day for what a request costs you")
    return _option(OWN, sheet, [f"{name} (so its part of an hour's cost is left out)" for name in left_out])


def _hourly_parts(sheet: Sheet) -> list[str]:
    """The known parts of an hour's cost. A part of which only one of two numbers is known is said to be unknown."""
    formulas = {
        "rent": ("price_per_hour", ("price_per_hour",)),
        "power": ("power_watts / 1000 * electricity_price", ("power_watts", "electricity_price")),
        "purchase": (f"hardware_price / (lifetime_years * {HOURS_A_YEAR})", ("hardware_price", "lifetime_years")),
    }
    if sheet.values["hardware_price"] == 0:  # what cost nothing needs no lifetime
        formulas["purchase"] = ("hardware_price", ("hardware_price",))
    parts = []
    for name, (formula, needs) in formulas.items():
        touched = any(sheet.values.get(need) is not None for need in needs)
        is_own = name != "rent" and sheet.values["price_per_hour"] is None  # rented hardware has power and purchase in its price
        if (touched or is_own) and sheet.add(f"{name}_per_hour", "$ per hour", formula) is not None:
            parts.append(f"{name}_per_hour")
    return parts


def hosted(name: str, price: Price, known: Known) -> Option:
    sheet = Sheet({**known.values, "input_price": price.prompt, "output_price": price.answer})
    sheet.add("per_request", "$", "(input_tokens * input_price + output_tokens * output_price) / 1000000")
    sheet.add("per_month", "$", f"per_request * requests_per_day * {DAYS}")
    sheet.add("per_million_output_tokens", "$", "output_price")
    return _option(name, sheet, [])


def _option(name: str, sheet: Sheet, left_out: list[str]) -> Option:
    sheet.add("per_1000", "$ per 1000 requests", "1000 * per_request")
    if sheet.values["requests_per_task"] is not None:
        sheet.add("per_task", "$", "requests_per_task * per_request")
    sheet.add("per_million_tokens", "$", "per_request * 1000000 / (input_tokens + output_tokens)")
    needed = [one for one in sheet.roots() if not any(text.startswith(f"{one} ") for text in left_out)]
    shown = ("per_request", "per_1000", "per_task", "per_month", "per_million_tokens", "per_million_output_tokens")
    complete = not left_out and sheet.values["per_request"] is not None
    return Option(
        name=name, **{key: sheet.values.get(key) for key in shown}, complete=complete, unknown=[*left_out, *needed], lines=sheet.lines
    )
