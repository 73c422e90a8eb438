"""The form of a step: where one can type at once, and what it says of names that there are none of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from modelwright.tui.app import Modelwright
from modelwright.tui.screens.step_form import StepForm
from tests.tui.waiting import shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


async def opened(pilot: Pilot[Any], tool: str, args: Json, *before: Json) -> StepForm:
    """The form of the last step of a plan."""
    steps = [*before, {"id": f"s{len(before) + 1}", "tool": tool, "args": args, "sources": {}}]
    form = StepForm({"request": "x", "kind": "plan", "steps": steps}, steps[-1]["id"], Path())
    await pilot.app.push_screen(form)
    await until(pilot, lambda: pilot.app.screen is form and text_of(pilot.app).strip())
    return form


def field(form: StepForm, name: str) -> Input:
    return form.query_one(f"#f-{name}", Input)


@pytest.mark.parametrize(
    ("tool", "args", "first"),
    [
        ("evaluate", {"model": "builtin"}, "dataset"),
        ("compare", {}, "dataset"),
        ("inspect_dataset", {"dataset": "train.jsonl", "max_problems": -1}, "max_problems"),
        ("inspect_dataset", {"dataset": "train.jsonl", "model": "gone.gguf"}, "model"),
        ("finetune", {"model": "builtin", "dataset": "train.jsonl"}, "dataset"),
    ],
)
async def test_the_form_opens_where_something_is_needed_else_at_what_is_needed_first(
    make_app: Make, tool: str, args: Json, first: str
) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        form = await opened(pilot, tool, args)
        await until(pilot, lambda: form.focused is not None)
        assert form.focused is form.query_one(f"#f-{first}")


@pytest.mark.parametrize(("args", "says"), [({}, "what to start from"), ({"seed": -1}, "of batches and adapter")])
async def test_what_the_first_field_is_stands_above_it_on_a_small_screen(make_app: Make, args: Json, says: str) -> None:
    app = make_app([])
    async with app.run_test(size=(80, 24)) as pilot:
        form = await opened(pilot, "finetune", {"dataset": "train.jsonl", **args})
        await until(pilot, shows(app, says))
        assert form.focused is not None
        assert form.region.contains_region(form.focused.region)


async def test_the_focus_stays_while_one_types(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        form = await opened(pilot, "evaluate", {"model": "builtin"})
        await pilot.press(*"train.jsonl")
        assert field(form, "dataset").value == "train.jsonl"
        await until(pilot, shows(app, "this checks"))


async def test_a_file_that_is_not_there_is_told_while_one_types(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        form = await opened(pilot, "inspect_dataset", {"dataset": "train.jsonl"})
        await until(pilot, shows(app, "this checks"))
        field(form, "dataset").value = "trian.jsonl"
        await until(pilot, shows(app, "s1.dataset: no file trian.jsonl", "did you mean train.jsonl?"))
        assert field(form, "dataset").has_class("wrong")
        assert form.query_one("#done", Button).disabled
        field(form, "dataset").value = "eval.jsonl"
        await until(pilot, shows(app, "this checks"))


async def test_a_model_and_a_type_that_do_not_exist_are_told_while_one_types(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        form = await opened(pilot, "quantize", {"model": "builtin"})
        await until(pilot, shows(app, "this checks"))
        field(form, "types").value = "Q8_9, Q4_K_M"
        await until(pilot, shows(app, "'Q8_9' is no quantization type; did you mean Q8_0?"))
        assert field(form, "types").has_class("wrong")
        field(form, "types").value = "q8_0, Q4_K_M, nf4"
        await until(pilot, shows(app, "this checks"))
        field(form, "model").value = "nothere.gguf"
        await until(pilot, shows(app, "s1.model: no model 'nothere.gguf'"))
        assert form.query_one("#done", Button).disabled


async def test_what_an_earlier_step_gives_or_writes_checks(make_app: Make) -> None:
    app = make_app([])
    export = {"id": "s1", "tool": "export_model", "args": {"model": "builtin", "output": "whole.gguf"}, "sources": {}}
    async with app.run_test(size=(100, 40)) as pilot:
        form = await opened(pilot, "quantize", {"model": "$s1.model"}, export)
        await until(pilot, shows(app, "this checks"))
        field(form, "model").value = "whole.gguf"
        await pilot.pause()
        await until(pilot, shows(app, "this checks"))


async def test_the_tools_screen_calls_only_with_what_is_there(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app([{"done": {"kind": "request", "exit_code": 0, "answer": "so", "result": None}}])
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("f4")
        await until(pilot, shows(app, "Tools"))
        table = app.screen.query_one("DataTable")
        await until(pilot, lambda: table.row_count)  # type: ignore[attr-defined]
        table.move_cursor(row=next(n for n, row in enumerate(table.ordered_rows) if row.key.value == "inspect_dataset"))  # type: ignore[attr-defined]
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, StepForm))
        form = app.screen
        assert isinstance(form, StepForm)
        field(form, "dataset").value = "nothing.jsonl"
        await until(pilot, shows(app, "no file nothing.jsonl"))
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, StepForm)
        field(form, "dataset").value = "eval.jsonl"
        await until(pilot, shows(app, "this checks"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: heard()[:1] and heard()[0]["args"]["dataset"] == "eval.jsonl")


@pytest.mark.parametrize("size", [(60, 20), (100, 30)])
async def test_what_does_not_check_is_said_and_gone_to_when_one_takes_it(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=size) as pilot:
        form = await opened(pilot, "finetune", {"dataset": "train.jsonl", "model": "builtin"})
        await until(pilot, shows(app, "this checks"))
        field(form, "lora_rank").value = "-3"
        field(form, "model").focus()
        await until(pilot, lambda: form.query_one("#done", Button).disabled)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form.focused is field(form, "lora_rank"))
        await until(pilot, shows(app, "not taken: ", "lora_rank"))
        assert app.screen is form
        await until(pilot, lambda: form.region.contains_region(field(form, "lora_rank").region))
        toast = form.query_one("Toast").region
        assert not toast.overlaps(field(form, "lora_rank").region)
        assert not any(toast.overlaps(button.region) for button in form.query(Button))


async def test_a_default_that_is_a_list_is_written_as_one_types_it(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot, "quantize", {"model": "builtin"})
        await until(pilot, shows(app, "default Q8_0"))
        assert "['Q8_0']" not in text_of(app)


async def test_what_is_needed_stands_before_all_else(make_app: Make) -> None:
    async with make_app([]).run_test(size=(100, 40)) as pilot:
        form = await opened(pilot, "compare", {})
        fields = [str(field.id) for field in form.query("Input, Select, Switch") if str(field.id).startswith("f-")]
        assert set(fields[:2]) == {"f-models", "f-dataset"}


async def test_what_was_typed_is_not_thrown_away_without_a_word(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        form = await opened(pilot, "finetune", {"dataset": "train.jsonl", "model": "builtin", "max_steps": 8})
        await until(pilot, shows(app, "this checks"))
        field(form, "max_steps").value = "5"
        field(form, "lora_alpha").value = "lots"
        await pilot.press("escape")
        await until(pilot, shows(app, "Leave the form?", "max_steps = 5", "lora_alpha = lots"))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is form)
        assert field(form, "max_steps").value == "5"
        await pilot.press("escape")
        await until(pilot, shows(app, "Leave the form?"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)


async def test_a_form_in_which_nothing_was_typed_is_left_at_once(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot, "finetune", {"dataset": "train.jsonl", "model": "builtin"})
        await until(pilot, shows(app, "this checks"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)


async def test_the_keys_at_the_bottom_are_those_of_the_form(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot, "finetune", {"dataset": "train.jsonl", "model": "builtin"})
        await until(pilot, lambda: "^s take it" in text_of(app).splitlines()[-1])
        assert "quit" not in text_of(app).splitlines()[-1]


async def test_a_list_of_models_opens_without_names_that_stand_for_nothing_here(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("f4")
        await until(pilot, shows(app, "Tools"))
        table = app.screen.query_one("DataTable")
        await until(pilot, lambda: table.row_count)  # type: ignore[attr-defined]
        table.move_cursor(row=next(n for n, row in enumerate(table.ordered_rows) if row.key.value == "compare"))  # type: ignore[attr-defined]
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, StepForm))
        form = app.screen
        assert isinstance(form, StepForm)
        assert field(form, "models").value == "builtin"
