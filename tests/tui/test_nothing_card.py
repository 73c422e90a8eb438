"""A request that no tool serves, as a card: three short lines, no report, nothing to do again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.runs import Runs
from modelwright.agent.sessions import Sessions
from modelwright.text import clean
from modelwright.tui.app import Modelwright
from modelwright.tui.data import result_of
from modelwright.tui.widgets.results import ResultCard
from modelwright.types import Plan
from modelwright.workspace import Workspace
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
WHY = "none of my tools does this"
NEAR = ["measure how good one model is", "compare models on the same data", "fine-tune a model"]
PLAN = Plan(request="sing", kind="none", reason=WHY, choices=NEAR).model_dump(mode="json")
ERROR = {"type": "NothingFits", "message": WHY, "fix": ""}


def nothing() -> list[Json]:
    teller = lines.Teller()
    result = {**lines.result(), "status": "nothing", "plan": PLAN, "steps": [], "error": ERROR}
    return [
        teller.event("run.started", request="sing", options={}),
        teller.event("plan.proposed", plan=PLAN),
        teller.event("run.ended", status="nothing", exit_code=2, spent={}, error=ERROR),
        {"done": {"kind": "request", "exit_code": 2, "answer": "", "result": result, "args": {}, "peaks": {}}},
    ]


def said(app: Modelwright) -> list[str]:
    return [row.strip(" █") for row in text_of(app).splitlines() if "█" in row]


@pytest.mark.asyncio
async def test_the_card_has_three_lines_and_offers_nothing_that_is_not_there(make_app: Make) -> None:
    app = make_app(nothing())
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "sing")
        await until(pilot, shows(app, "all tools"))
        assert said(app) == [
            f"· nothing was done: {WHY}",
            "nearest: measure how good one model is; compare models on the same data",
            "all tools: F4 or /tools",
        ]
        card = app.query_one(ResultCard)
        assert not any(card.check_action(action, ()) for action in ("report", "copy", "again", "go_on", "sample"))


@pytest.mark.asyncio
async def test_what_is_nearest_is_wrapped_at_words(make_app: Make) -> None:
    app = make_app(nothing())
    async with app.run_test(size=(50, 30)) as pilot:
        await ask(pilot, "sing")
        await until(pilot, shows(app, "all tools"))
        words = " ".join(said(app)).split()
        assert {"measure", "compare", "models", "data"} <= set(words)


@pytest.mark.asyncio
async def test_it_reads_the_same_when_the_session_is_opened_again(make_app: Make, workspace: Path) -> None:
    with closing(Workspace(workspace).connect()) as db:
        run = Runs(db).create("sing", {})
        Runs(db).update(run, status="nothing", exit_code=2, plan=PLAN, error=ERROR, spent={"steps": 0, "seconds": 1.0})
        kept = Sessions(db)
        kept.started("larkfield", kept.begin("larkfield", "sing", "request", {}), run)
        kept.end("larkfield", 1, "nothing was done", 2)
    (workspace / ".modelwright" / "runs" / run).mkdir(parents=True)
    (workspace / ".modelwright" / "runs" / run / "report.html").touch()
    app = make_app([])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(app, "nearest: measure how good one model is", "all tools"))
        assert "report" not in text_of(app)


def test_the_result_of_a_past_run_has_its_plan(workspace: Path) -> None:
    with closing(Workspace(workspace).connect()) as db:
        run = Runs(db).create("sing", {})
        Runs(db).update(run, status="nothing", exit_code=2, plan=PLAN, error=ERROR)
    found = result_of(workspace, run)
    assert found is not None
    assert found["plan"] == clean(PLAN)
