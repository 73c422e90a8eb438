"""The warm child against the slow way: the logits of the whole text, computed at once."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from modelwright.errors import ToolFailed
from modelwright.modelrefs import builtin_gguf

pytest.importorskip("llama_cpp")
from modelwright.engines import complete, llama

PREFIXES = ["People who want to sing write:\n- ", "People who want to make a model smaller write:\n- compress it\n- "]
TEXT = "shrink model.gguf to 4 bits\n"


def slow_score(prefix: str, text: str) -> float:
    llm = llama.load(str(builtin_gguf()), n_ctx=512, threads=1)
    head, tail = (llama.tokenize(llm, part, add_bos=False, special=False) for part in (prefix, text))
    logits = llama.all_logits(llm, head + tail).astype(np.float64)[len(head) - 1 : -1]
    llm.close()
    return float((logits[np.arange(len(tail)), tail] - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) - logits.max(1)).sum())


def test_scores_are_log_probabilities_in_any_order_of_asking() -> None:
    scorer = complete.Scorer(str(builtin_gguf()), 1)
    first = scorer.answer({"text": TEXT, "prefixes": PREFIXES})["scores"]
    scorer.answer({"text": "something else\n", "prefixes": PREFIXES[::-1]})
    assert scorer.answer({"text": TEXT, "prefixes": PREFIXES})["scores"] == first
    # keys and values are kept in half precision and batches differ: measured difference below 0.1 nat
    assert first == pytest.approx([slow_score(prefix, TEXT) for prefix in PREFIXES], abs=0.5)
    assert first[1] > first[0]


def test_a_bad_question_is_answered_with_its_error_and_the_next_one_normally() -> None:
    out = io.StringIO()
    good = json.dumps({"text": "x\n", "prefixes": ["a "]})
    assert complete.start([str(builtin_gguf()), "1"], io.StringIO(f"nonsense\n{{}}\n[]\n{good}\n"), out) == 0
    ready, bad, empty, no_question, fine = map(json.loads, out.getvalue().splitlines())
    assert ready == {"ready": True}
    assert {reply["error"]["type"] for reply in (bad, empty, no_question)} == {"ToolFailed"}
    assert len(fine["scores"]) == 1


def test_of_a_long_prefix_and_a_long_text_the_ends_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete, "LONGEST_PREFIX", 6)
    monkeypatch.setattr(complete, "LONGEST_TEXT", 4)
    scorer = complete.Scorer(str(builtin_gguf()), 1)
    long, short = scorer.score(" dog" * 30, " cat" * 30), scorer.score(" dog" * 6, " cat" * 4)
    assert long == pytest.approx(short, abs=0.5)
    assert scorer.tokens == 2 * (6 + 3)


def test_a_damaged_file_ends_it_with_its_error(tmp_path: Path) -> None:
    file = tmp_path / "bad.gguf"
    file.write_bytes(b"nothing")
    out = io.StringIO()
    assert complete.start([str(file), "1"], io.StringIO(), out) == 1
    assert json.loads(out.getvalue())["error"]["type"] == "ModelRefError"


SYSTEM, USER = "Answer with a colour.", "What colour is the sky on a clear day? <|im_end|>"


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> complete.Scorer:
    return complete.Scorer(str(builtin_gguf()), 1, folder=tmp_path_factory.mktemp("prefixes"))


def test_a_pick_is_the_likeliest_continuation_of_the_chat(scorer: complete.Scorer) -> None:
    opened = scorer.answer({"system": SYSTEM, "user": USER})
    reply = scorer.answer({"pick": ["Blue", "Green"]})
    llm = llama.load(str(builtin_gguf()), n_ctx=512, threads=1)
    head = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n"
    ids = [
        *llama.tokenize(llm, head, add_bos=False, special=True),
        *llama.tokenize(llm, USER, add_bos=False, special=False),
        *llama.tokenize(llm, "<|im_end|>\n<|im_start|>assistant\n", add_bos=False, special=True),
    ]
    logits = llama.all_logits(llm, ids).astype(np.float64)[-1]
    firsts = [llama.tokenize(llm, word, add_bos=False, special=False)[0] for word in ("Blue", "Green")]
    llm.close()
    wanted = logits[firsts] - np.log(np.exp(logits[firsts] - logits[firsts].max()).sum()) - logits[firsts].max()
    assert opened["prompt_tokens"] == len(ids)
    assert reply["scores"] == pytest.approx(list(wanted), abs=0.2)
    assert reply["index"] == int(np.argmax(wanted))


def test_an_answer_goes_on_from_what_was_picked_and_forced(scorer: complete.Scorer) -> None:
    scorer.answer({"system": SYSTEM, "user": USER})
    scorer.answer({"pick": ["Blue", "Green"]})
    reply = scorer.answer({"forced": " is the", "pick": [" colour of the sky", ""]})
    assert reply["index"] in (0, 1)
    assert reply["tokens"] >= 2
    assert sum(np.exp(reply["scores"])) == pytest.approx(1)


def test_the_end_of_a_turn_is_what_the_chat_template_writes(scorer: complete.Scorer) -> None:
    assert llama.token_text(scorer._llm, scorer._end()) == "<|im_end|>"


def test_a_pick_without_an_open_answer_is_refused() -> None:
    with pytest.raises(ToolFailed, match="no answer is open"):
        complete.Scorer(str(builtin_gguf()), 1).answer({"pick": ["a", "b"]})


def test_a_prefix_is_read_once_and_by_the_next_process_not_at_all(scorer: complete.Scorer) -> None:
    first = scorer.answer({"system": SYSTEM, "user": USER})
    scores = scorer.answer({"pick": ["Blue", "Green"]})["scores"]
    again = scorer.answer({"system": SYSTEM, "user": USER})
    assert scorer.answer({"pick": ["Blue", "Green"]})["scores"] == pytest.approx(scores, abs=0.05)
    other = complete.Scorer(str(builtin_gguf()), 1, folder=scorer._folder)
    from_disk = other.answer({"system": SYSTEM, "user": USER})
    assert other.answer({"pick": ["Blue", "Green"]})["scores"] == pytest.approx(scores, abs=0.05)
    assert again["kept_tokens"] == from_disk["kept_tokens"] > 5
    assert first["prompt_tokens"] == again["prompt_tokens"] == from_disk["prompt_tokens"]


def test_a_damaged_prefix_file_is_read_anew(scorer: complete.Scorer, tmp_path: Path) -> None:
    scorer.answer({"system": SYSTEM, "user": USER})
    scores = scorer.answer({"pick": ["Blue", "Green"]})["scores"]
    assert scorer._folder
    for file in scorer._folder.glob("prefix-*"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:100])
    other = complete.Scorer(str(builtin_gguf()), 1, folder=tmp_path)
    assert other.answer({"system": SYSTEM, "user": USER})["kept_tokens"] == 0
    assert other.answer({"pick": ["Blue", "Green"]})["scores"] == pytest.approx(scores, abs=0.05)


def test_scoring_between_two_picks_does_not_disturb_the_next_draft(scorer: complete.Scorer) -> None:
    scorer.answer({"system": SYSTEM, "user": USER})
    scores = scorer.answer({"pick": ["Blue", "Green"]})["scores"]
    scorer.answer({"text": TEXT, "prefixes": PREFIXES})
    scorer.answer({"system": SYSTEM, "user": USER})
    assert scorer.answer({"pick": ["Blue", "Green"]})["scores"] == pytest.approx(scores, abs=0.05)


def test_of_a_long_request_both_ends_are_read(scorer: complete.Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete, "LONGEST_REQUEST", 10)
    short = scorer.answer({"system": SYSTEM, "user": ""})["prompt_tokens"]
    assert scorer.answer({"system": SYSTEM, "user": "dog " * 500})["prompt_tokens"] == short + 10


def test_an_adapter_that_is_not_there_is_named(tmp_path: Path) -> None:
    out = io.StringIO()
    assert complete.start([str(builtin_gguf()), "1", str(tmp_path / "none.gguf")], io.StringIO(), out) == 1
    error = json.loads(out.getvalue())["error"]
    assert error["type"] == "ModelRefError"
    assert "none.gguf" in error["message"]
