"""The files that a run leaves: what they say, that they are whole, and that they say nothing that was not measured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent import report
from modelwright.errors import BadRequest


class Page(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._hidden = "", False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data


@pytest.fixture
def written(full: Any) -> dict[str, str]:
    made = report.write(*full.close())
    return {name: Path(path).read_text(encoding="utf-8") for name, path in made.items()}


def test_all_four_files_are_written_and_no_half_ones_stay(full: Any) -> None:
    made = report.write(*full.close())
    folder = Path(made["report"]).parent
    assert sorted(path.name for path in folder.iterdir()) == ["lock.json", "report.html", "report.md", "reproduce.py"]
    assert set(made) == {"report", "markdown", "lock"}


def test_the_sections_stand_in_the_order_that_a_reader_needs(written: dict[str, str], sections: list[str]) -> None:
    assert re.findall(r"^## (.+)$", written["markdown"], re.MULTILINE) == sections


def test_the_verdict_names_difference_interval_pairs_and_what_could_be_seen(written: dict[str, str]) -> None:
    said = "tuned is better than builtin on rubric: +0.61 \\[+0.48, +0.73], 32 pairs, p = 0.0001"
    assert said in written["markdown"]
    assert "the smallest difference this data could show is 0.09" in written["markdown"]
    assert "tuned is better than builtin on rubric" in Page(written["report"]).text


def test_only_the_decisive_difference_is_the_verdict_and_the_others_stand_in_the_table(written: dict[str, str]) -> None:
    verdict = written["markdown"].split("## Verdict")[1].split("## Plan")[0]
    assert "rouge" not in verdict
    assert "| rouge l | tuned |" in written["markdown"]


def test_the_plan_shows_sources_approvals_and_predicted_beside_measured(written: dict[str, str]) -> None:
    for part in (
        "the request: “data/train.jsonl”",
        "| s1 | tiny\\_tune | 2:20 min | 2:51 min | 2.1 GB | 1.9 GB |",
        "user, for the whole run",
    ):
        assert part in written["markdown"]


def test_every_chart_is_drawn_for_screen_readers_with_its_numbers_beside(written: dict[str, str]) -> None:
    page = Page(written["report"])
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawn) == 7  # loss, two metrics with scores and differences, sizes, times
    assert all(attributes.get("role") == "img" for attributes in drawn)
    assert written["report"].count("<figure>") == written["report"].count("<summary>Numbers</summary>") == len(drawn)
    assert len(re.findall(r"<svg[^>]*><title>[^<]+</title>", written["report"])) == len(drawn)


def test_the_page_opens_offline(written: dict[str, str]) -> None:
    page = Page(written["report"])
    links = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "src", "srcset", "action", "xmlns")
    ]
    assert sorted(set(links)) == ["lock.json", "reproduce.py"]
    assert not {"script", "link", "iframe", "img", "object", "base"} & {tag for tag, _ in page.tags}
    assert not re.search(r"http|url\(|@import|//", written["report"].replace("/*", ""))


def test_the_page_has_a_dark_side_and_a_narrow_one(written: dict[str, str]) -> None:
    assert "prefers-color-scheme: dark" in written["report"]
    assert "width=device-width" in written["report"]


def test_notes_of_tools_and_failed_checks_are_what_could_not_be_verified(paper: Callable[..., Any]) -> None:
    sheet = paper()
    sheet.step(
        "tiny_measure",
        {"models": ["builtin"]},
        {"summary": "counted", "notes": ["other runtime"]},
        checks=[{"name": "letters were counted", "passed": False, "detail": "0"}],
    )
    error = {
        "type": "ToolFailed",
        "message": "s1 (tiny_measure) ran but is not verified: letters were counted: 0",
        "fix": "look at the file",
    }
    text = Path(report.write(*sheet.close("unverified", error=error))["markdown"]).read_text(encoding="utf-8")
    assert text.startswith("# Ran but not verified: s1 (tiny\\_measure) ran but")
    part = text.split("## What could not be verified")[1]
    assert "the check “letters were counted” did not pass: 0" in part
    assert "other runtime" in part


def test_a_failed_step_says_why_and_the_rest_did_not_run(paper: Callable[..., Any], workspace: Path) -> None:
    sheet = paper()
    error = {"type": "DataError", "message": "a.txt does not exist", "fix": "name a file that does"}
    sheet.step("tiny_tune", {"dataset": "a.txt"}, None, error=error)
    sheet.step("tiny_measure", {"models": ["$s1.model"]}, None, error=error)
    del sheet.records["s2"]
    made = report.write(*sheet.close("failed", error={**error, "exit_code": 2}))
    text = Path(made["markdown"]).read_text(encoding="utf-8")
    assert text.startswith("# Failed: a.txt does not exist")
    assert "How to mend it: name a file that does" in text
    assert "s2 (tiny\\_measure) did not run" in text
    script = Path(made["lock"]).with_name("reproduce.py").read_text(encoding="utf-8")
    assert "# s1 (tiny_tune) did not finish in the first run: failed" in script
    compile(script, "reproduce.py", "exec")


def test_a_run_without_a_plan_says_why_nothing_was_done(paper: Callable[..., Any]) -> None:
    sheet = paper("write me a poem")
    error = {"type": "NothingFits", "message": "none of my tools does this", "fix": ""}
    made = report.write(*sheet.close("nothing", error=error))
    assert Path(made["markdown"]).read_text(encoding="utf-8").startswith("# Nothing to do: none of my tools does this")
    assert "Nothing to do: none of my tools does this" in Page(Path(made["report"]).read_text(encoding="utf-8")).text
    assert not Path(made["lock"]).with_name("reproduce.py").exists()


def test_a_reused_step_names_where_it_ran_and_is_not_counted_as_measured(paper: Callable[..., Any], workspace: Path) -> None:
    from modelwright.events import EventType

    sheet = paper()
    sheet.step(
        "tiny_measure", {"models": ["builtin"]}, {"summary": "counted", "letters": 3}, reused=True, seconds=0.0, estimate={"seconds": 4}
    )
    sheet.emitter.emit(EventType.TOOL_REUSED, "s1", key=f"{'s1':0<64}", from_run="r261101-abcd", from_step="s2")
    facts = report.gather(*sheet.close())
    assert facts.steps[0].reused_from.startswith("run r261101-abcd, step s2 (")
    assert facts.steps[0].seconds is None
    assert "reused" in Path(report.write(*sheet.close())["markdown"]).read_text(encoding="utf-8")


def test_the_loss_curve_comes_from_the_trace_when_the_result_keeps_none(paper: Callable[..., Any]) -> None:
    sheet = paper()
    points = [{"message": "train", "step": i, "steps": 2, "loss": 3.0 - i} for i in (1, 2)]
    sheet.step("tiny_tune", {"dataset": "a.txt"}, {"summary": "tuned", "model": "m"}, points=points)
    assert report.gather(*sheet.close()).steps[0].found.losses == {"training": [(1.0, 2.0), (2.0, 1.0)]}


def test_every_number_on_the_page_was_in_the_run(full: Any) -> None:
    """Change one measured number, and the report changes with it: nothing is remembered or made up."""
    first = Path(report.write(*full.close())["markdown"]).read_text(encoding="utf-8")
    row = full.db.execute("select result from ledger where tool = 'tiny_measure'").fetchone()
    result = json.loads(row["result"])
    result["pairs"][0]["difference"] = 0.123
    full.db.execute("update ledger set result = ? where tool = 'tiny_measure'", (json.dumps(result),))
    second = Path(report.write(*full.close())["markdown"]).read_text(encoding="utf-8")
    assert "+0.123" in second
    assert "+0.123" not in first


def test_a_damaged_state_of_the_folder_is_one_clear_line(full: Any, workspace: Path) -> None:
    folder = workspace / ".modelwright" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / full.run).write_text("a file where the folder belongs", encoding="utf-8")
    with pytest.raises(Exception, match=full.run) as caught:
        report.write(*full.close())
    assert isinstance(caught.value, BadRequest) or caught.value.__class__.__name__ == "ToolFailed"
