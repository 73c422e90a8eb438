"""How one tokenizer cuts texts: tokens, bytes a token, letters cut apart, strange splits, and whether the text comes back.

Two facts to know. A letter outside ASCII has two to four bytes, and a byte-level tokenizer that knows few of a language's
words cuts through them; `split_characters` counts the letters that lie in more than one token. And only the vocabulary is
loaded, of a GGUF file by llama.cpp, of a folder by transformers.

    spec   {"models": [{"name", "model"} …], "texts": [{"domain", "text"} …], "cache_dir"}
    result {"tokenizers": [{"name", "engine", "vocabulary"} …], "rows": [one a model and domain …], "splits": [one a model and probe …],
            "failures": [{"name", "domain", "at", "expected", "got"} …]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from modelwright.engines.child import Job
from modelwright.errors import BadRequest
from modelwright.modelrefs import Model

Json = dict[str, Any]
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
SPACE = "\u2581"
"""What SentencePiece writes for a space."""
SHOWN = 40
PROBES: dict[str, tuple[str, ...]] = {
    "number": ("1234567", "3.14159", "1,299.00", "2026-11-05", "00042"),
    "emoji": ("🙂", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪"),
    "whitespace": ("    x", "                x", "\t\t\tx", "\n\n\n\nx"),
    "arabic": ("قهوة", "المدرسة", "الخبّاز", "مُحَمَّد"),
    "case": ("environment", "ENVIRONMENT", "eNvIrOnMeNt"),
}
"""Strings of which a tokenizer's habits are read: digits in groups, one emoji, runs of spaces, Arabic with and without vowel signs."""


class Tokenizer(Protocol):
    engine: str
    vocabulary: int

    def encode(self, text: str) -> list[int]:
        """Without special tokens."""

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """The bytes of each token; together they are the text, perhaps with a space in front."""

    def decode(self, ids: Sequence[int]) -> str: ...


class GgufTokenizer:
    engine = "llama.cpp"

    def __init__(self, model: Model) -> None:
        from modelwright.engines import llama

        self._llm = llama.load(model.path, n_ctx=512, threads=1, vocab_only=True)
        self._tokenize = llama.tokenize
        self.vocabulary = int(self._llm.n_vocab())

    def encode(self, text: str) -> list[int]:
        return self._tokenize(self._llm, text, add_bos=False, special=False)

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        return [bytes(self._llm.detokenize([token], prev_tokens=[token], special=True)) for token in ids]

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(self._llm.detokenize(list(ids), special=True)).decode("utf-8", "replace")


class FolderTokenizer:
    engine = "transformers"

    def __init__(self, model: Model, cache_dir: Path) -> None:
        from modelwright.engines import hf

        self._tokenizer = hf.load_tokenizer(model, cache_dir)
        self.vocabulary = len(self._tokenizer)
        decoder = getattr(getattr(self._tokenizer, "backend_tokenizer", None), "decoder", None)
        self._letters = byte_letters() if "ByteLevel" in repr(decoder) else {}

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        return ids

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        return [self._bytes(token) for token in self._tokenizer.convert_ids_to_tokens(list(ids))]

    def _bytes(self, token: str) -> bytes:
        if found := BYTE_TOKEN.fullmatch(token):
            return bytes([int(found[1], 16)])
        if self._letters and all(letter in self._letters for letter in token):
            return bytes(self._letters[letter] for letter in token)
        return token.replace(SPACE, " ").encode()

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in byte-level vocabularies (GPT-2): printable ones for themselves, others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(hidden)}


@dataclass(frozen=True)
class Cut:
    """One text, cut."""

    tokens: int
    split_characters: int
    """Letters, digits and signs whose bytes lie in more than one token."""
    pieces: list[bytes]


