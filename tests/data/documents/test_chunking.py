"""Chunks are spans: text[a:b] is the chunk, nothing but white space is lost, no chunk is too long, whatever the text is."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.data.documents import chunking, ruler
from modelwright.data.documents.document import Document, Part
from modelwright.data.documents.loading import load

CHUNKERS = get_args(chunking.Chunker)
TEXTS = st.lists(
    st.sampled_from(
        [
            "word ",
            "Sentence ends. ",
            "\n\n",
            "\r\n",
            "# Heading\n",
            "漢字漢字。",
            "👩‍👩‍👧",
            "é",
            "🇩🇪",
            "def f():\n",
            "a" * 40,
            "\t",
            "한국어 ",
        ]
    ),
    max_size=80,
).map("".join)


def checked(document: Document, chunker: chunking.Chunker, tokens: int, overlap: int) -> list[chunking.Chunk]:
    made = chunking.chunk(document, chunker, tokens, overlap, ruler.by_words)
    measure = ruler.Measure(document.text, ruler.by_words)
    covered = bytearray(len(document.text))
    for one in made:
        assert 0 <= one.window_start <= one.start < one.end <= one.window_end <= len(document.text)
        assert document.text[one.start : one.end].strip() == document.text[one.start : one.end]
        assert measure.tokens(one.start, one.end) <= tokens
        covered[one.start : one.end] = b"\1" * (one.end - one.start)
    lost = [letter for letter, seen in zip(document.text, covered, strict=True) if not seen and not letter.isspace()]
    assert lost == []
    return made


@given(text=TEXTS, tokens=st.integers(4, 40), overlap=st.integers(0, 30), chunker=st.sampled_from(CHUNKERS))
@settings(max_examples=150)
def test_every_character_is_in_a_chunk_and_none_is_too_long(text: str, tokens: int, overlap: int, chunker: chunking.Chunker) -> None:
    checked(Document(text, "text", "t", [Part("section", 0, len(text), "t", 1)]), chunker, tokens, overlap)


def test_a_chunk_ends_at_the_best_place_in_its_second_half() -> None:
    text = "One two three four five. Six seven.\n\nEight nine ten eleven twelve thirteen."
    made = checked(Document(text, "text"), "recursive", 12, 0)
    assert [text[one.start : one.end] for one in made] == ["One two three four five. Six seven.", "Eight nine ten eleven twelve thirteen."]


def test_overlap_repeats_the_end_of_the_chunk_before() -> None:
    text = " ".join(f"w{number}" for number in range(60))
    made = checked(Document(text, "text"), "recursive", 20, 6)
    assert all(after.start < before.end for before, after in pairwise(made))


def test_graphemes_are_not_cut_in_two() -> None:
    text = "👩‍👩‍👧" * 30
    for one in checked(Document(text, "text"), "recursive", 10, 0):
        assert not text[one.start : one.end].startswith("\u200d")
        assert not text[one.start : one.end].endswith("\u200d")


def test_sections_are_not_mixed_and_headings_are_the_context(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Book\n\n## One\n\nfirst text\n\n## Two\n\nsecond text\n", encoding="utf-8")
    document = load(tmp_path / "a.md")
    made = checked(document, "auto", 100, 0)
    assert [document.text[one.start : one.end] for one in made] == ["# Book\n\n## One\n\nfirst text", "## Two\n\nsecond text"]
    assert made[1].context == "Book > Two"


def test_code_is_cut_at_definitions_with_their_comments_and_decorators(tmp_path: Path) -> None:
    source = (
        'import os\r\n\r\n# about f\r\n@cache\r\ndef f():\r\n    return "🙂"\r\n\r\nclass A:\r\n    def m(self):\r\n        return 2\r\n'
    )
    (tmp_path / "a.py").write_bytes(source.encode())
    made = checked(load(tmp_path / "a.py"), "auto", 14, 0)
    starts = [source[one.start : one.end].splitlines()[0] for one in made]
    assert starts == ["import os", "# about f", "class A:"]


def test_rows_stay_whole_and_carry_the_column_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,price\n" + "".join(f"item {n},{n}.50\n" for n in range(20)), encoding="utf-8")
    document = load(tmp_path / "a.csv")
    made = checked(document, "auto", 30, 0)
    assert len(made) > 3
    assert all(document.text[one.start : one.end].endswith(".50") for one in made)
    assert made[-1].context == "a\nname | price"


def test_a_sentence_is_found_and_its_neighbours_are_read() -> None:
    text = "A one. B two. C three. D four. E five. F six."
    made = checked(Document(text, "text"), "sentence_window", 50, 0)
    assert text[made[3].start : made[3].end] == "D four."
    assert text[made[3].window_start : made[3].window_end] == "B two. C three. D four. E five. F six."


def test_a_child_is_found_and_its_parent_is_read() -> None:
    text = " ".join(f"w{number}" for number in range(200))
    made = checked(Document(text, "text"), "parent_child", 10, 0)
    wide = ruler.Measure(text, ruler.by_words)
    assert all(wide.tokens(one.window_start, one.window_end) <= 40 for one in made)
    assert len({(one.window_start, one.window_end) for one in made}) < len(made) / 2


@pytest.mark.parametrize("text", ["Dr. Smith paid 3.50 euros. He left.", "See Fig. 3 for it. It is good."])
def test_abbreviations_and_decimals_do_not_end_a_sentence(text: str) -> None:
    from modelwright.data.documents.sentences import sentences

    assert len(sentences(text)) == 2


def test_cjk_sentences_end_without_a_space() -> None:
    from modelwright.data.documents.sentences import sentences

    text = "これは文です。次の文！終わり"
    assert [text[a:b] for a, b in sentences(text)] == ["これは文です。", "次の文！", "終わり"]


def test_the_exact_ruler_counts_as_the_encoder_does() -> None:
    from modelwright.memory.embedders import packaged_folder

    folder = packaged_folder()
    if folder is None:
        pytest.skip("the packaged encoder is not installed")
    from tokenizers import Tokenizer

    text = "Quantisation of 漢字 and émigrés, e-mail: a.b@c.example 👩‍👧 … " * 3000
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    counted = len(tokenizer.encode(text, add_special_tokens=False).ids)
    assert abs(len(ruler.by_tokenizer(folder / "tokenizer.json")(text)) - counted) <= 3  # at the seams of its blocks
