"""What can plan here: each model with its reach, its price and how fast it was; Enter chooses one from now on."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.tui.screens.table import Row, TableScreen
from modelwright.tui.texts import lines

REACHED = {True: "✓ it is there", False: "✗ it cannot be reached", None: "? not looked at"}


class ModelsScreen(TableScreen):
    HEAD = "Models · Enter plans with it from now on · + names another"
    COLUMNS = ("", "model", "role", "$/M in, out", "tokens/s", "first token", "found")
    SPARE = ("found", "first token", "$/M in, out", "tokens/s")
    EMPTY = "no model is set: + names one"
    OF_A_ROW = frozenset({"use"})
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "use", "use it"), Binding("plus", "name", "name one…")]

    def read(self) -> list[Row]:
        from modelwright.agent.models_info import models_table, table_cells

        found = models_table(self.root)
        made = []
        for row, (_, model, role, place, *numbers, _) in zip(found, table_cells(found)[1:], strict=True):
            made.append(Row(row.ref, [REACHED[row.reachable][0], model, role, *numbers, place], row))
        return made

    def tell(self, row: Row) -> Content:
        thing = row.thing
        prices = (thing.prompt_price, thing.answer_price)
        price = "unknown" if None in prices else f"{prices[0]:g} and {prices[1]:g} US dollars a million tokens" if any(prices) else "free"
        speed = (
            f"{thing.tokens_per_second:.1f} tokens/s, first token after {thing.ttft_seconds:.2f} s"
            if thing.tokens_per_second
            else "never asked here"
        )
        fix = [f"fix: {thing.fix}"] if thing.fix else []
        return lines(
            (thing.ref, "bold"),
            f"{thing.kind}, {thing.role}",
            REACHED[thing.reachable],
            thing.found,
            f"price: {price}",
            f"last speed: {speed}",
            *fix,
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
