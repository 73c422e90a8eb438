"""What the graph promises, with real tools, a real ledger and both checkpointers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Verdict
from modelwright.errors import Denied
from modelwright.types import Decision, Limits, Plan
from tests.graphs.toys import FixedPolicy, MakeHarness, steps


def written(workspace: Path) -> list[str]:
    path = workspace / "runs.txt"
    return path.read_text().split() if path.exists() else []


def test_a_plan_runs_to_its_end_and_results_flow_between_steps(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "hello"}), ("read_note", {"path": "$s1.path"})))
    state = h.start()
    assert state["status"] == "done"
    assert h.deps.ledger.find(state["steps"]["s2"]["key"]).result["text"] == "hello"
    assert [r["status"] for r in state["steps"].values()] == ["done", "done"]
    assert h.types()[0] == "plan.proposed"
    assert h.types()[-1] == "report.written"
    assert state["spent"]["steps"] == 2


def test_what_policy_asks_waits_and_an_approval_goes_on(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"})), policy=FixedPolicy(note="ask"))
    state = h.start()
    assert state["status"] == "waiting"
    assert state["pending"]["calls"][0]["tool"] == "note"
    assert written(workspace) == []
    assert h.reply(allow=["s1"])["status"] == "done"
    assert written(workspace) == ["a"]


def test_a_rejection_ends_the_run_and_nothing_ran(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"})), policy=FixedPolicy(note="ask"))
    h.start()
    state = h.reply(reject={"s1": "too early"})
    assert state["status"] == "denied"
    assert "too early" in state["error"]["message"]
    assert written(workspace) == []


def test_a_denied_step_ends_the_run_before_any_step(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"}), ("broken", {})), policy=FixedPolicy(broken="deny"))
    state = h.start()
    assert state["status"] == "denied"
    assert written(workspace) == []


def test_an_edit_goes_back_through_the_gate_and_is_asked_again(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"})), policy=FixedPolicy(note="ask"))
    h.start()
    state = h.reply(edit={"s1": {"text": "b"}}, allow=["s1"])
    assert state["status"] == "waiting", "the edited call was never shown, so an approval cannot cover it"
    assert state["pending"]["calls"][0]["args"]["text"] == "b"
    assert h.reply(allow=["s1"])["status"] == "done"
    assert written(workspace) == ["b"]


class AsksForLong(FixedPolicy):
    """Asks about a note only while its text is long."""

    def decide(self, tool: Any, args: Any, *about: Any) -> Verdict:
        long = len(args.get("text", "")) > 3
        return Verdict(Decision.ASK if long else Decision.ALLOW, "long" if long else "short", "")


def test_an_edit_of_what_waits_is_shown_before_it_runs_also_where_policy_would_allow_it_now(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a long one"})), policy=AsksForLong())
    h.start()
    for text in ("ab", "c"):
        state = h.reply(edit={"s1": {"text": text}})
        assert state["status"] == "waiting"
    call = state["pending"]["calls"][0]
    assert (call["args"]["text"], call["decision"], call["rule"]) == ("c", "ask", "asked-before")
    assert (
        "as it is now the policy would let it run (short)" in [e.data["reason"] for e in h.events if e.type.value == "policy.decision"][-1]
    )
    assert written(workspace) == []
    assert h.reply(allow=["s1"])["status"] == "done"
    assert written(workspace) == ["c"]


def test_a_bad_edit_is_told_and_changes_nothing(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"})), policy=FixedPolicy(note="ask"))
    h.start()
    state = h.reply(edit={"s1": {"txet": "b"}})
    assert state["status"] == "waiting"
    assert "did you mean text" in next(e.data["message"] for e in h.events if e.type.value == "notice")
    assert h.reply(allow=["s1"])["status"] == "done"
    assert written(workspace) == ["a"]


def test_allow_for_the_run_covers_the_same_tool_later(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"}), ("broken", {})), replans=[steps(("note", {"text": "c"}))], policy=FixedPolicy(note="ask"))
    h.start()
    state = h.reply(allow_for_run=["s1"])
    assert state["status"] == "done"
    assert written(workspace) == ["a", "c"]


def test_allowing_once_does_not_cover_a_new_plan(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"}), ("broken", {})), replans=[steps(("note", {"text": "c"}))], policy=FixedPolicy(note="ask"))
    h.start()
    assert h.reply(allow=["s1"])["status"] == "waiting"
    assert written(workspace) == ["a"]


def test_a_question_waits_and_the_answer_reaches_the_planner(harness: MakeHarness) -> None:
    question = Plan(kind="question", question="Which file?", choices=["a.txt"])
    h = harness(question, steps(("note", {"text": "x"})))
    state = h.start()
    assert state["pending"] == {"kind": "question", "question": "Which file?", "choices": ["a.txt"]}
    assert h.reply(answer="a.txt")["status"] == "done"
    assert h.deps.planner.heard[-1] == ("test", ("a.txt",))


def test_a_request_that_nothing_serves_ends_with_a_reason(harness: MakeHarness) -> None:
    state = harness(Plan(kind="none", reason="none of my tools does this")).start()
    assert state["status"] == "nothing"
    assert state["plan"]["steps"] == []


def test_an_invalid_plan_names_step_and_field(harness: MakeHarness) -> None:
    state = harness(steps(("note", {"text": "a"}), ("read_note", {"path": "$s1.length"}))).start()
    assert state["status"] == "failed"
    assert "s2.path" in state["error"]["message"]


def test_a_crash_is_tried_again_within_the_bound(harness: MakeHarness) -> None:
    state = harness(steps(("flaky", {"fails": 2}))).start(Limits(retries=2))
    assert state["status"] == "done"
    assert state["spent"]["retries"] == 2


def test_retries_end(harness: MakeHarness) -> None:
    state = harness(steps(("flaky", {"fails": 5}))).start(Limits(retries=1))
    assert state["status"] == "failed"
    assert "crash 2" in state["error"]["message"]


def test_a_failure_leads_to_a_new_plan_once(harness: MakeHarness, workspace: Path) -> None:
    state = harness(steps(("broken", {})), replans=[steps(("note", {"text": "b"}))]).start()
    assert state["status"] == "done"
    assert state["spent"]["replans"] == 1
    assert written(workspace) == ["b"]


def test_the_same_failing_plan_is_never_tried_twice(harness: MakeHarness) -> None:
    h = harness(steps(("broken", {})), replans=[steps(("broken", {})), steps(("note", {"text": "b"}))])
    state = h.start()
    assert state["status"] == "failed"
    assert h.types().count("tool.started") == 1


def test_replans_end(harness: MakeHarness) -> None:
    replans = [steps(("broken", {}), ("note", {"text": str(i)})) for i in range(9)]
    state = harness(steps(("broken", {})), replans=replans).start(Limits(replans=3))
    assert state["status"] == "failed"
    assert state["spent"]["replans"] == 3


def test_a_failed_check_is_not_done(harness: MakeHarness) -> None:
    state = harness(steps(("liar", {}), ("note", {"text": "after"}))).start()
    assert state["status"] == "unverified"
    assert state["steps"]["s1"]["status"] == "unverified"
    assert "s2" not in state["steps"]


def test_an_expectation_that_is_not_met_is_not_done(harness: MakeHarness) -> None:
    plan = steps(("note", {"text": "abc"}))
    plan.steps[0].expect = {"length": 4}
    state = harness(plan).start()
    assert state["status"] == "unverified"
    assert "wanted 4, got 3" in state["error"]["message"]


def test_steps_are_bounded_and_a_raised_bound_goes_on(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(*[("note", {"text": f"n{i}"}) for i in range(4)]))
    state = h.start(Limits(steps=2))
    assert state["pending"] == {"kind": "budget", "reached": "steps 2 of 2"}
    state = h.reply(limits={"steps": 3})
    assert state["pending"]["reached"] == "steps 3 of 3"
    assert h.reply(limits={"steps": 10})["status"] == "done"
    assert written(workspace) == ["n0", "n1", "n2", "n3"]


def test_tokens_of_the_planner_are_bounded(harness: MakeHarness) -> None:
    h = harness(steps(("note", {"text": "a"})))
    h.tokens = 500
    assert h.start(Limits(tokens=100))["pending"]["reached"] == "tokens 500 of 100"


def test_what_planning_costs_counts_towards_the_bound(harness: MakeHarness) -> None:
    h = harness(steps(("note", {"text": "a"})))
    h.cost = 0.5
    assert h.start(Limits(cost=0.25))["pending"]["reached"] == "cost 0.5 of 0.25"


def test_going_in_circles_is_noticed(harness: MakeHarness) -> None:
    state = harness(steps(*[("note", {"text": "same"})] * 5)).start()
    assert state["status"] == "failed"
    assert "three times" in state["error"]["message"]


def test_polling_is_not_going_in_circles(harness: MakeHarness) -> None:
    state = harness(steps(*[("poll", {})] * 6)).start()
    assert state["status"] == "done"
    assert state["spent"]["steps"] == 6


def test_a_finished_call_is_reused_by_a_later_run(harness: MakeHarness, workspace: Path) -> None:
    harness(steps(("note", {"text": "once"}))).start()
    h = harness(steps(("note", {"text": "once"})), run="r2")
    assert h.start()["steps"]["s1"]["reused"]
    assert written(workspace) == ["once"]
    assert "tool.reused" in h.types()


def test_a_changed_artifact_is_not_reused(harness: MakeHarness, workspace: Path) -> None:
    state = harness(steps(("note", {"text": "once", "output": "n.txt"}))).start()
    assert state["status"] == "done"
    (workspace / "n.txt").write_text("tampered")
    h = harness(steps(("note", {"text": "once", "output": "n.txt"})), run="r2")
    assert not h.start()["steps"]["s1"]["reused"]
    assert (workspace / "n.txt").read_text() == "once"


def test_changed_input_content_is_another_call(harness: MakeHarness, workspace: Path) -> None:
    (workspace / "a.txt").write_text("one")
    first = harness(steps(("read_note", {"path": "a.txt"}))).start()
    (workspace / "a.txt").write_text("two!")
    h = harness(steps(("read_note", {"path": "a.txt"})), run="r2")
    second = h.start()
    assert second["steps"]["s1"]["key"] != first["steps"]["s1"]["key"]
    assert h.deps.ledger.find(second["steps"]["s1"]["key"]).result["text"] == "two!"


@pytest.mark.parametrize("change", [{"text": "evil"}, {"output": "/etc/evil"}])
def test_a_plan_that_was_changed_on_disk_does_not_run(harness: MakeHarness, workspace: Path, change: dict[str, str]) -> None:
    h = harness(steps(("note", {"text": "a"})), policy=FixedPolicy(note="ask"))
    h.start()
    (row,) = h.db.execute("select id, plan from plans order by rowid desc limit 1").fetchall()
    plan = json.loads(row["plan"])
    plan["steps"][0]["args"].update(change)
    h.db.execute("update plans set plan = ? where id = ?", (json.dumps(plan), row["id"]))
    again = harness(policy=FixedPolicy(note="ask"))
    with pytest.raises(Denied, match="changed after it was approved"):
        again.reply(allow=["s1"])
    assert written(workspace) == []


def test_an_approval_does_not_survive_another_policy(harness: MakeHarness, workspace: Path) -> None:
    h = harness(steps(("note", {"text": "a"}), ("broken", {})), policy=FixedPolicy(note="ask"))
    h.start()
    again = harness(policy=FixedPolicy(note="ask", poll="ask"))
    assert again.reply(allow=["s1"])["status"] == "waiting"
    assert written(workspace) == []


class AsksAboutBig(FixedPolicy):
    """Asks about a note that is longer than five letters; what it cannot see yet it allows."""

    def decide(self, tool: Any, args: dict[str, Any], estimate: Any, workspace: Path) -> Verdict:
        text = args.get("text", "")
        ask = len(text) > 5 and not text.startswith("$")
        return Verdict(Decision.ASK if ask else Decision.ALLOW, "big", "as the test says")


def test_real_arguments_that_policy_asks_about_are_asked(harness: MakeHarness, workspace: Path) -> None:
    (workspace / "long.txt").write_text("a long text")
    h = harness(steps(("read_note", {"path": "long.txt"}), ("note", {"text": "$s1.text"})), policy=AsksAboutBig())
    state = h.start()
    assert state["status"] == "waiting"
    assert state["pending"]["calls"][0]["args"] == {"text": "a long text"}
    assert written(workspace) == []
    assert h.reply(allow=["s2"])["status"] == "done"
    assert (workspace / "runs.txt").read_text() == "a long text\n"


def test_failed_tries_count_as_steps(harness: MakeHarness) -> None:
    state = harness(steps(("flaky", {"fails": 9}))).start(Limits(retries=5, steps=3))
    assert state["pending"]["reached"] == "steps 3 of 3"


def test_raised_limits_come_with_any_reply(harness: MakeHarness) -> None:
    h = harness(steps(("note", {"text": "a"})), policy=FixedPolicy(note="ask"))
    h.start(Limits(steps=1))
    assert h.reply(allow=["s1"], limits={"steps": 42})["limits"]["steps"] == 42
