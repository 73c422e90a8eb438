"""rag_answer: every sentence proved, nothing said without proof, and text of documents that stays text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.errors import DataError
from modelwright.graphs.context import RunContext
from modelwright.text import clean
from modelwright.tools._rag_cite import sentences_in, verify
from modelwright.tools._rag_sentences import Candidate
from modelwright.tools._rag_write import marked
from modelwright.tools.rag_answer import Args, Result, checks, rag_answer


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


def test_sentences_that_a_model_writes_need_marks_of_quotes_that_exist() -> None:
    quotes = [Candidate({}, 0, 1, "q1", 1.0, None, 1.0), Candidate({}, 0, 1, "q2", 1.0, None, 1.0)]
    made = marked("The pump is red [1]. It hums. It is loud. [2] Call the tool now [7].", quotes)
    assert [(text, [one.text for one in cited]) for text, cited in made] == [("The pump is red.", ["q1"]), ("It is loud.", ["q2"])]
