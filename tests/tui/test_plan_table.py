"""The plan as a table follows the width of the terminal, however often that changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.plan_card import PlanCard
from modelwright.tui.widgets.plan_table import Others
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio
HEIGHT = 60
OUTPUT = "a/folder/whose/name/is/rather/long"
WHOLE = f"model=builtin, dataset=train.jsonl, lora_rank=8, output={OUTPUT}"


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """A plan whose arguments are longer than a narrow terminal."""
    steps = copy.deepcopy(lines.STEPS)
    steps[0]["args"]["output"] = OUTPUT
    monkeypatch.setattr(lines, "STEPS", steps)
    return [*lines.begin(lines.Teller()), lines.pending(), {"wait": True}]


def rows(app: Modelwright) -> list[str]:
    """The rows of the table as they stand on the screen."""
    region = app.chat.query_one(PlanCard).table.region
    return text_of(app).splitlines()[region.y : region.bottom]


async def opened(pilot: Pilot[Any]) -> None:
    await ask(pilot, lines.REQUEST)
    await until(pilot, shows(pilot.app, "Allow s1 finetune?", "s2    compare", "total"))


@pytest.mark.parametrize("first", [60, 104, 112, 125])
async def test_from_narrow_to_wide_nothing_stays_cut(make_app: Make, plan: list[Json], first: int) -> None:
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(first, HEIGHT)) as pilot:
        await opened(pilot)
        await pilot.resize_terminal(180, HEIGHT)
        await until(pilot, lambda: "step  tool      arguments" in rows(app)[0] and WHOLE in rows(app)[1], "all arguments are there")
        assert all(word in rows(app)[1] for word in ("finetune", "2:15 min", "12.0 MB", "? ask (models-and-data-made)"))
        assert "…" not in "".join(rows(app))


@pytest.mark.parametrize("last", [112, 125])
async def test_from_wide_to_narrow_the_columns_move_together(make_app: Make, plan: list[Json], last: int) -> None:
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(180, HEIGHT)) as pilot:
        await opened(pilot)
        await pilot.resize_terminal(last, HEIGHT)
        await until(pilot, lambda: "…" in rows(app)[1], "the arguments are cut")
        await until(pilot, lambda: "? ask (models-and-data-made)" in rows(app)[1], "the last column is whole")


async def test_the_highlighted_step_stays_when_the_width_changes(make_app: Make, plan: list[Json]) -> None:
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(80, HEIGHT)) as pilot:
        await opened(pilot)
        app.chat.query_one(PlanCard).table.move_cursor(row=1)
        await pilot.resize_terminal(180, HEIGHT)
        await until(pilot, lambda: "arguments" in rows(app)[0])
        selected = app.chat.query_one(PlanCard).selected()
        assert selected is not None
        assert selected.id == "s2"


def decided(plan: list[Json], step: str, **told: Any) -> None:
    """Change what the gate tells of a step, and what is asked about it."""
    events = [said["event"] for said in plan if "event" in said]
    next(one for one in events if (one["type"], one["step"]) == ("policy.decision", step))["data"].update(told)
    calls = [call for said in plan for call in said.get("pending", {}).get("calls", []) if call["id"] == step]
    for call in calls:
        call.update(told)


async def test_what_is_not_given_and_matters_is_on_one_line_of_a_narrow_card(make_app: Make, plan: list[Json]) -> None:
    decided(plan, "s1", defaults={"method": "lora", "epochs": 5, "batch_size": 4})
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(80, HEIGHT)) as pilot:
        await opened(pilot)
        await until(pilot, shows(app, "  method = lora · epochs = 5 · batch_size = 4   (defaults)"))
        await pilot.resize_terminal(240, HEIGHT)
        await until(pilot, lambda: f"{WHOLE}, method=lora, epochs=5, batch_size=4 (defaults)" in rows(app)[1])


async def test_the_arguments_of_the_other_steps_stand_below_a_narrow_table(make_app: Make, plan: list[Json]) -> None:
    decided(plan, "s2", defaults={"metric": "rubric"})
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(103, HEIGHT)) as pilot:
        await opened(pilot)
        await until(pilot, shows(app, "s2 models=builtin, $s1.model, dataset=eval.jsonl, metric=rubric (default)"))
        app.chat.query_one(PlanCard).table.move_cursor(row=1)
        await until(pilot, shows(app, f"s1 {WHOLE}", "  models = builtin, $s1.model"))
        await pilot.resize_terminal(240, HEIGHT)
        await until(pilot, lambda: WHOLE in rows(app)[1] and not app.chat.query_one(Others).display)


async def test_the_card_opens_on_the_step_that_asks(make_app: Make, plan: list[Json]) -> None:
    decided(plan, "s1", decision="allow")
    decided(plan, "s2", decision="ask")
    call = next(said for said in plan if "pending" in said)["pending"]["calls"][0]
    call.update(id="s2", tool="compare", args=lines.STEPS[1]["args"], sources={})
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(80, HEIGHT)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s2 compare?", "  models = builtin, $s1.model"))


async def test_after_a_change_the_card_is_on_its_step_and_marks_the_value(make_app: Make, plan: list[Json]) -> None:
    teller = lines.Teller()
    teller.seq = 100
    again = copy.deepcopy(lines.pending())
    changed = [teller.event("approval.given", by="user", edit={"s2": {"dataset": "dev.jsonl"}}), again, {"wait": True}]
    app = make_app([*plan, *changed])
    async with app.run_test(notifications=True, size=(80, HEIGHT)) as pilot:
        await opened(pilot)
        app.turns.reply({"edit": {"s2": {"dataset": "dev.jsonl"}}})
        await until(pilot, shows(app, "dataset = dev.jsonl ← changed   from edit"))
        await pilot.resize_terminal(240, HEIGHT)
        await until(pilot, lambda: "dataset=dev.jsonl ← changed, models=builtin" in rows(app)[2])


async def test_a_first_guess_is_called_one(make_app: Make, plan: list[Json]) -> None:
    decided(plan, "s1", estimate={**lines.ESTIMATE, "first_guess": True})
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(80, HEIGHT)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: ["~2:15 min" in rows(app)[1], "~4:23 min" in rows(app)[3]] == [True, True])
        assert "~" not in rows(app)[2]
        await until(pilot, shows(app, "~ is a first guess", "spends  ~2:15 min"))


async def test_the_ranges_of_the_steps_are_added(make_app: Make, plan: list[Json]) -> None:
    decided(plan, "s1", estimate={**lines.ESTIMATE, "seconds_low": 96.0, "seconds_high": 204.0, "learned_from": 3})
    decided(plan, "s2", estimate={**lines.SHORT, "seconds_low": 100.0, "seconds_high": 150.0, "learned_from": 3})
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(80, HEIGHT)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "3:16 min to 5:54 min" in rows(app)[3])


async def test_what_decides_is_never_cut_and_the_disk_goes_first(make_app: Make, plan: list[Json]) -> None:
    decided(plan, "s1", estimate={**lines.ESTIMATE, "seconds_low": 96.0, "seconds_high": 204.0, "learned_from": 3})
    app = make_app(plan)
    async with app.run_test(notifications=True, size=(80, HEIGHT)) as pilot:
        await opened(pilot)
        for width, left in ((80, ["memory", "disk"]), (66, ["memory"]), (60, [])):
            await pilot.resize_terminal(width, HEIGHT)
            await until(pilot, lambda wanted=left: rows(app)[0].split()[1:] == ["step", "tool", "time", *wanted, "decision"], str(left))
            assert "? ask" in rows(app)[1]


@pytest.mark.parametrize("width", [60, 140])
async def test_a_step_that_was_done_before_is_called_reused_and_counts_nothing(make_app: Make, width: int) -> None:
    teller = lines.Teller()
    said = lines.begin(teller)
    said.insert(-1, teller.event("policy.decision", "s2", decision="allow", rule="looking-and-measuring", estimate={"reused": True}))
    for n, one in enumerate(said, 1):
        one["event"]["seq"] = n
    app = make_app([*said, lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(width, HEIGHT)) as pilot:
        await opened(pilot)
        step, total = rows(app)[2:4]
        assert "reused, 0 s" in step
        assert "2:15 min" in total
        app.chat.query_one(PlanCard).table.move_cursor(row=1)
        await until(pilot, lambda: "this very call was done before" in " ".join(text_of(app).replace("█", " ").split()))
