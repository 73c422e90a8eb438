"""The tokenizer's keys: known pre-tokenizers only, every row named, training marks gone from the template."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelwright.engines import gguf_tokenizer as gt
from modelwright.engines import proof
from modelwright.errors import BadRequest, ModelRefError
from tests.engines import tiny


def described(*parts: dict[str, Any], ignore_merges: bool = False) -> dict[str, Any]:
    return {"model": {"ignore_merges": ignore_merges}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": list(parts)}}


def split(regex: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
WORDS = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
DIGITS = {"type": "Digits", "individual_digits": True}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (described(WORDS), "gpt-2"),
        (described(DIGITS, WORDS), "smollm"),
        (described(split(gt._QWEN2), BYTES), "qwen2"),
        (described(split(gt._QWEN2.replace(gt._ENGLISH, gt._ENGLISH_SPELLED_OUT)), BYTES), "qwen2"),
        (described(split(gt._LLAMA3), BYTES, ignore_merges=True), "llama-bpe"),
        (described(split(gt._LLAMA3), BYTES), "smaug-bpe"),
    ],
)
def test_a_known_pre_tokenizer_has_its_name(given: dict[str, Any], name: str) -> None:
    assert gt.pre_name(given) == name


@pytest.mark.parametrize(
    "given",
    [
        described(split(r"\w+"), BYTES),
        described(WORDS, DIGITS),
        described({**WORDS, "add_prefix_space": True}),
        described(),
        {"model": {}, "pre_tokenizer": None},
    ],
)
def test_an_unknown_one_stops_the_export(given: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="unknown pre-tokenizer"):
        gt.pre_name(given)


def test_every_row_of_the_model_gets_a_token() -> None:
    tokenizer = tiny.tokenizer_for("llama")
    vocabulary = gt.read(tokenizer, len(tokenizer) + 5, [2, 0])
    assert len(vocabulary.tokens) == len(set(vocabulary.tokens)) == len(tokenizer) + 5
    assert vocabulary.types[-5:] == [gt.UNUSED] * 5
    assert vocabulary.types[0] == gt.CONTROL
    assert vocabulary.types[vocabulary.tokens.index("<tool>")] == gt.USER_DEFINED
    assert vocabulary.special_ids["eot"] == 0


def test_a_tokenizer_larger_than_the_model_is_refused() -> None:
    tokenizer = tiny.tokenizer_for("llama")
    with pytest.raises(ModelRefError, match=f"{len(tokenizer)} tokens and the model {len(tokenizer) - 1} rows"):
        gt.read(tokenizer, len(tokenizer) - 1)


def test_merges_with_spaces_are_written_as_llama_cpp_wants_them() -> None:
    assert gt._merge(["a b", "c"]) == "a\u0120b c"
    assert gt._merge("a b") == "a b"


def test_marks_of_training_go_and_the_spaces_stay() -> None:
    template = "A  {%- generation -%}  B {% endgeneration %}\n C {%- endgeneration %} D"
    plain = gt.plain_template(template)
    assert plain is not None
    assert "{%" not in plain
    assert proof.render_stored(plain, [], False, bos="", eos="") == "AB  C D"


def test_the_template_without_marks_renders_the_same() -> None:
    tokenizer = tiny.tokenizer_for("llama")
    stored = gt.plain_template(gt.default_template(tokenizer))
    assert proof.check_template(tokenizer, stored, bos="<|endoftext|>", eos="<|im_end|>")["differing"] == 0


def test_a_sentencepiece_vocabulary_is_refused() -> None:
    class Backend:
        def to_str(self) -> str:
            return json.dumps({"model": {"type": "BPE", "byte_fallback": True}})

    class SentencePiece:
        is_fast = True
        backend_tokenizer = Backend()

    with pytest.raises(BadRequest, match="SentencePiece"):
        gt.read(SentencePiece(), 10)
