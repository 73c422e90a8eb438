"""Memory is one thing wherever it is shown: what the processes of a step hold. Predicted in the plan, now while it runs, its peak after."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from textual.app import App, ComposeResult

from modelwright.engines.client import resident_bytes
from modelwright.tui import clock, data
from modelwright.tui.link import holder, stop_holder
from modelwright.tui.state import RunView
from modelwright.tui.widgets.live import LiveCard
from tests.tui import lines
from tests.tui.waiting import shows, text_of, until

MEASURED = data.memory_of
"""As it is, before the tests of the app put a number in its place."""
WAIT = "import sys; print(flush=True); sys.stdin.read()"
AGENT = f"""
import subprocess, sys
kept = bytearray(30_000_000)
held = [subprocess.Popen([sys.executable, "-c", {WAIT!r}, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for name in sys.argv[1:]]
for one in held:
    one.stdout.readline()  # it has started: what it holds from here on changes no more
print(*(one.pid for one in held), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def agents() -> Iterator[list[subprocess.Popen[str]]]:
    begun: list[subprocess.Popen[str]] = []
    yield begun
    for agent in begun:
        for child in psutil.Process(agent.pid).children():
            child.kill()
        agent.kill()
        agent.communicate()


def an_agent(agents: list[subprocess.Popen[str]], *children: str) -> tuple[int, list[psutil.Process]]:
    """A process that has started these, and they."""
    agent = subprocess.Popen([sys.executable, "-c", AGENT, *children], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    agents.append(agent)
    assert agent.stdout is not None
    return agent.pid, [psutil.Process(int(pid)) for pid in agent.stdout.readline().split()]


def test_only_the_job_of_the_step_counts_not_the_agent_nor_the_model_that_plans(agents: list[subprocess.Popen[str]]) -> None:
    pid, (job, planner) = an_agent(agents, data.JOB, "a.planning.model")
    used = MEASURED(pid)
    assert used is not None
    assert abs(used - resident_bytes(job)) < resident_bytes(planner) / 2, "of the job alone, which is as large as the other"
    assert used < psutil.Process(pid).memory_info().rss, "the agent holds 30 MB"


def test_a_step_without_a_process_has_no_figure(agents: list[subprocess.Popen[str]]) -> None:
    pid, _ = an_agent(agents, "a.planning.model")
    assert MEASURED(pid) is None
    assert MEASURED(2**22 + 1) is None, "no such process"


class OneCard(App[None]):
    def __init__(self, view: RunView) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield LiveCard(self.view)


def a_view(*said: list[dict[str, dict[str, object]]]) -> RunView:
    view = RunView()
    for line in (one for part in said for one in part if "event" in one):
        view.take(line["event"])
    return view


@pytest.mark.asyncio
async def test_a_running_step_shows_what_it_holds_beside_what_was_predicted() -> None:
    teller = lines.Teller()
    view = a_view(lines.begin(teller), lines.training(teller, upto=3))
    app = OneCard(view)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(app, "memory: a peak of 3.3 GB predicted"))
        view.memory_in_use = 2_100_000_000
        app.query_one(LiveCard).show()
        await until(pilot, shows(app, "memory: 2.1 GB in use, a peak of 3.3 GB predicted"))


@pytest.mark.asyncio
@pytest.mark.parametrize("width", [60, 80, 140])
async def test_a_step_that_is_late_says_by_how_much(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = lines.Teller()
    view = a_view(lines.begin(teller), lines.training(teller, upto=25))
    monkeypatch.setattr(clock, "now", lambda: lines.START + teller.seq + 45 + 90)
    async with OneCard(view).run_test(size=(width, 24)) as pilot:
        await until(pilot, shows(pilot.app, "longer than predicted, by 1:30 min", "at least 2:08 min to go"))
        assert "0.0 s" not in text_of(pilot.app)


@pytest.mark.parametrize(("width", "told"), [(80, "peak 2.6 GB · 1 of 1 checks"), (140, "peak 2.6 GB (3.3 GB predicted) · 1 of 1 checks")])
@pytest.mark.asyncio
async def test_a_step_that_is_done_shows_its_peak_on_one_line(width: int, told: str) -> None:
    teller = lines.Teller()
    app = OneCard(a_view(lines.begin(teller), lines.training(teller, upto=3), lines.finish(teller)))
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, shows(app, "✓ s1 finetune"))
        [row] = [row for row in text_of(app).splitlines() if "s1 finetune" in row]
        assert told in row


def test_the_figure_of_a_step_is_not_shown_for_the_next_one() -> None:
    teller = lines.Teller()
    view = a_view(lines.begin(teller), lines.training(teller, upto=3))
    view.memory_in_use = 2_100_000_000
    view.take(teller.event("tool.started", "s2")["event"])
    assert view.memory_in_use is None


def test_who_holds_a_session_is_read_from_its_lease(workspace: Path) -> None:
    from modelwright.agent.sessions import hold
    from modelwright.workspace import Workspace

    assert holder(workspace, "s") is None
    assert not stop_holder(workspace, "s")
    with hold(Workspace(workspace), "s"):
        assert holder(workspace, "s") == psutil.Process().pid
    lease = workspace / ".modelwright" / "sessions" / "s" / "lease"
    lease.write_text('{"pid": 1, "host": "another", "since": 0}')
    assert holder(workspace, "s") is None
