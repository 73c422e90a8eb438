"""Plans are checked before anything runs; an error names step, field and reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.errors import PlanError
from modelwright.graphs import references
from modelwright.graphs.plancheck import check, plan_hash, read_plan
from modelwright.tools import load_all
from modelwright.types import Plan, Step
from tests.graphs.toys import TOOLS, steps

GOOD = steps(("note", {"text": "a"}), ("read_note", {"path": "$s1.path", "model": "$s1.model"}))


def test_a_good_plan_gets_its_hash() -> None:
    assert check(GOOD, TOOLS).hash == plan_hash(GOOD)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (steps(("notes", {})), "s1: no tool is called 'notes'. did you mean note?"),
        (steps(("note", {})), "s1: note.text: is missing"),
        (steps(("note", {"text": "a", "txt": 1})), "did you mean text?"),
        (steps(("note", {"text": 5})), "note.text: Input should be a valid string, got 5"),
        (steps(("read_note", {"path": "$s2.path"})), "s1.path: $s2.path refers to a step that does not come before"),
        (
            steps(("note", {"text": "a"}), ("read_note", {"path": "$s1.pth"})),
            "s2.path: the result of s1 (note) has no field 'pth'. it has: ",
        ),
        (steps(("note", {"text": "a"}), ("read_note", {"path": "$s1.model"})), "s2.path: takes the kind file, but $s1.model is model"),
        (
            steps(("note", {"text": "a"}), ("read_note", {"path": "a", "times": "$s1.path"})),
            "s2.times: takes the type integer, but $s1.path is string",
        ),
        (steps(("note", {"text": "a"}), ("read_note", {"path": "$s1.path[0]"})), "s2.path: s1.path is not a list"),
        (steps(("note", {"text": "$nonsense"})), "s1.text: '$nonsense' is not a reference"),
        (steps(), "the plan has no steps"),
        (
            Plan(steps=[Step(id="s1", tool="note", args={"text": "a"}), Step(id="s1", tool="note", args={"text": "b"})]),
            "s1: two steps have this id",
        ),
        (Plan(steps=[Step(id="s1", tool="note", args={"text": "a"}, sources={"txt": "default"})]), "has a source for txt"),
        (Plan(steps=[Step(id="s1", tool="note", args={"text": "a"}, expect={"size": 1})]), "expects size, which note does not give"),
    ],
)
def test_what_is_wrong_is_named(plan: Plan, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        check(plan, TOOLS)
    assert message in str(caught.value)


def test_a_plan_file_with_an_unknown_field_is_refused_by_place() -> None:
    with pytest.raises(PlanError, match=r"steps\.0\.argz"):
        read_plan({"steps": [{"id": "s1", "tool": "note", "argz": {}}]})


def test_the_hash_covers_what_runs_and_nothing_else() -> None:
    changed = GOOD.model_copy(update={"request": "other words"})
    assert plan_hash(changed) == plan_hash(GOOD)
    for different in (
        steps(("note", {"text": "b"}), ("read_note", {"path": "$s1.path", "model": "$s1.model"})),
        steps(("note", {"text": "a"})),
    ):
        assert plan_hash(different) != plan_hash(GOOD)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text().filter(lambda t: not t.startswith("$")),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(), x, max_size=3),
)


@given(values)
def test_what_holds_no_reference_resolves_to_itself(value: object) -> None:
    assert references.resolve(value, {}) == value
    assert list(references.find(value)) == []


@given(st.dictionaries(st.sampled_from(["request", "reason"]), st.text()), st.text())
def test_a_plan_survives_json(texts: dict[str, str], text: str) -> None:
    plan = Plan(**texts, steps=[Step(id="s1", tool="note", args={"text": text})])
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_arguments_that_do_not_go_together_are_told_without_a_list_of_all() -> None:
    wrong = steps(("benchmark", {"model": "m.gguf", "sweep": True, "rate": [1.0]}))
    with pytest.raises(PlanError) as raised:
        check(wrong, load_all())
    assert raised.value.message == "s1: benchmark: sweep finds the rates itself: leave rate out"
