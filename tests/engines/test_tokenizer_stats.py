"""Cutting texts: characters that lie in two tokens, round trips, strange splits, and both runtimes the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.engines import gguf_write, tokenizer_stats
from modelwright.engines.tokenizer_stats import FolderTokenizer, GgufTokenizer, difference, shown, split_characters
from modelwright.modelrefs import Model
from tests.engines import tiny

TEXT = "Hello قهوة 👍🏽 1234567   naïve\n\tx = {'a': 1}"


@pytest.mark.parametrize(
    ("pieces", "count"),
    [
        ([b"ab", b"c"], 0),
        ([b"\xd9\x82", b"\xd9\x87"], 0),
        ([b"\xd9", b"\x82\xd9", b"\x87"], 2),
        ([b"\xf0", b"\x9f", b"\x91", b"\x8d"], 1),
        ([], 0),
    ],
)
def test_a_character_is_split_once_however_many_tokens_it_lies_in(pieces: list[bytes], count: int) -> None:
    assert split_characters(pieces) == count


def test_split_characters_agrees_with_a_slow_reference() -> None:
    data = TEXT.encode()
    for size in (1, 2, 3, 5):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        owner = [number for number, piece in enumerate(pieces) for _ in piece]
        at, slow = 0, 0
        for letter in TEXT:
            end = at + len(letter.encode())
            slow += len(set(owner[at:end])) > 1
            at = end
        assert split_characters(pieces) == slow


def test_the_first_place_that_differs_is_told_and_a_space_in_front_forgiven() -> None:
    assert difference("abc", " abc") is None
    assert difference("abc", "abx") == {"at": 2, "expected": "c", "got": "x"}
    assert difference("abc", "ab") == {"at": 2, "expected": "c", "got": ""}


def test_bytes_that_are_no_character_are_written_as_bytes() -> None:
    assert (shown(b"ab"), shown(b"\xd9")) == ("ab", "<0xD9>")


def test_a_gguf_file_and_its_folder_cut_alike(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "tiny")
    path = tmp_path / "tiny.gguf"
    gguf_write.write(folder, tiny.tokenizer_for("llama"), path, dtype="f16", name="t", progress=lambda *a, **k: None)
    native = GgufTokenizer(Model("g", "gguf", str(path)))
    ours = FolderTokenizer(Model("f", "hf", str(folder)), tmp_path)
    for tokenizer in (native, ours):
        row, failure = tokenizer_stats.count(tokenizer, TEXT)
        assert failure is None
        assert row["bytes"] == len(TEXT.encode())
        assert b"".join(tokenizer.pieces(tokenizer.encode(TEXT))).decode() == TEXT
    assert native.pieces(native.encode(TEXT)) == ours.pieces(ours.encode(TEXT))
    found = {(one["kind"], one["text"]): one for one in tokenizer_stats.probes(ours)}
    assert found["number", "1234567"]["strange"] == "digits are grouped as 3+3+1"
    assert "split into bytes" in found["arabic", "قهوة"]["strange"]
    assert found["case", "environment"]["strange"] == ""
