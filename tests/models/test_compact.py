"""The language of drafts: whatever is chosen, what is written stays inside of the question."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.models import compact
from modelwright.models.base import Card, Draft, DraftQuestion, DraftStep, FieldCard, Slot

KINDS = ("model", "dataset", "number", "quant")
FINETUNE = Card(
    "finetune",
    "Fine-tune a model on examples. With LoRA.",
    (FieldCard("model", ("model",)), FieldCard("dataset", ("dataset",), required=True), FieldCard("method", (), ("lora", "full"))),
)
COMPARE = Card("compare", "Compare models.", (FieldCard("models", ("model",), many=True), FieldCard("dataset", ("dataset",))))
TOKENIZERS = Card("compare_tokenizers", "Compare tokenizers.", (FieldCard("models", ("model",), many=True),))
SLOTS = (Slot("M1", "model", "a.gguf", "a.gguf"), Slot("M2", "model", "builtin", "builtin"), Slot("D1", "dataset", "x/tone v2.jsonl", "…"))
QUESTION = DraftQuestion(
    "train a.gguf on x/tone v2.jsonl with lora, compare with builtin",
    "train [M1 a.gguf] on [D1 x/tone v2.jsonl] with lora, compare with [M2 builtin]",
    SLOTS,
    (FINETUNE, COMPARE, TOKENIZERS),
)


def test_what_a_tuned_model_reads_is_the_request_with_short_names() -> None:
    known = frozenset({"finetune", "compare", "compare_tokenizers"})
    assert compact.user_text(QUESTION, known) == "train [M1 a] on [D1 tone] with lora, compare with [M2 builtin]"
    assert compact.system_text(known) == "plan"


def test_tools_that_it_does_not_know_are_shown_by_a_line_each() -> None:
    assert compact.user_text(QUESTION, frozenset({"compare"})) == (
        "finetune: Fine-tune a model on examples (model, dataset, method)\n"
        "compare_tokenizers: Compare tokenizers (models)\n"
        "train [M1 a] on [D1 tone] with lora, compare with [M2 builtin]"
    )
    assert compact.system_text(frozenset()).endswith(
        "make [M1 tiny.gguf] smaller with [Q1 q4] and [Q2 q8] -> quantize model=M1 types=Q1,Q2"
    )


@pytest.mark.parametrize(
    ("masked", "read"),
    [
        ("[D1 a/b/]", "[D1 b]"),
        ("[D1 ~/.hidden]", "[D1 hidden]"),
        ("[D1 ___]", "[D1 ?]"),
        ("[M1 Extraordinarily-long.gguf]", "[M1 Extraordin]"),
        ("[N1 1,000] [Q1 q4_k_m] [U1 RTX 4090]", "[N1 1,000] [Q1 q4_k_m] [U1 RTX 4090]"),
        ("two\n\n  lines", "two lines"),
    ],
)
def test_names_of_paths_are_shortened_and_nothing_else(masked: str, read: str) -> None:
    assert compact.user_text(DraftQuestion("", masked, (), ()), frozenset()) == read


@pytest.mark.parametrize(
    ("text", "draft"),
    [
        ("none", Draft("none")),
        ("ask", Draft("question")),
        ("ask compare_tokenizers", Draft("question", (DraftStep("compare_tokenizers"),))),
        ("compare", Draft("plan", (DraftStep("compare"),))),
        (
            "finetune model=M1 dataset=D1 method=lora\ncompare models=M1,M2",
            Draft(
                "plan",
                (
                    DraftStep("finetune", {"model": ["M1"], "dataset": ["D1"], "method": ["lora"]}),
                    DraftStep("compare", {"models": ["M1", "M2"]}),
                ),
            ),
        ),
    ],
)
def test_a_draft_reads_back_as_it_was_written(text: str, draft: Draft) -> None:
    assert compact.parse(text, QUESTION) == draft
    assert compact.written(draft) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "delete",
        "none none",
        "ask nobody",
        "finetune model=M3",
        "finetune model=D1",
        "finetune method=dora",
        "finetune secret=M1",
        "finetune model=M1,M2",
        "finetune model=M1 model=M2",
        "compare models=M1,M1",
        "compare models=",
        "finetune\n",
        "finetune\nnone",
        "finetune model=M1 rest",
    ],
)
def test_what_is_not_in_the_question_is_not_in_the_language(text: str) -> None:
    with pytest.raises(ValueError, match="cannot come after"):
        compact.parse(text, QUESTION)


@st.composite
def questions(draw: st.DrawFn) -> DraftQuestion:
    slots = tuple(Slot(f"{kind[0].upper()}{i}", kind, "x", "x") for kind in KINDS for i in range(1, draw(st.integers(1, 12))))
    names = st.sampled_from(["model", "models", "max", "max_new", "data"])
    field = st.builds(
        FieldCard,
        names,
        st.lists(st.sampled_from(KINDS), max_size=2).map(tuple),
        st.lists(st.sampled_from(["lora", "full", "q8"]), max_size=2, unique=True).map(tuple),
        many=st.booleans(),
    )
    fields = st.lists(field, max_size=4, unique_by=lambda f: f.name).map(tuple)
    tools = draw(st.lists(st.sampled_from(["compare", "compare_tokenizers", "run", "nonesuch"]), min_size=1, unique=True))
    return DraftQuestion("", "", slots, tuple(Card(tool, tool, draw(fields)) for tool in tools))


@given(questions(), st.integers(0, 2**32))
def test_any_walk_through_the_automaton_is_a_draft_of_the_question(question: DraftQuestion, seed: int) -> None:
    chance, writer = random.Random(seed), compact.Writer(question)
    while not writer.done:
        options = writer.options()
        assert options
        assert len(set(options)) == len(options)
        chosen = chance.choice(options)
        ahead = writer.follow(chosen)
        writer.take(chosen)
        assert ahead == writer.options()
    assert len(writer.steps) <= compact.MOST_STEPS
    cards, kinds = {card.tool: card for card in question.cards}, {slot.tag: slot.kind for slot in question.slots}
    for step in writer.steps:
        fields = {field.name: field for field in cards[step.tool].fields}
        for name, values in step.fields.items():
            assert len(values) == 1 or fields[name].many
            assert all(kinds.get(value) in fields[name].kinds or value in fields[name].choices for value in values)
    assert compact.parse(writer.text, question) == Draft(writer.kind, tuple(writer.steps))


@given(questions(), st.text(max_size=12))
def test_nothing_else_can_be_taken(question: DraftQuestion, text: str) -> None:
    writer = compact.Writer(question)
    if text not in writer.options():
        with pytest.raises(ValueError, match="cannot come after"):
            writer.take(text)
