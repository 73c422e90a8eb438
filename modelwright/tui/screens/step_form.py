"""A step's arguments as a form made from the tool's schema; each change is checked as a run would check it, while one types.

A field of the schema is an Input (or a Select where it lists its values, a Switch where it is true or false). References to
earlier steps ("$s1.model") are typed as they are and checked too; models and files have to be there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Switch

from modelwright.errors import BadRequest
from modelwright.text import one_line
from modelwright.tui.at_hand import at_hand
from modelwright.tui.screens.ask import Ask, Discard
from modelwright.tui.texts import MUTED, lines, plain, source_text, value_text
from modelwright.tui.widgets.plain import Plain
from modelwright.types import Json

UNSET = "(unset)"


class StepForm(Ask[Json | None]):
    """Gives the changed arguments of the step (None removes one), or None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "done", "take it"), Binding("escape", "leave", "leave")]

    def __init__(self, plan: Json, step: str, root: Path, *, done: str = "Take it") -> None:
        from modelwright import tools

        super().__init__()
        self._plan, self._root, self._done = plan, root, done
        self._step: Json = next(s for s in plan["steps"] if s["id"] == step)
        self._tool = tools.load(self._step["tool"])
        self._schema = self._tool.args_schema
        self._problem = ""
        """What is wrong with it as it stands."""
        self._began: dict[str, object] = {}
        """What each field held when the form was opened."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="box form"):
            yield Plain(f"{self._step['id']} {self._tool.name}: {self._tool.summary}", classes="title")
            with VerticalScroll():
                for name in self._names():
                    yield from self._field(name, self._schema["properties"][name])
            yield Plain(id="problem")
            with Horizontal(classes="buttons"):
                yield Button(Content("Leave [Esc]"), id="leave", compact=True)
                yield Button(Content(f"{self._done} [Ctrl+S]"), id="done", compact=True)

    def _names(self) -> list[str]:
        """What is needed first."""
        needed = self._schema.get("required", [])
        return sorted(self._schema["properties"], key=lambda name: name not in needed)

    def _field(self, name: str, part: Json) -> ComposeResult:
        required = " (needed)" if name in self._schema.get("required", []) else ""
        default = f" · default {value_text(part['default'])}" if part.get("default") is not None else ""
        source = source_text(self._step.get("sources", {}).get(name, ""), self._plan["request"])
        yield Plain(
            lines(
                (f"{name}{required}", "bold"),
                (
                    f"{part.get('description', '')}{default}" + (f" · from {source}" if source else ""),
                    MUTED,
                ),
            )
        )
        yield self._input(name, part)

    def _input(self, name: str, part: Json) -> Widget:
        value = self._step["args"].get(name)
        choices = _enum(part, self._schema)
        if choices and (value is None or value in choices):
            given = str(value) if value is not None else UNSET
            unset = f"(default: {part['default']})" if part.get("default") is not None else "(none)"
            return Select(
                [(plain(unset), UNSET), *((plain(str(c)), str(c)) for c in choices)],
                value=given,
                allow_blank=False,
                id=f"f-{name}",
                compact=True,
            )
        if part.get("type") == "boolean" and not isinstance(value, str):
            return Switch(bool(part.get("default")) if value is None else value, id=f"f-{name}")
        return Input(_typed(value), id=f"f-{name}", compact=True)

    def on_mount(self) -> None:
        self._began = self._held()
        self._check()
        field = self._where_to_begin()
        self.set_focus(field, scroll_visible=False)
        self.call_after_refresh(self._show_words_of, field)

    def _where_to_begin(self) -> Widget | None:
        """The field that is wrong or missing, else the first one."""
        first = next(iter(self._names()), None)
        return self._wrong_field() or (self.query_one(f"#f-{first}") if first else None)

    def _wrong_field(self) -> Widget | None:
        return next(iter(self.query(".wrong").results(Widget)), None)

    def _show_words_of(self, field: Widget | None) -> None:
        """What the field is stands above it."""
        shown = self.query_one(VerticalScroll)
        if field is not None:
            shown.scroll_to_widget(shown.children[shown.children.index(field) - 1], top=True, animate=False)

    def _held(self) -> dict[str, object]:
        """What each field holds, as it was typed."""
        fields = {name: self.query_one(f"#f-{name}") for name in self._schema["properties"]}
        return {name: field.value for name, field in fields.items() if isinstance(field, Input | Select | Switch)}

    # what is in the form ---------------------------------------------------------------------------------------------------

    def _given(self) -> Json:
        """All fields as values. Raises BadRequest for one that cannot be read."""
        from modelwright.prompts import value_of

        made: Json = {}
        for name in self._schema["properties"]:
            widget = self.query_one(f"#f-{name}")
            if isinstance(widget, Switch):
                made[name] = widget.value
            elif isinstance(widget, Select):
                made[name] = None if widget.value == UNSET else widget.value
            elif isinstance(widget, Input):
                text = widget.value.strip()
                made[name] = (text if text.startswith("$s") else value_of(text, self._schema, name)) if text else None
        return made

    def changes(self) -> Json:
        """What is not as the step has it; a switch that stands at the default and was not given is no change."""
        made: Json = {}
        for name, value in self._given().items():
            before = self._step["args"].get(name)
            default = self._schema["properties"][name].get("default")
            if value != before and not (before is None and isinstance(value, bool) and value == bool(default)):
                made[name] = value
        return made

    def _check(self) -> None:
        from modelwright.agent.editing import problem_of

        try:
            field, problem = problem_of(self._plan, self._step["id"], self.changes(), self._root)
        except BadRequest as error:
            field, problem = "", str(error)
        for name in self._schema["properties"]:
            self.query_one(f"#f-{name}").set_class(bool(problem) and name == field.split(".")[0], "wrong")
        self._problem = at_hand(problem)
        shown = plain(f"✗ {self._problem}", "$text-error") if problem else plain("✓ this checks", "$text-success")
        self.query_one("#problem", Plain).say(shown)
        self.query_one("#done", Button).disabled = bool(problem)

    def on_input_changed(self) -> None:
        self._check()

    def on_select_changed(self) -> None:
        self._check()

    def on_switch_changed(self) -> None:
        self._check()

    def on_input_submitted(self) -> None:
        self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "done":
            self.action_done()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """What was typed is not thrown away without a word."""
        changed = [f"{name} = {value}" for name, value in self._held().items() if value != self._began.get(name)]
        if not changed:
            self.dismiss(None)
            return

        def told(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(Discard(one_line(f"lost then: {', '.join(changed)}", 400)), told)

    def action_done(self) -> None:
        """Take it; where it does not check, say so and go to the field that is wrong."""
        if not self._problem:
            self.dismiss(self.changes())
            return
        self.notify(f"not taken: {self._problem}", severity="warning", markup=False)
        field = self._wrong_field()
        if field is not None:
            self.set_focus(field, scroll_visible=False)
            self._show_words_of(field)


def _enum(part: Json, schema: Json) -> list[Any]:
    """The values that a field may have, when the schema lists them."""
    if "$ref" in part:
        part = schema.get("$defs", {}).get(part["$ref"].rpartition("/")[2], {})
    return list(part.get("enum", []))


def _typed(value: Any) -> str:
    """A value as one would type it."""
    import json

    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(v, str) and "," not in v for v in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
