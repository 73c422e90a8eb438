"""What can plan here: each model with its reach, its price and how fast it was; Enter chooses one from now on."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.tui.screens.table import Row, TableScreen
from modelwright.tui.texts import lines


class ModelsScreen(TableScreen):
    HEAD = "Models · Enter plans with the highlighted one from now on, + names another"
    COLUMNS = ("", "model", "role", "found", "$/M in, out", "tokens/s", "first token")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "use", "use it"), Binding("plus", "name", "name one…")]

    def read(self) -> list[Row]:
        from modelwright.agent.models_info import models_table, table_cells

        found = models_table(self.root)
        return [Row(row.ref, cells[:7], row) for row, cells in zip(found, table_cells(found)[1:], strict=True)]

    def tell(self, row: Row) -> Content:
        thing = row.thing
        reach = {True: "✓ it is there", False: "✗ it cannot be reached", None: "? not looked at"}[thing.reachable]
        price = (
            "unknown" if thing.prompt_price is None else f"{thing.prompt_price:g} and {thing.answer_price:g} US dollars a million tokens"
        )
        speed = (
            f"{thing.tokens_per_second:.1f} tokens/s, first token after {thing.ttft_seconds:.2f} s"
            if thing.tokens_per_second
            else "never asked here"
        )
        fix = [f"fix: {thing.fix}"] if thing.fix else []
        return lines(
            (thing.ref, "bold"), f"{thing.kind}, {thing.role}", reach, thing.found, f"price: {price}", f"last speed: {speed}", *fix
        )

    def on_data_table_row_selected(self) -> None:
        self.action_use()

    def action_use(self) -> None:
        if row := self.current():
            self._choose(row.key)

    def action_name(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        self.app.push_screen(
            AskLine("Which model? (a GGUF file, openai:http://host:port/v1#name)"), lambda text: self._choose(text) if text else None
        )

    def _choose(self, ref: str) -> None:
        from modelwright.agent.models_info import choose_model

        self.do(lambda: choose_model(self.root, ref), "written")
        self.desk.turns.renew()
