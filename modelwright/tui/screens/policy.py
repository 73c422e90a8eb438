"""What is allowed: the rules of the policy, what is doubtful about them, and past runs decided again under another policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.text import safe_text
from modelwright.tui.data import database
from modelwright.tui.ruled import told
from modelwright.tui.screens.table import Row, TableScreen
from modelwright.tui.texts import labelled, lines

MOST_RUNS = 1000
RULE = re.compile(r"^(?=\[\[rule\]\])", re.MULTILINE)
"""Where a rule begins in a policy's TOML."""


class PolicyScreen(TableScreen):
    HEAD = "Policy · s decides past calls again · under this or another file"
    COLUMNS = ("rule", "decides", "why", "tools")
    SPARE = ("tools",)
    EMPTY = "this policy has no rule"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "simulate", "simulate…"),
        Binding("c", "check", "check"),
        Binding("r", "raw", "raw"),
    ]

    def _file(self) -> Path | None:
        from modelwright import config

        named = config.load(self.root).policy
        return Path(named) if named else None

    def read(self) -> list[Row]:
        from modelwright.policies import load

        policy = load(self._file())
        entries = {entry["id"]: entry for entry in policy.source["rule"]}
        return [
            Row(
                r.id, [r.id, r.decide.value, r.why, ", ".join(sorted(r.tools)) or "by effect"], {"rule": entries[r.id], "file": policy.path}
            )
            for r in policy.rules
        ]

    def tell(self, row: Row) -> Content:
        head = f"{row.key}: {row.cells[1]}, as {row.cells[2]}"
        rows = [*told(row.thing["rule"]), ("file", str(row.thing["file"]))]
        return lines((head, "bold"), *labelled(rows, self.text_width))

    def raw(self, row: Row) -> str:
        """The rule as it stands in its file."""
        parts = RULE.split(Path(row.thing["file"]).read_text(encoding="utf-8"))
        found = next((part for part in parts if re.search(rf'^id = "{re.escape(row.key)}"', part, re.MULTILINE)), "")
        return safe_text(found.partition("\n# ----")[0].strip())

    def action_check(self) -> None:
        from modelwright import tools
        from modelwright.policies import check
        from modelwright.tui.screens.text import TextScreen

        found = check(self._file(), tools.names())
        self.app.push_screen(TextScreen("Policy check", "\n".join(found) or "the policy loads and all its examples hold"))

    def action_simulate(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        def answered(text: str | None) -> None:
            if text is not None:
                self._simulate(Path(text.strip()) if text.strip() else self._file())

        self.app.push_screen(AskLine("Under which policy file? (empty: this one)"), answered)

    def _simulate(self, file: Path | None) -> None:
        from modelwright.agent.runs import Runs
        from modelwright.agent.simulate import simulate, totals
        from modelwright.errors import ModelwrightError
        from modelwright.plantable import table
        from modelwright.tui.screens.text import TextScreen

        try:
            with database(self.root) as db:
                found = simulate(db, Runs(db).all(MOST_RUNS), file, self.root) if db else []
        except ModelwrightError as error:
            return self.notify(str(error), severity="error", markup=False)
        rows = [["", "run", "step", "tool", "then", "now", "rule"]]
        rows += [["≠" if one.changed else "", one.run, one.step, one.tool, one.then, one.now, one.rule] for one in found]
        text = f"{totals(found)}\n\n{table(rows)}" if found else "no run here yet"
        self.app.push_screen(TextScreen(f"Past calls under {file or 'the packaged policy'}", text))
        return None
