"""Text from data sets and models that wants to be more than text."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent import report
from modelwright.agent.report import charts
from modelwright.agent.report.findings import Difference, Score
from modelwright.agent.report.markdown import cell, fence, inline, table

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "</title></svg><script>",
    '"><a href="javascript:alert(1)">',
    "{{ 7 * 7 }}{% raw %}",
    "```\n# heading\n```",
    "````` five",
    "| a | b |\n| --- | --- |",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "# title",
    "- item",
    "1. one",
    "---",
    "a &lt; b & c",
    "\x1b[31mred\x1b[0m",
    "\u202egnirts",
    "*bold* _under_ ~~gone~~ $x$",
    "",
    "\\",
    "ends with \\",
]


class Tags(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: set[str] = set()
        self.handlers: set[str] = set()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.links |= {str(value) for name, value in attrs if name in ("href", "src")}
        self.handlers |= {name for name, _ in attrs if name.startswith("on")}


def run_that_says(paper: Callable[..., Any], text: str) -> dict[str, str]:
    sheet = paper(request=f"compare {text}")
    interval = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 3}
    result = {
        "summary": text or "empty",
        "letters": 1,
        "notes": [text],
        "verdict": "better",
        "verdict_metric": text,
        "models": [{"name": text, "note": text, "scores": {text: interval}}, {"name": f"b{text}", "scores": {text: interval}}],
        "pairs": [
            {
                "a": text,
                "b": f"b{text}",
                "metric": text,
                "difference": 0.1,
                "low": 0,
                "high": 0.2,
                "n": 3,
                "test": text,
                "verdict": "better",
            }
        ],
        "samples": [{"prompt": text, "reference": text, "why": text, "answers": {text: text, "b": text}}],
        "artifacts": [{"path": f"/x/{text}", "kind": text, "sha256": "0" * 64, "bytes": 1}],
    }
    sheet.step(
        "tiny_measure", {"models": ["builtin"], "options": {text: text}}, result, checks=[{"name": text, "passed": True, "detail": text}]
    )
    made = report.write(*sheet.close())
    return {name: Path(path).read_text(encoding="utf-8") for name, path in made.items()}


@pytest.mark.parametrize("text", HOSTILE)
def test_it_stays_text_on_the_page_and_in_markdown(text: str, paper: Callable[..., Any], sections: list[str]) -> None:
    written = run_that_says(paper, text)
    assert_no_tag_that_is_not_ours(written["report"])
    assert_headings_and_tables_are_ours(outside_fences(written["markdown"]), sections)


def assert_no_tag_that_is_not_ours(page: str) -> None:
    found = Tags(page)
    assert not found.names & {"script", "img", "iframe", "object", "embed", "form"}
    assert found.links == {"lock.json", "reproduce.py"}
    assert not found.handlers


def assert_headings_and_tables_are_ours(lines: list[str], sections: list[str]) -> None:
    headings = [line for line in lines if line.startswith("#") and not line.startswith("###")]
    assert [line[3:] for line in headings[1:]] == sections
    for line in lines:
        assert "<" not in line, line
        assert not line.startswith(("---", "![", "[click")), line
    assert_tables_are_even(lines)


def outside_fences(markdown: str) -> list[str]:
    """The lines that a Markdown reader would act on; fences as CommonMark closes them."""
    lines, closing = [], ""
    for line in markdown.splitlines():
        ticks = len(line) - len(line.lstrip("`"))
        if closing:
            closing = "" if line.strip() and set(line.strip()) == {"`"} and ticks >= len(closing) else closing
        elif ticks >= 3:
            closing = "`" * ticks
        else:
            lines.append(line)
    assert not closing, "a fence stayed open"
    return lines


def assert_tables_are_even(lines: list[str]) -> None:
    width = 0
    for line in lines:
        bars = line.replace("\\\\", "").replace("\\|", "").count("|") if line.startswith("|") else 0
        assert not (bars and width) or bars == width, line
        width = bars


def test_a_fence_is_longer_than_any_run_of_backticks_inside() -> None:
    assert fence("a ``` b").startswith("````text\n")
    assert fence("`" * 9).startswith("`" * 10 + "text\n")
    assert fence("plain").startswith("```text\n")


def test_pipes_and_line_breaks_do_not_leave_their_cell() -> None:
    assert table(["a"], [["x | y\nz"]]) == "| a |\n| --- |\n| x \\| y z |"
    assert cell("a\\|b") == "a\\\\\\|b"


def test_what_begins_a_block_does_not_begin_one() -> None:
    assert [inline(text) for text in ("# a", "- a", "1. a", "+ a", "=== ")] == ["\\# a", "\\- a", "1\\. a", "\\+ a", "\\==="]


def test_names_in_charts_are_escaped() -> None:
    name = "<script>&\"'"
    drawn = charts.score_bars(name, [Score(model=name, metric=name, mean=1.0)]).svg
    drawn += charts.difference_dots(name, [Difference(a=name, b=name, metric=name, difference=0.0)]).svg
    assert "<script" not in drawn
    assert "&lt;script&gt;&amp;" in drawn


def test_secrets_in_answers_do_not_reach_any_file(paper: Callable[..., Any]) -> None:
    secret = "hf_" + "a" * 30
    written = run_that_says(paper, f"my token is {secret}")
    assert [name for name, text in written.items() if secret in text] == []


def test_control_characters_are_written_out(paper: Callable[..., Any]) -> None:
    written = run_that_says(paper, "\x1b[31mred\u202e")
    for name in ("report", "markdown"):
        assert "\x1b" not in written[name]
        assert "\u202e" not in written[name]
