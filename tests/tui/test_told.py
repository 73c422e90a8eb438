"""Events in words: what a log and a trace say of each kind, without raw dictionaries."""

from __future__ import annotations

from typing import Any

import pytest

from modelwright.events import EventType
from modelwright.tui.told import WORDS, told

Json = dict[str, Any]
PLAN: Json = {"kind": "plan", "steps": [{"id": "s1", "tool": "finetune"}, {"id": "s2", "tool": "compare"}], "reason": "slow"}
CASES: list[tuple[str, Json, str]] = [
    ("run.started", {"request": "tune it", "options": {"yes": True}}, "tune it"),
    ("run.resumed", {"request": "tune it", "reply": {"limits": {"steps": 9}}}, "goes on with limits steps 9"),
    ("run.ended", {"status": "done", "spent": {"steps": 1, "seconds": 75}, "error": None}, "done (1 step, 1:15 min)"),
    ("run.ended", {"status": "failed", "spent": {}, "error": {"message": "no room"}}, "failed: no room"),
    ("plan.stages", {"stages": [{"stage": "clauses"}, {"stage": "draft"}]}, "planned by clauses, draft"),
    ("plan.proposed", {"plan": PLAN}, "s1 finetune, s2 compare · slow"),
    ("plan.proposed", {"plan": {"kind": "none", "steps": [], "reason": "no tool"}}, "no tool"),
    ("plan.proposed", {"plan": {"kind": "question", "steps": [], "question": "Which?"}}, "question: Which?"),
    ("policy.decision", {"decision": "ask", "rule": "long", "reason": "it is long"}, "ask by long: it is long"),
    ("approval.asked", {"steps": ["s1", "s2"]}, "may s1, s2 run?"),
    ("approval.given", {"by": "user", "allow": ["s1"]}, "user: allow s1"),
    ("approval.given", {"by": "user", "edit": {"s1": {"rank": 4}}}, "user: edit s1 rank 4"),
    ("question.asked", {"question": "Which?", "choices": ["a", "b"]}, "Which? / a / b"),
    ("question.answered", {"by": "user", "answer": "a"}, "user: answer a"),
    ("budget.changed", {"reached": "seconds 60", "spent": {"steps": 2}}, "spent: seconds 60"),
    ("budget.changed", {"by": "user", "limits": {"seconds": 90}}, "user: limits seconds 90"),
    ("tool.started", {"gen_ai.tool.name": "finetune", "args": {"rank": 8}, "key": "k"}, "finetune rank=8"),
    ("tool.progress", {"message": "train", "step": 1, "loss": 0.5}, "train · loss 0.5"),
    ("tool.finished", {"seconds": 2, "peak_memory_bytes": 3_000_000, "summary": "ok"}, "ok (2.0 s, peak 3.0 MB)"),
    ("tool.finished", {"seconds": 2, "peak_memory_bytes": 0, "summary": "ok"}, "ok (2.0 s)"),
    ("tool.reused", {"tool": "quantize", "from_run": "r1", "from_step": "s1"}, "quantize already done in run r1 (s1)"),
    ("tool.failed", {"error": {"message": "no room"}}, "no room"),
    (
        "verify.checks",
        {"checks": [{"name": "a", "passed": True}, {"name": "b", "passed": False, "detail": "x"}]},
        "1 of 2 checks; NOT b: x",
    ),
    ("report.written", {"report": "/w/runs/r1/report.html", "lock": "/w/runs/r1/lock.json"}, "report.html, lock.json"),
    ("notice", {"message": "slow"}, "slow"),
    (
        "model.call",
        {"gen_ai.request.model": "m", "purpose": "draft", "choice": "plan", "seconds": 1},
        "m for draft: plan (0 tokens, 1.0 s)",
    ),
]


@pytest.mark.parametrize(("kind", "data", "words"), CASES)
def test_an_event_is_told_in_words(kind: str, data: Json, words: str) -> None:
    assert told(kind, data) == words


def test_every_kind_of_event_with_nested_data_has_words_of_its_own() -> None:
    assert {kind.value for kind in EventType} - WORDS.keys() == {"tool.joined"}, "which has two names and no more"


def test_a_long_event_is_one_line() -> None:
    assert len(told("notice", {"message": "word \n" * 500})) == 300
