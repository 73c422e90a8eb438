"""What the screen says in words: where an argument came from, bounds, intervals drawn, answers set against each other."""

from __future__ import annotations

from modelwright.tui.texts import limits_of, request_marked, source_text, spans_of
from modelwright.tui.widgets.pairs import DRAWN, drawn
from modelwright.tui.widgets.samples import marked, samples_of

REQUEST = "compare a.gguf with b.gguf"


def test_a_place_of_the_request_is_told_by_its_words() -> None:
    assert source_text("request[8:14]", REQUEST) == "your words «a.gguf»"
    assert source_text("request[8:14], request[20:26]", REQUEST) == "your words «a.gguf», your words «b.gguf»"
    assert source_text("step s1", REQUEST) == "step s1"
    assert source_text("request[8:999]", REQUEST) == "request[8:999]", "a place that is not there is not made up"


def test_every_place_of_the_request_is_marked_once_also_where_they_overlap() -> None:
    marked_all = request_marked(REQUEST, ["request[8:14]", "request[20:26], request[8:14]", "request[9:12]", "default"])
    assert marked_all.plain == "compare «a.gguf» with «b.gguf»"
    assert request_marked("[red]x[/]", []).plain == "[red]x[/]"
    assert spans_of("request[8:14]", "short") == []


def test_a_bound_is_a_name_and_a_number_above_zero() -> None:
    assert limits_of("seconds 3600") == {"seconds": 3600.0}
    assert limits_of("steps 5.0") == {"steps": 5}
    for wrong in ("steps", "steps -1", "steps 0", "steps nan", "hours 3", "", "steps inf"):
        assert limits_of(wrong) == {}, wrong


def test_an_interval_is_drawn_on_the_side_of_zero_on_which_it_lies() -> None:
    zero = DRAWN // 2
    better = drawn({"difference": 0.5, "low": 0.4, "high": 0.6}, 0.6)
    assert min(better.index(sign) for sign in "├●┤") > zero
    assert better[zero] == "│"
    unclear = drawn({"difference": 0.1, "low": -0.2, "high": 0.4}, 0.4)
    assert unclear.index("├") < zero < unclear.index("┤")
    assert len(drawn({"difference": 0.0, "low": None, "high": None}, 1.0)) == DRAWN


def test_what_only_one_of_two_answers_has_is_marked() -> None:
    before, after = marked("It takes two days [red]", "Hello! It takes two weeks [red]")
    assert (before.plain, after.plain) == ("It takes two ‹days› [red]", "‹Hello!› It takes two ‹weeks› [red]")


def test_samples_of_a_training_and_of_a_comparison_are_both_read() -> None:
    trained = {"tool": "finetune", "result": {"samples": [{"prompt": "p", "before": "a", "after": "b"}]}}
    compared = {"tool": "compare", "result": {"samples": [{"prompt": "p", "why": "gain", "answers": {"x": "a", "y": "b"}}]}}
    assert [(s.before, s.after) for step in (trained, compared) for s in samples_of(step)] == [("a", "b"), ("a", "b")]
    assert samples_of({"tool": "quantize", "result": {}}) == []
