"""The report as one HTML file that opens offline: no script, no font, no picture from elsewhere.

All text is escaped by the template engine; only charts.py, which escapes for itself, is put in as it is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.agent.report import parts, pictures, verdicts
from modelwright.agent.report.gather import Facts
from modelwright.text import human_bytes, human_seconds

if TYPE_CHECKING:
    from jinja2 import Template


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 0.1 s: only when a report is written

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"size": human_bytes, "time": human_seconds}
    return environment.get_template("report.html.jinja")


def render(facts: Facts) -> str:
    return _template().render(
        facts=facts,
        charts=pictures,
        parts=parts,
        verdicts=verdicts,
    )
