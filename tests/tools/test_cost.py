"""cost: hand-worked bills, formulas that give their numbers, unknowns that stay unknown, and the load it reckons from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import BadRequest, DataError
from modelwright.graphs.context import RunContext
from modelwright.tools import _sheet
from modelwright.tools.cost import Args, Result, checks, cost

OWN = {"tokens_per_second": 100, "power_watts": 500, "electricity_price": 0.2, "hardware_price": 8766, "lifetime_years": 2}
LOAD = {"requests_per_day": 1000, "input_tokens": 500, "output_tokens": 200}


def run(context: RunContext, **args: Any) -> tuple[Args, Result]:
    checked = cost.validate(args)
    assert isinstance(checked, Args)
    result = cost.run(checked, context)
    assert isinstance(result, Result)
    assert all(check.passed for check in checks(checked, result)), checks(checked, result)
    return checked, result


def test_a_price_list_is_tokens_times_prices(tool_context: RunContext) -> None:
    _, result = run(tool_context, **LOAD, price=2, output_price=5, requests_per_task=3)
    assert result.cost_per_request == pytest.approx((500 * 2 + 200 * 5) / 1e6)
    assert result.cost_per_1000 == pytest.approx(2.0)
    assert result.cost_per_task == pytest.approx(0.006)
    assert result.cost_per_month == pytest.approx(0.002 * 1000 * 365.25 / 12)
    assert result.cost_per_million_tokens == pytest.approx(2000 / 700)
    assert result.unknown == []


def test_own_hardware_is_power_and_purchase_for_every_hour_of_the_month(tool_context: RunContext) -> None:
    _, result = run(tool_context, **LOAD, **OWN)
    hour = 0.5 * 0.2 + 8766 / (2 * 8766)
    assert result.cost_per_month == pytest.approx(hour * 730.5)
    assert result.cost_per_request == pytest.approx(hour * 730.5 / (1000 * 30.4375))
    assert result.options[0].per_million_output_tokens == pytest.approx(hour * 1e6 / (3600 * 100))


def test_a_load_that_one_machine_cannot_answer_takes_a_second(tool_context: RunContext) -> None:
    _, one = run(tool_context, **{**LOAD, "requests_per_day": 43_000}, **OWN)
    _, two = run(tool_context, **{**LOAD, "requests_per_day": 44_000}, **OWN)  # 2 s each: 43,200 fill a day
    assert one.cost_per_month is not None
    assert two.cost_per_month == pytest.approx(2 * one.cost_per_month)


def test_both_ways_are_compared_and_the_break_even_makes_them_equal(tool_context: RunContext) -> None:
    _, result = run(tool_context, **LOAD, **OWN, price=2, output_price=5)
    assert result.cheapest == "price list"
    assert result.break_even_requests_per_day is not None
    _, at = run(tool_context, **{**LOAD, "requests_per_day": result.break_even_requests_per_day}, **OWN, price=2, output_price=5)
    own, listed = (option.per_month for option in at.options)
    assert own == pytest.approx(listed)
    _, never = run(tool_context, **LOAD, **OWN, price=0.01)
    assert never.break_even_requests_per_day is None
    assert any("never cheaper" in note for note in never.notes)


def test_what_nobody_said_is_unknown_and_a_lower_bound_never_wins(tool_context: RunContext) -> None:
    _, bare = run(tool_context, requests_per_day=1000, price=2, price_per="hour")
    assert (bare.cost_per_request, bare.cost_per_month) == (None, None)
    assert bare.unknown == ["tokens_per_second", "output_tokens", "input_tokens"]
    assert "unknown" in bare.summary
    _, half = run(tool_context, **LOAD, tokens_per_second=100, power_watts=500, electricity_price=0.2, price=2)
    assert (half.options[0].complete, half.cheapest) == (False, None)
    assert any("hardware_price" in name for name in half.unknown)
    assert any("not complete" in line for line in half.table)


def test_a_machine_that_cost_nothing_needs_no_lifetime(tool_context: RunContext) -> None:
    _, result = run(tool_context, **LOAD, tokens_per_second=100, power_watts=500, electricity_price=0.2, hardware_price=0)
    assert result.options[0].complete
    assert result.cost_per_month == pytest.approx(0.1 * 730.5)


def test_nothing_that_costs_is_said_with_what_to_give(tool_context: RunContext) -> None:
    with pytest.raises(BadRequest, match="no price, no hardware"):
        run(tool_context, model="builtin", requests_per_day=10)
    with pytest.raises(BadRequest, match="output_price goes with price"):
        run(tool_context, price=1, price_per="hour", output_price=2)


def test_hosted_prices_come_from_the_users_file(tool_context: RunContext, workspace: Path) -> None:
    file = workspace / "prices.toml"
    file.write_text('[[price]]\nmodel = "api.example.com/v1#large-*"\nprompt = 1.0\nanswer = 4.0\nas_of = "2026-11-01"\n', encoding="utf-8")
    tool_context.settings.prices = str(file)
    _, result = run(tool_context, **LOAD, hosted=["api.example.com/v1#large-2"])
    assert result.cost_per_request == pytest.approx((500 + 800) / 1e6)
    assert "as of 2026-11-01" in result.shown
    _, same = run(tool_context, **LOAD, model="openai:https://api.example.com/v1#large-2")
    assert same.cost_per_request == result.cost_per_request
    with pytest.raises(BadRequest, match=r"price of 'other' is unknown.*large-"):
        run(tool_context, **LOAD, hosted=["other"])


def point(concurrency: int, speed: float, share: float | None, **changes: Any) -> dict[str, Any]:
    goodput = None if share is None else {"share": share, "objective": {"ttft_ms": 500.0}}
    return {
        "side": "m",
        "load": f"{concurrency} at once",
        "concurrency": concurrency,
        "rate": None,
        "seconds": 10.0,
        "goodput": goodput,
        "output_tokens_per_second": {"value": speed},
        "prompt_tokens": {"mean": 500.0},
        "output_tokens": {"mean": 200.0},
        "machine": {"energy_joules": 3000.0},
        **changes,
    }


def benchmark(workspace: Path, *points: dict[str, Any]) -> str:
    (workspace / "bench.json").write_text(json.dumps({"run": "r", "result": {"points": points}}), encoding="utf-8")
    return "bench.json"


def test_the_throughput_is_that_of_the_largest_load_within_the_objective_not_of_the_peak(tool_context: RunContext, workspace: Path) -> None:
    file = benchmark(workspace, point(1, 50, 1.0), point(4, 120, 0.97), point(16, 300, 0.4))
    _, result = run(tool_context, requests_per_day=100, benchmark_result=file, electricity_price=0.2, hardware_price=0)
    values = {line.name: line.value for line in result.options[0].lines}
    assert values["seconds_per_request"] == pytest.approx(200 / 120)
    assert values["power_per_hour"] == pytest.approx(0.3 * 0.2)  # 3000 J in 10 s
    assert any("4 at once" in note and "97%" in note for note in result.notes)
    _, other = run(tool_context, output_tokens=400, benchmark_result=file, electricity_price=0.2, hardware_price=0)
    assert any("not 400" in note for note in other.notes)


def test_a_benchmark_without_an_objective_or_within_none_is_refused(tool_context: RunContext, workspace: Path) -> None:
    with pytest.raises(BadRequest, match="no objective"):
        run(tool_context, benchmark_result=benchmark(workspace, point(1, 50, None)))
    with pytest.raises(BadRequest, match="the best, 1 at once, for 60%"):
        run(tool_context, benchmark_result=benchmark(workspace, point(1, 50, 0.6), point(2, 90, 0.1)))
    (workspace / "bench.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(DataError, match="no result of benchmark"):
        run(tool_context, benchmark_result="bench.json")


def test_a_line_that_was_changed_afterwards_fails_its_check(tool_context: RunContext) -> None:
    args, result = run(tool_context, **LOAD, price=2)
    lines = result.options[0].lines
    lines[0] = lines[0].model_copy(update={"value": 1.0})
    assert [check.passed for check in checks(args, result)] == [False, True, True]


def test_a_sheet_knows_arithmetic_only_and_passes_the_unknown_on() -> None:
    sheet = _sheet.Sheet({"a": 6.0, "b": None})
    assert sheet.add("half", "", "ceil((a - 1) / 2) * 10") == 30
    assert sheet.add("lost", "", "half + b") is None
    assert sheet.add("more", "", "lost * 2") is None
    assert (sheet.lines[1].unknown, sheet.roots()) == (["b"], ["b"])
    with pytest.raises(ValueError, match="no arithmetic"):
        _sheet.evaluate("__import__('os')")
