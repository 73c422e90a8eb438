"""A Hugging Face BPE tokenizer as the keys of a GGUF file: tokens, types, merges, pre-tokenizer, special ids, template.

Two facts to know. llama.cpp has its own copy of each pre-tokenizer's regex under a name, so the name is looked up by
regex; an unknown one stops the export, for a wrong one only shows as worse answers. And what special tokens are
added is asked of the tokenizer itself, not read from its configuration. The names here are claims: proof.py tokenizes
with both and compares.

Not covered: SentencePiece and WordPiece vocabularies, and normalizers (llama.cpp applies none to BPE).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelwright.errors import BadRequest, ModelRefError

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5

_ENGLISH = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_ENGLISH_SPELLED_OUT = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN2 = _ENGLISH + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + _REST
_LLAMA3 = _ENGLISH + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _REST
_QWEN35 = _ENGLISH + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

PRE_TOKENIZERS = {
    ("bytes and words",): "gpt-2",
    ("single digits", "bytes and words"): "smollm",
    (_QWEN2, "bytes"): "qwen2",
    (_LLAMA3, "bytes"): "llama-bpe",
    (_QWEN35, "bytes"): "qwen35",
}
"""How a text is cut before the merges -> llama.cpp's name for it."""


@dataclass(frozen=True)
class Vocabulary:
    """Everything of a tokenizer that a GGUF file holds."""

    tokens: list[str]
    types: list[int]
    merges: list[str]
    pre: str
    special_ids: dict[str, int]
    adds: dict[str, bool]
    """Whether bos and eos are put around a text."""
    chat_template: str | None
    notes: list[str]


def read(tokenizer: Any, vocab_size: int, stop_ids: Iterable[int] = ()) -> Vocabulary:
    """The vocabulary of a transformers tokenizer for a model with `vocab_size` rows; `stop_ids` end a turn besides eos."""
    if not getattr(tokenizer, "is_fast", False):
        raise ModelRefError("the tokenizer has no tokenizer.json", fix="save it again with a fast tokenizer")
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    model = described["model"]
    if model["type"] != "BPE" or model.get("byte_fallback"):
        kind = "SentencePiece" if model.get("byte_fallback") else model["type"]
        raise BadRequest(f"cannot export a {kind} tokenizer", fix="byte-level BPE tokenizers can be exported (Llama 3, Qwen, SmolLM …)")
    tokens, types = _tokens(model["vocab"], described["added_tokens"], vocab_size)
    return Vocabulary(
        tokens=tokens,
        types=types,
        merges=[_merge(m) for m in model["merges"]],
        pre=pre_name(described),
        special_ids=_special_ids(tokenizer, stop_ids),
        adds=_adds(tokenizer),
        chat_template=plain_template(default_template(tokenizer)),
        notes=_notes(described),
    )


def write(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    for name, token in vocabulary.special_ids.items():
        getattr(writer, f"add_{name}_token_id")(token)
    for name, added in vocabulary.adds.items():
        getattr(writer, f"add_add_{name}_token")(added)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)


def _tokens(vocab: dict[str, int], added: list[dict[str, Any]], size: int) -> tuple[list[str], list[int]]:
    """Tokens by id; rows of the model that no token uses are padded, as llama.cpp wants as many tokens as rows."""
    largest = max([*vocab.values(), *(token["id"] for token in added)])
    if largest >= size:
        fix = "resize the model's embeddings, or use the model's own tokenizer"
        raise ModelRefError(f"the tokenizer has {largest + 1} tokens and the model {size} rows", fix=fix)
    tokens, types = [f"[PAD{i}]" for i in range(size)], [UNUSED] * size
    for token, number in vocab.items():
        tokens[number], types[number] = token, NORMAL
    for entry in added:
        tokens[entry["id"]] = entry["content"]
        types[entry["id"]] = CONTROL if entry["special"] else USER_DEFINED
    return tokens, types


def _merge(merge: str | list[str]) -> str:
    """Since 2024 tokenizer.json keeps merges as pairs; a space inside a half is written as Ġ (U+0120)."""
    return merge if isinstance(merge, str) else " ".join(half.replace(" ", "\u0120") for half in merge)


def pre_name(described: dict[str, Any]) -> str:
    """llama.cpp's name for the pre-tokenizer of a tokenizer.json. Raises BadRequest for one that it may not have."""
    cuts = tuple(_cut(part) for part in _parts(described["pre_tokenizer"]))
    name = PRE_TOKENIZERS.get(cuts)
    if name is None:
        raise BadRequest(f"unknown pre-tokenizer {' + '.join(cuts)[:200]}", fix=f"known are those of {', '.join(PRE_TOKENIZERS.values())}")
    if name == "llama-bpe" and not described["model"].get("ignore_merges"):
        return "smaug-bpe"  # the same regex; llama-bpe also takes whole words from the vocabulary without merging
    return name


def _parts(pre_tokenizer: dict[str, Any] | None) -> list[dict[str, Any]]:
    if pre_tokenizer is None:
        return []
    parts: list[dict[str, Any]] = pre_tokenizer.get("pretokenizers") or [pre_tokenizer]
    return parts


def _cut(part: dict[str, Any]) -> str:
    if part["type"] == "ByteLevel" and not part.get("add_prefix_space"):
        return "bytes and words" if part.get("use_regex", True) else "bytes"
    if part["type"] == "Digits" and part.get("individual_digits"):
        return "single digits"
    if part["type"] == "Split" and part.get("behavior") == "Isolated" and not part.get("invert"):
        return str(part["pattern"].get("Regex", "")).replace(_ENGLISH_SPELLED_OUT, _ENGLISH)
    return json.dumps(part, sort_keys=True)


def _special_ids(tokenizer: Any, stop_ids: Iterable[int]) -> dict[str, int]:
    ids = {name: getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "unk", "sep", "pad", "mask")}
    found = {name: token for name, token in ids.items() if token is not None}
    others = [token for token in stop_ids if token != found.get("eos")]
    return found | dict(zip(("eot", "eom"), others, strict=False))


def _adds(tokenizer: Any) -> dict[str, bool]:
    ids = tokenizer("a").input_ids
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    return {"bos": bos is not None and ids[0] == bos, "eos": eos is not None and len(ids) > 1 and ids[-1] == eos}


def default_template(tokenizer: Any) -> str | None:
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    return template or None


def plain_template(template: str | None) -> str | None:
    """Without the {% generation %} marks of training, which only transformers knows: each becomes a comment, whose dashes
    eat the same spaces."""
    if template is None:
        return None
    return re.sub(r"\{%([-+]?)\s*(?:end)?generation\s*([-+]?)%\}", r"{#\1\2#}", template)


def _notes(described: dict[str, Any]) -> list[str]:
    normalizer = described.get("normalizer")
    if not normalizer:
        return []
    return [f"llama.cpp does not apply the tokenizer's {normalizer['type']} normalizer: give it normalized text"]
