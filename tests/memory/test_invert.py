"""Postings built in runs are those that counting word by word gives, however small the runs and ranges are."""

from __future__ import annotations

import errno
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.memory import NewItem, Store, invert
from modelwright.memory.segment import Segment
from modelwright.memory.words import split, stem_numbers

TEXTS = st.lists(st.lists(st.sampled_from(["pump", "pumps", "tank", "tanks", "cable", "Pump", "东京", "é"])).map(" ".join), max_size=30)


def counted(texts: list[str]) -> dict[int, list[tuple[int, int]]]:
    """Term -> [(document, count)]."""
    found: dict[int, list[tuple[int, int]]] = {}
    for place, text in enumerate(texts):
        words = split(text)
        numbers = stem_numbers(words)
        for term, count in Counter(numbers[word] for word in words).items():
            found.setdefault(term, []).append((place, count))
    return found


def postings(segment: Segment) -> dict[int, list[tuple[int, int]]]:
    def of(term: int) -> list[tuple[int, int]]:
        places, counts = segment.postings(term)
        return list(zip(places.tolist(), counts.tolist(), strict=True))

    return {int(term): of(int(term)) for term in segment.terms}


@given(TEXTS, st.integers(1, 9), st.integers(1, 40), st.sampled_from([1, 300, 10_000]))
def test_the_postings_are_those_of_counting(texts: list[str], run: int, merged: int, in_memory: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("RUN_DOCUMENTS", run), ("MERGED_AT_ONCE", merged), ("IN_MEMORY", in_memory)):
            patch.setattr(invert, name, value)
        made = invert.segment((10 * place, text) for place, text in enumerate(texts))
    assert postings(made) == counted(texts)
    assert made.ids.tolist() == [10 * place for place in range(len(texts))]
    assert made.lengths.tolist() == [len(split(text)) for text in texts]


@pytest.mark.parametrize("in_memory", [1, 10**9])
def test_a_written_segment_is_read_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr(invert, "IN_MEMORY", in_memory)
    made = invert.segment([(3, "the cat sleeps"), (5, "cats and dogs")])
    made.write(tmp_path / "s")
    made.write(tmp_path / "again")
    assert (tmp_path / "s").read_bytes() == (tmp_path / "again").read_bytes()
    assert postings(Segment.read(tmp_path / "s")) == postings(made) == counted(["the cat sleeps", "cats and dogs"])


def test_arrays_in_another_order_are_refused(tmp_path: Path) -> None:
    invert.segment([(1, "a")]).write(tmp_path / "s")
    raw = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(raw.replace(b'"ids"', b'"IDS"'))
    with pytest.raises(ValueError, match="another order"):
        Segment.read(tmp_path / "s")


def test_without_room_for_temporary_files_words_are_still_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Store.open(tmp_path / "a.db") as store:
        store.add("c", [NewItem("the cat sleeps"), NewItem("a dog")])
        monkeypatch.setattr(invert, "segment", full)
        [hit] = store.search_lexical("c", "cats", 5)
        store.save("c")
        assert hit.item.text == "the cat sleeps"
        assert store.notices == ["words are looked up without their index, which is slower: No space left on device"]
