"""What it can do: each tool with its arguments and result, and a form to call one without a planner."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.tui.outlined import rows_of
from modelwright.tui.ruled import EFFECTS
from modelwright.tui.screens.table import Row, TableScreen, json_text
from modelwright.tui.texts import labelled, lines, plain, under

if TYPE_CHECKING:
    from modelwright.types import Json


class ToolsScreen(TableScreen):
    HEAD = "Tools · Enter calls the highlighted one by a form"
    OF_A_ROW = frozenset({"call", "schema"})
    COLUMNS = ("tool", "what it does")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("c,enter", "call", "call it"), Binding("s", "schema", "schema")]

    def read(self) -> list[Row]:
        from modelwright import tools

        return [Row(name, [name, what]) for name, what in sorted(tools.summaries().items())]

    def tell(self, row: Row) -> Content:
        from modelwright import tools

        tool = tools.load(row.key)
        effects = ", ".join(EFFECTS[effect.value] for effect in sorted(tool.effects))
        return lines(
            (tool.doc, "bold"),
            f"effects: {effects}",
            ("arguments (* has to be given)", "bold"),
            *_fields(tool.args_schema, tool.args_schema.get("required", []), self.text_width),
            ("result", "bold"),
            *_fields(tool.result_schema, (), self.text_width),
            ("example", "bold"),
            *labelled(rows_of(tool.example), self.text_width),
        )

    def on_data_table_row_selected(self) -> None:
        self.action_call()

    def action_call(self) -> None:
        from modelwright import tools
        from modelwright.tui.screens.step_form import StepForm

        row = self.current()
        if row is None:
            return
        tool = tools.load(row.key)
        example = _of_models_here(tool.example, self.root)
        plan = _call(tool.name, example)

        def filled(changes: Json | None) -> None:
            if changes is not None:
                args = {name: value for name, value in {**example, **changes}.items() if value is not None}
                self.app.pop_screen()
                self.desk.turns.do({"do": "call", "tool": tool.name, "args": args}, f"call {tool.name}")

        self.app.push_screen(StepForm(plan, "s1", self.root, done="Call it"), filled)

    def action_schema(self) -> None:
        from modelwright import tools
        from modelwright.tui.screens.text import TextScreen

        if row := self.current():
            self.app.push_screen(TextScreen(f"{row.key}: JSON schema of the arguments", json_text(tools.load(row.key).args_schema)))


def _call(tool: str, args: Json) -> Json:
    return {"request": f"call {tool}", "kind": "plan", "steps": [{"id": "s1", "tool": tool, "args": args, "sources": {}}]}


def _of_models_here(example: Json, root: Path) -> Json:
    """The example, its list of models without those names that stand for nothing here ("tuned")."""
    return {name: [one for one in value if _is_model(one, root)] if name == "models" else value for name, value in example.items()}


def _is_model(name: str, root: Path) -> bool:
    from modelwright.errors import ModelwrightError
    from modelwright.modelrefs import resolve

    try:
        resolve(name, root)
    except ModelwrightError:
        return False
    return True


def _fields(schema: Json, needed: Collection[str], width: int) -> list[Content]:
    """A star stands before what has to be given."""
    return [
        plain(under(f"  {name:<18}{'* ' if name in needed else '  '}", str(part.get("description") or part.get("type") or "…"), width))
        for name, part in schema.get("properties", {}).items()
    ]
