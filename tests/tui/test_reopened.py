"""A session that is opened again: how each run really ended, a run that another process still works on, and cards that come filled."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from modelwright.agent.lease import lease
from modelwright.agent.runs import Runs
from modelwright.agent.sessions import Sessions, hold
from modelwright.agent.trace import TraceWriter, next_seq
from modelwright.events import Emitter, EventType
from modelwright.tui import data
from modelwright.tui.app import Modelwright
from modelwright.tui.state import RunView
from modelwright.tui.widgets.live import LiveCard
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.plan_table import PlanTable
from modelwright.tui.widgets.results import ResultCard
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import shows, text_of, until

SESSION = "larkfield"
HELD = """
import json, sys, time
from pathlib import Path
while not Path(sys.argv[1]).exists():
    print(json.dumps({"held": "session larkfield is being worked on by process 1 on here"}), flush=True)
    time.sleep(0.05)
print(json.dumps({"ready": sys.argv[2], "model": "scripted", "policy": None, "unfinished": None}), flush=True)
sys.stdin.read()
"""


class Elsewhere:
    """Another process of the session: it holds session and run until it is `over`."""

    def __init__(self, workspace: Path, db: sqlite3.Connection, go: Path) -> None:
        self._db, self._go, self._held = db, go, ExitStack()
        past = past_runs.write_run(db, "tune it", ("finetune", {"model": "builtin"}, None), status="running", started="s1")
        self.run = past.run.id
        kept = Sessions(db)
        kept.started(SESSION, kept.begin(SESSION, "tune it", "request", {}), self.run)
        here = Workspace(workspace)
        self._held.enter_context(hold(here, SESSION))
        self._held.enter_context(lease(here.run_dir(self.run), f"run {self.run}"))

    def train(self, steps: int) -> None:
        for n in range(1, steps + 1):
            data = {"message": f"train step {n}", "step": n, "steps": steps, "loss": 1 / n}
            self._db.execute(
                "insert into events (run, seq, time, type, step, data) values (?,?,?,'tool.progress','s1',?)",
                (self.run, next_seq(self._db, self.run), lines.START, json.dumps(data)),
            )

    def over(self) -> None:
        emitter = Emitter(self.run, [TraceWriter(self._db)], first_seq=next_seq(self._db, self.run))
        emitter.emit(EventType.TOOL_FINISHED, "s1", key="k", seconds=9.0, summary="tuned it")
        emitter.emit(EventType.RUN_ENDED, status="done", exit_code=0, spent={}, error=None)
        Runs(self._db).update(self.run, status="done", exit_code=0, spent={"steps": 1, "seconds": 9.0})
        self.close()

    def close(self) -> None:
        self._held.close()
        self._go.touch()


@pytest.fixture
def elsewhere(workspace: Path, tmp_path: Path) -> Iterator[Elsewhere]:
    with closing(Workspace(workspace).connect()) as db:
        other = Elsewhere(workspace, db, tmp_path / "go")
        yield other
        other.close()


@pytest.fixture
def app(workspace: Path, tmp_path: Path) -> Modelwright:
    script = tmp_path / "held.py"
    script.write_text(HELD)
    return Modelwright(SESSION, command=[sys.executable, "-S", str(script), str(tmp_path / "go")])


def past_words(app: Modelwright) -> str:
    return " ".join(str(line.content) for line in app.chat.query(".past").results(Plain))


async def opened(pilot: Pilot[Any]) -> None:
    await until(pilot, shows(pilot.app, "> tune it", "works here"))
    text = text_of(pilot.app)
    assert "▶" not in text or text.index("> tune it") < text.index("▶"), "what was said stands above what came of it"


@pytest.mark.asyncio
async def test_a_run_that_went_on_without_the_app_is_shown_as_it_moves_and_as_it_ended(app: Modelwright, elsewhere: Elsewhere) -> None:
    elsewhere.train(20)
    async with app.run_test(size=(100, 50)) as pilot:
        await opened(pilot)
        await until(pilot, shows(app, "▶ s1 finetune", "20/20"))
        assert "cut off" not in text_of(app)
        elsewhere.over()
        await until(pilot, lambda: app.turns.ready)
        await until(pilot, shows(app, "✓ done and verified", "tuned it"))
        assert len(app.chat.query(ResultCard)) == 1
        assert past_words(app) == "", "nothing above the result says anything else"


@pytest.mark.asyncio
async def test_a_run_that_ends_while_the_app_opens_is_shown_with_its_result(
    app: Modelwright, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "open_run", lambda root, session: None)  # over when it is looked for, not over when the past was read
    async with app.run_test(size=(100, 50)) as pilot:
        await opened(pilot)
        assert past_words(app) == f"run {elsewhere.run} is at work"
        elsewhere.over()
        await until(pilot, shows(app, "✓ done and verified"))
        assert past_words(app) == ""


@pytest.mark.asyncio
async def test_everything_up_to_now_is_read_before_the_first_drawing(
    app: Modelwright, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int | None] = []
    show_run = Modelwright.show_run

    def shown(self: Modelwright) -> None:
        drawn.append(self.view.steps["s1"].at if self.view.steps else None)
        show_run(self)

    monkeypatch.setattr(Modelwright, "show_run", shown)
    elsewhere.train(4500)
    async with app.run_test(size=(100, 50)) as pilot:
        await until(pilot, lambda: app.hearing.follows)
        await until(pilot, lambda: [at for at in drawn if at is not None])
    assert next(at for at in drawn if at is not None) == 4500


@pytest.mark.asyncio
async def test_a_live_card_comes_filled(app: Modelwright, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveCard, "show", lambda self: None)  # only what it brings with it
    elsewhere.train(20)
    async with app.run_test(size=(100, 50)) as pilot:
        await until(pilot, shows(app, f"Run {elsewhere.run} · running", "▶ s1 finetune", "20/20", "loss: 1 at first, 0.05 now"))


@pytest.mark.asyncio
async def test_a_plan_card_comes_filled(app: Modelwright, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlanTable, "on_resize", lambda self, event: None)  # only what it has when it comes
    async with app.run_test(size=(100, 50)) as pilot:
        await until(pilot, shows(app, f"Plan · run {elsewhere.run} · 1 step", "model = builtin"))


@pytest.mark.asyncio
async def test_a_result_card_comes_filled(workspace: Path, app: Modelwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, args, result = past_runs.finetune(workspace)
    samples = [{"prompt": "p?", "before": "no", "after": "yes"}]
    with closing(Workspace(workspace).connect()) as db:
        run = past_runs.write_run(db, "tune it", (tool, args, {**result, "losses": [2.0, 1.0], "samples": samples})).run.id
        kept = Sessions(db)
        kept.started(SESSION, kept.begin(SESSION, "tune it", "request", {}), run)
    monkeypatch.setattr("modelwright.tui.widgets.samples.Samples.on_resize", lambda self, event: None)
    (tmp_path / "go").touch()
    async with app.run_test(size=(100, 50)) as pilot:
        await until(pilot, shows(app, "✓ done and verified", "finetune: loss: 2 at first, 1 at last", "‹no›", "‹yes›"))


@pytest.mark.parametrize("losses", [[{"path": "a.txt", "characters_in": 9, "characters_out": 8}] * 2, "none", [2.0, None]])
@pytest.mark.asyncio
async def test_a_result_that_calls_something_else_losses_opens_all_the_same(
    losses: object, workspace: Path, app: Modelwright, tmp_path: Path
) -> None:
    tool, args, result = past_runs.finetune(workspace)
    with closing(Workspace(workspace).connect()) as db:
        odd = {**result, "losses": losses, "pairs": 3, "samples": "none"}
        run = past_runs.write_run(db, "index it", (tool, args, odd)).run.id
        kept = Sessions(db)
        kept.started(SESSION, kept.begin(SESSION, "index it", "request", {}), run)
    (tmp_path / "go").touch()
    async with app.run_test(size=(100, 50)) as pilot:
        await until(pilot, shows(app, "✓ done and verified", run))


@pytest.mark.asyncio
async def test_without_a_run_the_live_screen_says_so(app: Modelwright, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("f3")
        await until(pilot, shows(app, "No run is at work", "F2 lists past"))
        assert "thinking of a plan" not in text_of(app)
        await pilot.press("c")
        await until(pilot, shows(app, "there is no other curve"))


@pytest.mark.asyncio
async def test_the_run_of_a_request_that_no_tool_serves_says_why(app: Modelwright, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        app.view = RunView("r1")
        app.view.status, app.view.reason = "nothing", "none of my tools does this"
        await pilot.press("f3")
        await until(pilot, shows(app, "Run r1 · nothing", "none of my tools does this"))
