"""What the screen knows of a run, from its events alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelwright.tui.state import MOST_POINTS, RunView, Series
from tests.tui import lines


def fed(events: list[dict[str, dict[str, object]]]) -> RunView:
    view = RunView()
    for said in events:
        if "event" in said:
            view.take(said["event"])
    return view


def test_a_run_is_followed_from_plan_to_end() -> None:
    teller = lines.Teller()
    view = fed([*lines.begin(teller), *lines.training(teller)])
    assert (view.steps["s1"].at, view.steps["s1"].of, view.steps["s1"].share) == (40, 40, 1.0)
    assert view.left(lines.START) == 0.0 + 128.0, "the rest of s1, and the estimate of s2"
    view = fed([{"event": {**said["event"], "seq": n}} for n, said in enumerate(lines.finish(teller)[:-1], 1)])
    assert view.status == "done"


def test_a_curve_begins_anew_when_the_steps_are_counted_anew() -> None:
    series = Series()
    for at in (1, 2, 3, 1, 2):
        series.add(float(at), 5.0)
    assert [x for x, _ in series.points] == [1.0, 2.0], "the second model of a comparison, not a line back to the left"


def test_an_event_that_is_heard_twice_counts_once() -> None:
    teller = lines.Teller()
    events = [*lines.begin(teller), *lines.training(teller, 10)]
    once, twice = fed(events), fed([*events, *events])
    assert once.steps["s1"].series["loss"].points == twice.steps["s1"].series["loss"].points
    assert once.log == twice.log


@given(st.lists(st.floats(-1e6, 1e6), max_size=3000))
def test_a_curve_never_has_more_points_than_can_be_drawn(values: list[float]) -> None:
    series = Series()
    for at, value in enumerate(values):
        series.add(float(at), value)
    assert len(series.points) <= MOST_POINTS
    assert [x for x, _ in series.points] == sorted(x for x, _ in series.points)
