"""A plan fits the terminal it is shown on, whatever it holds."""

from __future__ import annotations

import io

import pytest

from modelwright.plantable import plan_table, screen_width, table, terminal_width
from modelwright.types import Decision, Estimate, Plan, Step

SOURCES = {"model": "request[10:17]", "dataset": "request[21:44]", "output": "session: run r261122-k7f2"}
PLAN = Plan(
    steps=[
        Step(
            id="s1",
            tool="finetune",
            args={"model": "builtin", "dataset": "examples/tone/" + "long-" * 30 + "train.jsonl", "output": "out/tuned", "epochs": 3},
            sources=SOURCES,
            estimate=Estimate(seconds=135, memory_bytes=3_300_000_000, disk_bytes=12_000_000),
            decision=Decision.ASK,
            rule="models-and-data-made",
        ),
        Step(
            id="s2",
            tool="compare",
            args={"models": ["builtin", "$s1.model"], "dataset": "eval.jsonl"},
            sources={"models": "request[10:17], step s1"},
            expect={"verdict": "better"},
            estimate=Estimate(seconds=128, memory_bytes=800_000_000),
            decision=Decision.ALLOW,
            rule="looking-and-measuring",
        ),
    ],
    reason="left out, as no tool of this plan takes it: dropout 0.1",
    hash="5a76538a7cf1" * 5,
)


@pytest.mark.parametrize("width", [60, 61, 80, 99, 100, 101, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = plan_table(PLAN, width).splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_width_says_the_same(width: int) -> None:
    said = "".join(plan_table(PLAN, width).split())
    for part in (
        "s1",
        "finetune",
        "model=builtin(request[10:17])",
        "epochs=3(nosource)",
        "models=[builtin,$s1.model](request[10:17],steps1)",
    ):
        assert part in said
    for part in (
        "3.3GB",
        "12.0MB",
        "ask(models-and-data-made)",
        "allow(looking-and-measuring)",
        "expectverdict=better",
        "total",
        "5a76538a7cf1",
    ):
        assert part in said
    assert "dropout0.1" in said
    assert ("263" if width >= 100 else "4:23min") in said, "seconds are added up"


@pytest.mark.parametrize("width", [60, 120])
def test_an_estimate_that_could_not_be_made_is_unknown_and_the_total_at_least_the_rest(width: int) -> None:
    steps = [PLAN.steps[0].model_copy(update={"estimate": None}), PLAN.steps[1]]
    said = plan_table(PLAN.model_copy(update={"steps": steps}), width)
    assert "unknown" in said
    assert ("≥ 128" if width >= 100 else "at least 2:08 min") in said


def test_less_than_sixty_columns_are_taken_as_sixty() -> None:
    assert plan_table(PLAN, 10) == plan_table(PLAN, 60)


@pytest.mark.parametrize("width", [60, 120])
def test_questions_and_reasons_are_wrapped_and_free_of_escapes(width: int) -> None:
    asked = Plan(kind="question", question="which \x1b[31mone " + "of these " * 30, choices=["a" * 150, "b"])
    for plan in (asked, Plan(kind="none", reason="none of my tools " * 20)):
        said = plan_table(plan, width)
        assert max(map(len, said.splitlines())) <= width
        assert "\x1b" not in said


@pytest.mark.parametrize("width", [60, 200])
def test_an_estimate_with_a_record_shows_between_what_it_lies(width: int) -> None:
    learned = Estimate(
        seconds=140, seconds_low=96, seconds_high=204, memory_bytes=3_300_000_000, memory_low=2_900_000_000, memory_high=3_800_000_000
    )
    said = " ".join(plan_table(PLAN.model_copy(update={"steps": [PLAN.steps[0].model_copy(update={"estimate": learned})]}), width).split())
    assert ("140 (96 to 204)" if width >= 100 else "2:20 min (1:36 min to 3:24 min)") in said
    assert "3.3 GB (2.9 GB to 3.8 GB)" in said


@pytest.mark.parametrize("width", [60, 200])
def test_a_first_guess_is_called_one_and_so_is_a_total_with_one_in_it(width: int) -> None:
    guess = Estimate(seconds=140, memory_bytes=3_300_000_000, first_guess=True)
    steps = [PLAN.steps[0].model_copy(update={"estimate": guess}), PLAN.steps[1]]
    said = " ".join(plan_table(PLAN.model_copy(update={"steps": steps}), width).split())
    wanted = ("140 (first guess)", "268 (first guess)") if width >= 100 else ("2:20 min (first guess)", "total: 4:28 min (first guess)")
    assert all(text in said for text in wanted)


@pytest.mark.parametrize("width", [60, 200])
def test_the_total_shows_between_what_it_lies(width: int) -> None:
    learned = [Estimate(seconds=100, seconds_low=80, seconds_high=130), Estimate(seconds=50, seconds_low=30, seconds_high=90)]
    steps = [step.model_copy(update={"estimate": one}) for step, one in zip(PLAN.steps, learned, strict=True)]
    said = " ".join(plan_table(PLAN.model_copy(update={"steps": steps}), width).split())
    assert ("150 (110 to 220)" if width >= 100 else "total: 2:30 min (1:50 min to 3:40 min)") in said


ROWS = [
    ["", "what", "found", "fix"],
    ["ok", "disk", "much " * 30 + "free", ""],
    ["--", "extra tui", "not installed", "pip install it " * 9],
]


@pytest.mark.parametrize("width", [20, 60, 61, 100])
def test_a_table_is_as_wide_as_the_terminal_and_loses_no_word(width: int) -> None:
    said = table(ROWS, width)
    assert max(map(len, said.splitlines())) <= width
    assert said.count("much") == 30
    assert said.count("install") == 10


def test_in_a_pipe_a_row_is_a_line_unless_columns_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert len(table(ROWS, screen_width()).splitlines()) == 4
    assert terminal_width() == 120
    monkeypatch.setenv("COLUMNS", "72")
    assert (screen_width(), terminal_width()) == (72, 72)
