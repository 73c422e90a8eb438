"""The machine, the extras and the stores; each finding with its fix."""

from __future__ import annotations

from textual.content import Content

from modelwright.tui.screens.table import Row, TableScreen
from modelwright.tui.texts import lines


class DoctorScreen(TableScreen):
    HEAD = "Doctor"
    COLUMNS = ("", "what", "found", "fix")
    SPARE = ("fix",)

    def read(self) -> list[Row]:
        from modelwright.agent.doctor import examine

        found = examine(self.root)
        return [Row(f"{n}", ["✓" if f.ok else "✗", f.name, f.found, f.fix], f) for n, f in enumerate(found)]

    def tell(self, row: Row) -> Content:
        return lines((row.thing.name, "bold"), row.thing.found, *([f"fix: {row.thing.fix}"] if row.thing.fix else []))
