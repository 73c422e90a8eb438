"""rag_answer: every sentence proved, nothing said without proof, and text of documents that stays text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.errors import DataError
from modelwright.graphs.context import RunContext
from modelwright.scoring.citations import stem
from modelwright.text import clean
from modelwright.tools._rag_cite import sentences_in, verify
from modelwright.tools._rag_sentences import Candidate
from modelwright.tools._rag_telling import speaks_of, telling
from modelwright.tools._rag_write import marked
from modelwright.tools.rag_answer import Args, Result, checks, rag_answer
from modelwright.tools.rag_index import rag_index


def run(context: RunContext, question: str, **args: object) -> tuple[Args, Result]:
    checked = rag_answer.validate({"question": question, **args})
    assert isinstance(checked, Args)
    result = rag_answer.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def test_an_answer_is_quoted_and_its_proof_survives_json_and_fails_when_the_source_changes(handbook: RunContext, workspace: Path) -> None:
    args, result = run(handbook, "Can the tanks go in a dishwasher?")
    assert result.found
    assert result.sentences[0].text == "Never put the tanks in a dishwasher: the seals deform above 55 °C."
    assert "maintenance.md [" in result.answer
    assert all(check.passed for check in checks(args, result)), checks(args, result)

    printed = json.loads(json.dumps(clean({"run": "r", "result": result.model_dump(mode="json")})))
    sentences = sentences_in(printed)
    assert {one.status for one in verify(sentences, lambda citation: Path(citation.document))} == {"verified"}
    source = workspace / "docs" / "maintenance.md"
    source.write_text(source.read_text(encoding="utf-8").replace("55", "65"), encoding="utf-8")
    assert verify(sentences, lambda citation: Path(citation.document))[0].status == "source changed"
    assert not checks(args, result)[0].passed
    _, after = run(handbook, "Can the tanks go in a dishwasher?")
    assert not any("dishwasher" in sentence.text for sentence in after.sentences)
    assert after.cut[0].why.startswith("source changed")
    source.unlink()
    assert verify(sentences, lambda citation: Path(citation.document))[0].status == "source missing"


def test_a_forged_quote_span_or_sentence_is_seen(handbook: RunContext) -> None:
    _, result = run(handbook, "Can the tanks go in a dishwasher?", max_sentences=1)
    sentence = result.sentences[0]
    quote = sentence.citations[0]

    def status(**changes: object) -> list[str]:
        forged = sentence.model_copy(update={"citations": [quote.model_copy(update=changes)]})
        return [one.status for one in verify([forged], lambda citation: Path(citation.document))]

    assert status(start=0, end=5) == ["quote moved"]
    assert status(quote="Always put the tanks in a dishwasher.")[0] == "quote absent"
    said = sentence.model_copy(update={"text": "Put the tanks in the dishwasher at 70 °C."})
    assert [one.status for one in verify([said], lambda citation: Path(citation.document))] == ["verified", "not supported"]
    with pytest.raises(DataError, match="no answer"):
        sentences_in({"result": {"answer": "x"}})


def test_what_no_document_says_is_not_found_after_asking_in_other_words(handbook: RunContext) -> None:
    args, result = run(handbook, "Who is the chief executive of the company, and how old?")
    assert (result.found, result.sentences) == (False, [])
    assert result.answer.startswith("Not found: nothing in default carries an answer")
    assert 1 < len(result.tries) <= 3
    assert all(check.passed for check in checks(args, result))
    _, once = run(handbook, "Who is the chief executive of the company, and how old?", max_rewrites=0)
    assert len(once.tries) == 1


LAMP = "Lamp L4. The lamp uses an E14 bulb of at most 40 watts. Do not use it outdoors."
ROUTER = "# Router R9\n\nThe admin page of the router R9 is at port 8443. The router supports up to 64 devices.\n"
KETTLE = "# Kettle K2\n\nThe kettle K2 holds 1.7 litres. Descale it every 6 weeks.\n\nThe warranty lasts 24 months.\n"


def test_a_question_whose_telling_words_no_sentence_holds_is_not_found(
    make_tool_context: Callable[..., RunContext], workspace: Path
) -> None:
    (workspace / "manual").mkdir()
    for name, text in (("lamp.txt", LAMP), ("router.md", ROUTER), ("kettle.md", KETTLE)):
        (workspace / "manual" / name).write_text(text, encoding="utf-8")
    rag_index.run(rag_index.validate({"path": "manual"}), make_tool_context("index"))
    context = make_tool_context("ask")
    for asked in ("about the price of the lamp?", "what does the manual say about the price of the lamp?", "who makes the lamp?"):
        _, result = run(context, asked)
        assert not result.found, (asked, result.answer)
    for asked, quoted in (
        ("which bulb does the lamp take?", "E14"),
        ("what does the manual say about the warranty of the kettle?", "24 months"),
        ("how often should I descale the kettle?", "every 6 weeks"),
        ("how many devices does the router support?", "64"),
    ):
        assert quoted in run(context, asked)[1].answer


def test_the_telling_words_are_what_is_asked_about_and_a_word_may_be_held_by_another_that_means_the_same() -> None:
    assert telling("What does the manual say about the price of the lamp?") == ["price", "lamp"]
    assert telling("wie lange ist die Garantie?") == ["Garantie"]
    assert telling("how long?") == ["long"]
    weights = {stem("cost"): 2.0, stem("lamp"): 1.0}
    assert not speaks_of(["cost", "lamp"], weights, "The lamp is red.", lambda word, there: [0.4] * len(there))
    assert speaks_of(
        ["cost", "lamp"], weights, "The price of the lamp.", lambda word, there: [0.74 if one == "price" else 0.1 for one in there]
    )


def test_sentences_that_a_model_writes_need_marks_of_quotes_that_exist() -> None:
    quotes = [Candidate({}, 0, 1, "q1", 1.0, None, 1.0), Candidate({}, 0, 1, "q2", 1.0, None, 1.0)]
    made = marked("The pump is red [1]. It hums. It is loud. [2] Call the tool now [7].", quotes)
    assert [(text, [one.text for one in cited]) for text, cited in made] == [("The pump is red.", ["q1"]), ("It is loud.", ["q2"])]
