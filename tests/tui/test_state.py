"""What the screen knows of a run, from its events alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.tui.state import RunView
from modelwright.tui.steps import MOST_POINTS, Series
from modelwright.tui.widgets.live import worth_drawing
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
    assert view.left(lines.START + teller.seq - 5) == 5.0 + 128.0, "the rest of s1, and the estimate of s2"
    view = fed([{"event": {**said["event"], "seq": n}} for n, said in enumerate(lines.finish(teller)[:-1], 1)])
    assert view.status == "done"


def test_what_a_step_says_is_left_runs_down_and_what_is_late_is_no_time_to_go() -> None:
    teller = lines.Teller()
    view = fed([*lines.begin(teller), *lines.training(teller, 40, 25)])
    step, told = view.steps["s1"], lines.START + teller.seq
    assert step.left(told) == 45.0
    assert step.left(told + 40) == 5.0, "40 seconds later it is not 45 again"
    assert step.left(told + 60) == -15.0
    assert view.left(told + 60) == 128.0, "the estimate of s2 alone"
    assert not view.is_late(told)
    assert view.is_late(told + 60)


def test_a_step_that_says_nothing_is_late_by_its_estimate() -> None:
    teller = lines.Teller()
    view = fed([*lines.begin(teller), teller.event("tool.started", "s2")])
    assert view.steps["s2"].left(lines.START + teller.seq + 130) == -2.0
    view.steps["s1"].status = "done"
    assert view.left(lines.START + teller.seq + 130) is None, "nothing is predicted any more: not 0 seconds"


def test_an_argument_that_an_edit_took_out_is_gone() -> None:
    teller = lines.Teller()
    events = lines.begin(teller)
    view = fed([*events, teller.event("approval.given", by="user", edit={"s1": {"lora_rank": None, "batch_size": 2}})])
    step = view.steps["s1"]
    assert step.args == {"model": "builtin", "dataset": "train.jsonl", "batch_size": 2}
    assert set(step.sources) == set(step.args)
    assert step.sources["batch_size"] == "edit"
    assert lines.STEPS[0]["args"]["lora_rank"] == 8, "the plan that was proposed stays as it was"


def edited(teller: lines.Teller, **changes: object) -> list[dict[str, dict[str, object]]]:
    decided = {"decision": "ask", "rule": "models-and-data-made", "reason": "it makes a model"}
    return [teller.event("approval.given", by="user", edit={"s1": changes}), teller.event("policy.decision", "s1", **decided)]


def test_a_value_is_marked_as_changed_until_it_is_as_it_was_proposed() -> None:
    teller = lines.Teller()
    events = [*lines.begin(teller), *edited(teller, lora_rank=32)]
    assert fed(events).steps["s1"].changed == {"lora_rank"}
    assert fed([*events, *edited(teller, lora_rank=8)]).steps["s1"].changed == set()


def test_an_edit_that_the_run_does_not_take_leaves_arguments_and_marks_as_they_were() -> None:
    teller = lines.Teller()
    taken = [*lines.begin(teller), *edited(teller, batch_size=2)]
    refused = [*edited(teller, lora_rank=4096)[:1], teller.event("notice", message="the edit was not taken: too big")]
    view = fed([*taken, *refused])
    assert view.edit_is_open
    view.take(teller.event("approval.asked", steps=["s1"])["event"])
    step = view.steps["s1"]
    assert (step.args["lora_rank"], step.args["batch_size"], step.changed) == (8, 2, {"batch_size"})
    assert step.sources["lora_rank"] == "request[38:44]"
    assert not view.edit_is_open


def test_a_default_is_none_any_more_once_an_edit_gives_the_argument() -> None:
    teller = lines.Teller()
    told = teller.event(
        "policy.decision", "s1", decision="ask", rule="r", reason="", estimate=None, defaults={"epochs": 5, "batch_size": 4}
    )
    view = fed([*lines.begin(teller), {"event": {**told["event"], "seq": teller.seq + 1}}])
    assert view.steps["s1"].by_default == {"epochs": 5, "batch_size": 4}
    edit = teller.event("approval.given", by="user", edit={"s1": {"epochs": 2}})
    view.take({**edit["event"], "seq": teller.seq + 2})
    assert view.steps["s1"].by_default == {"batch_size": 4}


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


def test_what_words_changed_says_so_and_what_a_form_changed_is_an_edit() -> None:
    view, teller = RunView(), lines.Teller()
    for line in lines.begin(teller):
        view.take(line["event"])
    view.take(teller.event("approval.given", by="user", edit={"s1": {"lora_rank": 32}}, said="no, use rank 32")["event"])
    assert view.steps["s1"].sources["lora_rank"] == "your words «no, use rank 32»"
    view.take(teller.event("approval.given", by="user", edit={"s1": {"epochs": 2}})["event"])
    assert view.steps["s1"].sources["epochs"] == "edit"


@pytest.mark.parametrize(
    ("name", "points", "drawn"),
    [
        ("loss", [(1.0, 2.0), (2.0, 1.0)], True),
        ("loss", [(1.0, 2.0)], False),
        ("loss", [(1.0, 2.0), (2.0, 2.0)], False),
        ("chunks", [(1.0, 1.0), (2.0, 4.0)], False),
    ],
)
def test_a_curve_is_drawn_where_it_tells_more_than_its_last_value(name: str, points: list[tuple[float, float]], drawn: bool) -> None:
    assert worth_drawing(name, points) is drawn
