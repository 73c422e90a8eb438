"""The warm child's scores against the slow way: the logits of the whole text, computed at once."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

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
    assert complete.serve(str(builtin_gguf()), 1, io.StringIO(f"nonsense\n{{}}\n[]\n{good}\n"), out) == 0
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
    assert complete.serve(str(file), 1, io.StringIO(), out) == 1
    assert json.loads(out.getvalue())["error"]["type"] == "ModelRefError"
