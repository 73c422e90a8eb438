"""What is kept as JSON or TOML is shown in words; as it is kept it stands behind a key, or below the words where it will be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.consent import consent
from modelwright.agent.memory_view import MemoryView
from modelwright.config import load
from modelwright.policies import load as load_policy
from modelwright.tui.app import Modelwright
from modelwright.tui.outlined import rows_of
from modelwright.tui.ruled import EFFECTS, always, told
from modelwright.tui.screens.trace import TraceScreen
from modelwright.tui.texts import labelled
from modelwright.types import Effect
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]


def test_data_is_told_row_by_row() -> None:
    data = {
        "gen_ai.tool.name": "finetune",
        "estimate": {"seconds": 135.0, "memory_bytes": 3_300_000_000, "cost": 0, "seconds_low": None},
        "reused": False,
        "types": ["Q8_0", "Q4_0"],
        "checks": [{"name": "loss fell", "passed": True}, {"name": "it runs", "passed": False}],
        "empty": [],
    }
    assert rows_of(data) == [
        ("gen ai tool name", "finetune"),
        ("estimate", ""),
        ("  seconds", "2:15 min"),
        ("  memory bytes", "3.3 GB"),
        ("  cost", "0"),
        ("reused", "no"),
        ("types", "Q8_0, Q4_0"),
        ("checks 1", ""),
        ("  name", "loss fell"),
        ("  passed", "yes"),
        ("checks 2", ""),
        ("  name", "it runs"),
        ("  passed", "no"),
    ]


def test_values_stand_under_each_other_and_are_wrapped_there() -> None:
    shown = [row.plain for row in labelled([("a", "one two three four five six"), ("long name", "x")], 30)]
    assert shown == ["  a          one two three\n             four five six", "  long name  x"]


def test_every_effect_has_words() -> None:
    assert set(EFFECTS) == {effect.value for effect in Effect}


def test_the_rule_of_always_is_told_in_words(workspace: Path) -> None:
    (workspace / "train.jsonl").write_text("{}\n")
    rows = dict(always(consent("quantize", {"model": "builtin", "types": ["Q8_0"], "output": "small"}, workspace, None).rule))
    assert rows["tools"] == "quantize"
    assert rows["writes"] == "only what is in this folder"
    assert rows["takes"].startswith("at most ")
    assert rows["disk"].endswith("B")
    assert rows["money"] == "none"
    assert "models-and-data-made" in rows["answers"]
    assert not any(sign in text for text in rows.values() for sign in '{}[]"_')


def test_every_rule_of_the_packaged_policy_is_told_without_its_syntax() -> None:
    for rule in load_policy(None).source["rule"]:
        text = str(told(rule))
        assert not any(sign in text for sign in ('"path', "{", "estimate.", "reads_files", "'in'", "gt")), rule["id"]


@pytest.mark.asyncio
async def test_always_is_asked_in_words_first_and_the_rule_stands_below(make_app: Make) -> None:
    app = make_app([*lines.begin(lines.Teller()), lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 45)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?", "till run"))
        await pilot.press("ctrl+g", "A", "enter")
        await until(pilot, shows(app, "Always?", "without a question", "takes    at most ", "[[rule]]", "Write the rule [y]"))
        page = text_of(app)
        assert page.index("takes    at most") < page.index("[[rule]]")


@pytest.mark.asyncio
async def test_a_rule_is_words_and_its_toml_is_behind_a_key(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await pilot.press("f8")
        await until(pilot, shows(app, "secrets-not-read: deny", "something where keys, passwords"))
        assert "{" not in text_of(app)
        await pilot.press("r")
        await until(pilot, shows(app, "[[rule]]", 'id = "secrets-not-read"', 'when = { "path.reads"'))
        assert 'id = "secrets-not-written"' not in text_of(app)
        await pilot.press("r")
        await until(pilot, shows(app, "something where keys, passwords"))


@pytest.mark.asyncio
async def test_an_event_is_rows_and_its_json_is_behind_a_key(make_app: Make, workspace: Path) -> None:
    db = Workspace(workspace).connect()
    run = past_runs.write_run(db, "make it small", past_runs.quantize(workspace, model="builtin", types=["Q8_0"])).run.id
    db.close()
    app = make_app([])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await app.push_screen(TraceScreen(app.root, run))
        await until(pilot, shows(app, "plan.proposed", "steps 1", "tool", "types"))
        assert '"' not in text_of(app).partition("the run then")[2]
        await pilot.press("r")
        await until(pilot, shows(app, '"type": "plan.proposed"'))


@pytest.mark.asyncio
async def test_a_memory_is_words_and_its_json_is_behind_a_key(make_app: Make, workspace: Path) -> None:
    Workspace(workspace).connect().close()
    with MemoryView.opened(Workspace(workspace), load(workspace), print) as view:
        view.add("prefer small models")
    app = make_app([])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await pilot.press("f5")
        await until(pilot, shows(app, "a fact", "command line (stated by the user)", "0.50 of 1"))
        await pilot.press("r")
        await until(pilot, shows(app, '"kind": "semantic"'))


@pytest.mark.asyncio
async def test_the_example_of_a_tool_is_rows(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(100, 120)) as pilot:
        await pilot.press("f4", "slash", *"quantize", "enter")
        await until(pilot, shows(app, "example"))
        await until(pilot, lambda: "{" not in text_of(app).partition("example")[2])