def run(spec: Json, job: Job) -> Json:
    tokenizers, rows, splits, failures = [], [], [], []
    for step, one in enumerate(spec["models"], 1):
        job.progress(f"reading the vocabulary of {one['name']}", step=step, steps=len(spec["models"]))
        tokenizer = open_tokenizer(Model(**one["model"]), Path(spec["cache_dir"]))
        tokenizers.append({"name": one["name"], "engine": tokenizer.engine, "vocabulary": tokenizer.vocabulary})
        for text in spec["texts"]:
            row, failure = count(tokenizer, text["text"])
            rows.append({"name": one["name"], "domain": text["domain"], **row})
            failures += [{"name": one["name"], "domain": text["domain"], **failure}] if failure else []
        splits += [{"name": one["name"], **found} for found in probes(tokenizer)]
    return {"tokenizers": tokenizers, "rows": rows, "splits": splits, "failures": failures}


def open_tokenizer(model: Model, cache_dir: Path) -> Tokenizer:
    if model.kind == "endpoint":
        raise BadRequest(f"{model.ref} is an endpoint, its tokenizer is not here", fix="name the same model as a folder or a .gguf file")
    return GgufTokenizer(model) if model.kind == "gguf" else FolderTokenizer(model, cache_dir)


def count(tokenizer: Tokenizer, text: str) -> tuple[Json, Json | None]:
    """The numbers of one text, and where it does not come back as it was."""
    made = cut(tokenizer, text)
    words, size = len(text.split()), len(text.encode())
    failure = difference(text, tokenizer.decode(tokenizer.encode(text)))
    return {
        "tokens": made.tokens,
        "words": words,
        "characters": len(text),
        "bytes": size,
        "tokens_per_word": made.tokens / words if words else None,
        "tokens_per_character": made.tokens / len(text),
        "bytes_per_token": size / made.tokens if made.tokens else None,
        "split_characters": made.split_characters,
        "round_trip": failure is None,
    }, failure


def cut(tokenizer: Tokenizer, text: str) -> Cut:
    ids = tokenizer.encode(text)
    pieces = tokenizer.pieces(ids)
    return Cut(len(ids), split_characters(pieces), pieces)


def split_characters(pieces: Sequence[bytes]) -> int:
    """Characters of the joined UTF-8 whose bytes lie in more than one piece: pieces that begin inside one, each character once."""
    joined = b"".join(pieces)
    starts, at = set(), 0
    for piece in pieces:
        inside = at
        while 0 < inside < len(joined) and joined[inside] & 0xC0 == 0x80:
            inside -= 1
        if inside < at:
            starts.add(inside)
        at += len(piece)
    return len(starts)


def difference(text: str, back: str) -> Json | None:
    """The first place where the text that came back differs; one space in front is SentencePiece's own and does not count."""
    if text in (back, back.removeprefix(" ")):
        return None
    at = next((i for i, (a, b) in enumerate(zip(text, back, strict=False)) if a != b), min(len(text), len(back)))
    return {"at": at, "expected": text[at : at + SHOWN], "got": back[at : at + SHOWN]}


def probes(tokenizer: Tokenizer) -> Iterator[Json]:
    """Each probe with its pieces, and what is strange about them, "" when nothing is."""
    for kind, texts in PROBES.items():
        for text in texts:
            made = cut(tokenizer, text)
            pieces = [shown(piece) for piece in made.pieces]
            yield {"kind": kind, "text": text, "tokens": made.tokens, "pieces": pieces, "strange": strange(kind, text, made)}


def shown(piece: bytes) -> str:
    """A piece for people: what is no whole text as <0xNN>."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in piece)


def strange(kind: str, text: str, made: Cut) -> str:
    """In words, why somebody should look at this split."""
    if made.split_characters and kind == "arabic":
        return f"{made.split_characters} of {len(text)} letters are split into bytes"
    if kind == "emoji" and made.tokens > 3:
        return f"{made.tokens} tokens for one emoji"
    if kind == "whitespace" and made.tokens > 4:
        return f"{made.tokens} tokens for a run of {len(text) - 1} and a letter"
    return _strange_number(made) if kind == "number" else ""


def _strange_number(made: Cut) -> str:
    """Groups of digits of unlike length inside one number, such as 123|456|7, hide the place of a digit."""
    groups = [len(run) for piece in made.pieces for run in re.findall(rb"\d+", piece)]
    if len(made.pieces) < 2 or max(groups, default=1) == 1:
        return ""
    return "digits are grouped as " + "+".join(map(str, groups))
