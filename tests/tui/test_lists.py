"""What the lists of the app do alike: filters that say so when nothing is left, columns that fit, dates, and keys that are there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.memory_view import MemoryView
from modelwright.agent.runs import Runs
from modelwright.agent.sessions import Sessions
from modelwright.config import load
from modelwright.tui.app import Modelwright
from modelwright.tui.remembered import told
from modelwright.tui.screens.registry import SCREENS
from modelwright.tui.screens.table import SHORTEST_CELL, TableScreen, fitted
from modelwright.tui.texts import under, when
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui.waiting import shows, text_of, until

Make = Callable[..., Modelwright]
LONG = "fine-tune the built-in model on train.jsonl with a request that goes on for much longer than any list of runs is wide enough for"


@pytest.fixture
def run(workspace: Path) -> str:
    with closing(Workspace(workspace).connect()) as db:
        made = past_runs.write_run(db, LONG, past_runs.finetune(workspace)).run.id
        kept = Sessions(db)
        kept.end("older", kept.begin("older", "what is in train.jsonl?", "request", {"things": []}), "four rows", 0)
    return made


@pytest.fixture
def memory(workspace: Path) -> str:
    """When it was remembered, as a list shows it."""
    Workspace(workspace).connect().close()
    with MemoryView.opened(Workspace(workspace), load(workspace), print) as view:
        view.add("prefer small models")
        view.add("second line\nof this one")
        return when(view.entries()[0]["created"])


def table(app: Modelwright) -> TableScreen:
    found = app.screen
    assert isinstance(found, TableScreen)
    return found


def footer(app: Modelwright) -> str:
    return text_of(app).splitlines()[-1]


@pytest.mark.parametrize("name", sorted(set(SCREENS) - {"help", "run"}))
@pytest.mark.asyncio
async def test_a_filter_that_leaves_nothing_says_so_and_escape_clears_it(make_app: Make, run: str, memory: str, name: str) -> None:
    app = make_app([])
    async with app.run_test(size=(80, 24)) as pilot:
        await app.action_open(name)
        await until(pilot, lambda: table(app).rows)
        await pilot.press("slash", *"zzqq")
        await until(pilot, shows(app, "no rows match “zzqq” · Escape clears the filter"))
        await pilot.press("escape")
        await until(pilot, lambda: len(table(app).shown) == len(table(app).rows))
        assert "no rows match" not in text_of(app)
        assert app.focused is table(app).table
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)


@pytest.mark.asyncio
async def test_escape_clears_a_filter_that_was_taken_before_it_leaves(make_app: Make, run: str) -> None:
    app = make_app([])
    async with app.run_test(size=(80, 24)) as pilot:
        await app.action_open("tools")
        await until(pilot, lambda: table(app).rows)
        await pilot.press("slash", *"quantize", "enter")
        await until(pilot, lambda: len(table(app).shown) < len(table(app).rows))
        await pilot.press("escape")
        await until(pilot, lambda: len(table(app).shown) == len(table(app).rows))
        assert app.screen is not app.chat


@pytest.mark.parametrize(
    ("name", "words"),
    [("runs", "no run here yet"), ("memory", "nothing is remembered yet"), ("sessions", "nothing was said here yet")],
)
@pytest.mark.asyncio
async def test_an_empty_list_says_why_and_has_no_keys_for_a_row(make_app: Make, name: str, words: str) -> None:
    app = make_app([])
    async with app.run_test(size=(120, 24)) as pilot:
        await app.action_open(name)
        await until(pilot, shows(app, words))
        row_keys = {"trace", "mark", "compare", "forget", "hide", "approve", "export"}
        await until(pilot, lambda: not row_keys & set(footer(app).split()))


@pytest.mark.asyncio
async def test_only_what_a_run_can_do_stands_in_the_footer(make_app: Make, run: str, workspace: Path) -> None:
    report = workspace / ".modelwright" / "runs" / run / "report.html"
    app = make_app([])
    async with app.run_test(size=(120, 24)) as pilot:
        await app.action_open("runs")
        await until(pilot, lambda: "trace" in footer(app))
        assert "report" not in footer(app)
        assert "go on" not in footer(app)
        report.parent.mkdir(parents=True)
        report.touch()
        await pilot.press("f6")
        await until(pilot, lambda: "o report" in footer(app))
        with closing(Workspace(workspace).connect()) as db:
            Runs(db).update(run, status="waiting")
        await pilot.press("f6")
        await until(pilot, lambda: "u go on" in footer(app))
        await pilot.press("m")
        await until(pilot, shows(app, f"{run} is marked · = compares it"))


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.asyncio
async def test_a_row_is_as_wide_as_the_screen_and_ends_in_an_ellipsis(make_app: Make, run: str, width: int) -> None:
    app = make_app([])
    async with app.run_test(size=(width, 24)) as pilot:
        await app.action_open("runs")
        await until(pilot, shows(app, run, "✓ done", "1:15 min"))
        [row] = [line for line in text_of(app).splitlines() if run in line]
        assert row.rstrip().endswith("…")
        assert len(row.rstrip()) <= width
        assert len(row.rstrip()) > width - 20, "of the words that there is room for none is left out"


def test_columns_give_way_from_the_last_on_and_only_as_far_as_they_can_be_read() -> None:
    assert fitted([10, 20, 50], 100) == [10, 20, 50]
    assert fitted([10, 20, 50], 60) == [10, 20, 30]
    assert fitted([10, 40, 30], 50) == [10, 28, SHORTEST_CELL]
    assert fitted([30, 30, 5], 10) == [SHORTEST_CELL, SHORTEST_CELL, 5]


@pytest.mark.asyncio
async def test_the_arguments_of_a_past_run_are_told_by_the_words_that_they_came_from(make_app: Make, run: str) -> None:
    app = make_app([])
    async with app.run_test(size=(160, 45)) as pilot:
        await app.action_open("runs")
        await until(pilot, shows(app, "s1 finetune: done, 38 s, peak 1.0 MB", f"dataset = train.jsonl   from your words «{LONG[0]}»"))
        assert "request[" not in text_of(app)


@pytest.mark.asyncio
async def test_a_memory_is_dated_as_runs_are_in_the_list_and_below_it(make_app: Make, memory: str) -> None:
    app = make_app([])
    async with app.run_test(size=(120, 40)) as pilot:
        await app.action_open("memory")
        await until(pilot, shows(app, "prefer small models", "second line · of this one", "worth"))
        rows = [line for line in text_of(app).splitlines() if memory in line]
        assert len(rows) >= 4, "two rows, and below them since when and what was decided"


def test_nothing_of_a_memory_is_a_raw_number_of_seconds() -> None:
    at = 1_795_360_027.82
    kept = {
        "id": 1,
        "kind": "episodic",
        "text": "it was tuned",
        "trust": "measured",
        "created": at,
        "live": False,
        "quarantined": "it reads like an order",
        "metadata": {
            "provenance": {"principal": "run", "run": "r1", "tool": ""},
            "tools": ["finetune", "compare"],
            "planned": True,
            "outcome": {"spent": {"steps": 2, "seconds": 75.0}, "error": {"message": "no room"}},
        },
        "decisions": [{"time": at, "run": "r1", "action": "accept", "reason": "new"}],
        "recalled": [{"time": at, "run": "r2", "use": "past plan"}],
        "worth": 0.25,
    }
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    assert told(kept).plain.splitlines() == [
        "waits for you: it reads like an order",
        "it was tuned",
        "hidden: no run is shown it",
        "  kind              a run and how it ended",
        "  from              run r1 (measured)",
        f"  since             {day}",
        "  worth             0.25 of 1",
        "  took              2 steps, 1:15 min",
        "  error             no room",
        "  tools             finetune, compare",
        f"  {day}  accepted: new (run r1)",
        f"  {day}  shown to run r2 as past plan",
    ]


@pytest.mark.asyncio
async def test_what_the_memory_makes_of_something_new_is_told(make_app: Make, workspace: Path) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await app.action_open("memory")
        await until(pilot, shows(app, "nothing is remembered yet"))
        for text, came in (("prefer small models", "it is remembered"), ("prefer small models", "it was known already")):
            await pilot.press("plus")
            await until(pilot, shows(app, "What shall be remembered?"))
            await pilot.press(*text, "enter")
            await until(pilot, shows(app, came))


@pytest.mark.asyncio
async def test_the_session_that_is_open_is_only_gone_back_to(make_app: Make, workspace: Path) -> None:
    with closing(Workspace(workspace).connect()) as db:
        kept = Sessions(db)
        kept.end("larkfield", kept.begin("larkfield", "hello", "answer", {}), "hi", 0)
    app = make_app([])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        link = app.turns.link
        await app.action_open("sessions")
        await until(pilot, lambda: table(app).rows)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.chat)
        assert app.turns.link is link


def test_a_text_behind_its_start_is_wrapped_under_itself() -> None:
    assert under("  a  ", "one two three", 12) == "  a  one two\n     three"


@pytest.mark.asyncio
async def test_no_line_of_the_help_is_cut_at_eighty_columns(make_app: Make) -> None:
    app: Any = make_app([])
    async with app.run_test(size=(80, 200)) as pilot:
        await pilot.press("f1")
        await until(pilot, shows(app, "/doctor"))
        text = text_of(app).splitlines()
        at = next(n for n, line in enumerate(text) if "/doctor" in line)
        assert text[at + 1].startswith(" " * 20), "its second line stands under its first"
