"""The store: one truth in SQLite, indexes that prove what they mirror, and nothing found that is not there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from modelwright.errors import BadRequest
from modelwright.memory import Filter, NewItem, Store, dense, search
from modelwright.memory.lexical import FtsIndex
from tests.memory.stub_embedder import StubEmbedder

TEXTS = ["how to quantize a model to four bits", "the cat sleeps on the sofa", "training with low rank adapters", "the dog sleeps outside"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".modelwright" / "modelwright.db"


def filled(path: Path, embedder: StubEmbedder | None = None) -> Store:
    store = Store.open(path, embedder or StubEmbedder())
    store.write("c", [NewItem(text, key=str(n), metadata={"n": n}, trust=n) for n, text in enumerate(TEXTS)])
    return store


def found(store: Store, text: str, k: int = 10, filter: Filter | None = None) -> tuple[list[str], list[str]]:
    """Keys that vectors find, and keys that words find."""
    vector = store.embed_query("c", text)
    nearest = store.search_dense("c", vector, k, filter) if vector is not None else []
    return [str(h.item.key) for h in nearest], [str(h.item.key) for h in store.search_lexical("c", text, k, filter)]


def index_files(path: Path) -> list[Path]:
    return sorted(p for p in (path.parent / "indexes").iterdir() if p.suffix != ".lock")


def test_what_was_written_is_found_by_vector_and_by_stem(path: Path) -> None:
    with filled(path) as store:
        assert found(store, TEXTS[2], 1)[0] == ["2"]
        assert found(store, "quantizing models")[1] == ["0"]
        assert set(found(store, "sleep")[1]) == {"1", "3"}
        assert store.check("c") == []


def test_words_have_the_points_of_lucene_and_the_order_of_fts5(path: Path) -> None:
    with filled(path) as store:
        hits = store.search_lexical("c", "the cat sleeps", 10)
        oracle = FtsIndex(store._db, "c").search("the cat sleeps", 10)
        assert [h.item.id for h in hits] == [i for i, _ in oracle]
        # cat: 1 of 4 texts, 6 words, mean (8 + 6 + 5 + 4) / 4
        lengths, mean = 6, 23 / 4
        part = 2.5 / (1 + 1.5 * (0.25 + 0.75 * lengths / mean))
        [alone] = store.search_lexical("c", "cat", 10)
        assert alone.score == pytest.approx(np.log(1 + 3.5 / 1.5) * part, rel=1e-5)


def test_a_filter_restricts_the_search_and_not_its_result(path: Path) -> None:
    with Store.open(path, StubEmbedder()) as store:
        many = [NewItem(f"the very same words {n}", metadata={"tenant": "big"}) for n in range(300)]
        small = NewItem("something else altogether", key="mine", metadata={"tenant": "small"}, trust=2, kind="note")
        store.write("c", [*many, small])
        for only in (Filter(metadata={"tenant": "small"}), Filter(kinds=["note"]), Filter(min_trust=2)):
            assert found(store, "the very same words else", 3, only) == (["mine"], ["mine"])
        assert found(store, "words", 3, Filter(ids=[])) == ([], [])


def test_removed_hidden_and_expired_items_are_not_found(path: Path) -> None:
    with filled(path) as store:
        ids = {item.key: item.id for item in store.find("c")}
        found(store, "warm up")
        store.remove([ids["0"]])
        store.hide([ids["1"]])
        store.write("c", [NewItem("the cat that expired", key="old", expires=1.0)])
        assert "0" not in found(store, TEXTS[0])[0]
        assert found(store, "cat")[1] == []
        assert "1" not in found(store, TEXTS[1])[0]
        store.hide([ids["1"]], hidden=False)
        assert found(store, "cat")[1] == ["1"]


def test_a_word_that_every_text_holds_still_finds_them_after_many_were_removed(path: Path) -> None:
    with Store.open(path) as store:
        ids = store.write("c", [NewItem(f"all of them {n}") for n in range(40)])
        assert len(store.search_lexical("c", "all", 99)) == 40
        store.remove(ids[:30])
        assert [h.item.id for h in store.search_lexical("c", "all", 99)] == ids[30:]


def test_removing_an_item_removes_what_was_made_from_it(path: Path) -> None:
    with filled(path) as store:
        [source] = [item.id for item in store.find("c") if item.key == "0"]
        [child] = store.write("c", [NewItem("a summary", parents=[source])])
        [grandchild] = store.write("c", [NewItem("a summary of the summary", parents=[child])])
        assert store.remove([source]) == 3
        assert store.get([source, child, grandchild]) == []


def test_an_unchanged_item_keeps_its_id_and_is_not_embedded_again_in_place(path: Path) -> None:
    with filled(path) as store:
        before = {item.key: item.id for item in store.find("c")}
        same, changed = store.write("c", [NewItem(TEXTS[0], key="0", metadata={"n": 0}), NewItem("new words", key="1")])
        assert (same, changed > max(before.values())) == (before["0"], True)
        assert store.count("c") == 4


def test_a_write_is_whole_or_not_at_all(path: Path) -> None:
    with filled(path) as store:
        before = store.sequence("c")
        with pytest.raises(BadRequest, match="shape"):
            store.write("c", [NewItem("x")], remove=[1], vectors=np.zeros((1, 3), dtype=np.float32))
        with pytest.raises(TypeError):
            store.write("c", [NewItem("x"), NewItem("y", metadata={"bad": object()})], remove=[1])
        assert (store.sequence("c"), store.count("c")) == (before, 4)


def test_an_id_is_never_used_again(path: Path) -> None:
    with filled(path) as store:
        [last] = store.write("c", [NewItem("one more")])
        store.remove([last])
        assert store.write("c", [NewItem("another")]) == [last + 1]


def test_the_next_process_opens_the_files_and_replays_what_came_after(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with filled(path) as store:
        store.save("c")
        store.write("c", [NewItem("a late whale", key="late")], remove=[1])
    monkeypatch.setattr(dense.DenseIndex, "build", None)
    monkeypatch.setattr(search.LexicalIndex, "build", None)  # a rebuild would fail: the files must do
    with Store.open(path, StubEmbedder()) as again:
        assert found(again, "late whale") == (found(again, "late whale")[0], ["late"])
        assert found(again, "late whale")[0][0] == "late"
        assert found(again, "quantize")[1] == []
        assert again.notices == []


@pytest.mark.parametrize("kind", ["dense", "lexical"])
@pytest.mark.parametrize("damage", ["flip", "cut", "missing", "empty", "swapped"])
def test_a_damaged_file_is_found_and_never_answers(path: Path, kind: str, damage: str) -> None:
    with filled(path) as store:
        store.save("c")
        expected = found(store, "the cat sleeps")
    [file] = [p for p in index_files(path) if p.name.startswith(kind)]
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "swapped":
        file.write_bytes(next(p for p in index_files(path) if p != file).read_bytes())
    else:
        middle = len(data) // 2
        file.write_bytes({"flip": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :], "cut": data[:-3], "empty": b""}[damage])
    with Store.open(path, StubEmbedder()) as again:
        assert found(again, "the cat sleeps") == expected
        assert [n for n in again.notices if file.name in n]
        assert [w for w in again.check("c") if file.name in w]


def test_a_file_that_lies_about_its_items_is_not_believed(path: Path) -> None:
    with filled(path) as store:
        store.save("c")
        store._db.execute("update generations set ids_sha256 = 'x'")
    with Store.open(path, StubEmbedder()) as again:
        assert found(again, "cat")[1] == ["1"]
        assert len([n for n in again.notices if "other items" in n]) == 2


def test_damaged_rows_are_found_and_left_out(path: Path) -> None:
    filled(path).close()
    db = sqlite3.connect(path)
    db.execute("update items set text = 'the cat sleeps on the SOFA' where key = '1'")
    db.execute("update vectors set data = zeroblob(128) where item = 1")
    db.commit()
    db.close()
    with Store.open(path, StubEmbedder()) as store:
        nearest, words = found(store, "cat quantize")
        assert "1" not in nearest + words
        assert "0" not in nearest
        assert any("1 vectors are damaged" in n for n in store.notices)
        assert len(store.check("c")) >= 2


def test_a_reader_sees_a_commit_at_its_next_search_and_a_removal_at_once(path: Path) -> None:
    with filled(path) as writer, Store.open(path, StubEmbedder()) as reader:
        assert found(reader, "cat")[1] == ["1"]
        writer.write("c", [NewItem("a cat in the rain", key="rain")], remove=[2])
        assert found(reader, "cat")[1] == ["rain"]
        writer.save("c")
        writer.write("c", [NewItem("a third cat", key="third")])
        writer.save("c")
        assert set(found(reader, "cat")[1]) == {"rain", "third"}


def test_only_two_generations_and_no_leftovers_stay(path: Path) -> None:
    with filled(path) as store:
        leftover = path.parent / "indexes" / ".dense-x.1.tmp"
        for n in range(4):
            store.write("c", [NewItem(f"more {n}")])
            store.save("c")
            leftover.touch()
        store.save("c")
        store.write("c", [NewItem("last")])
        store.save("c")
        assert len(index_files(path)) == 4
        assert not leftover.exists()


def test_another_embedder_of_the_same_length_is_noticed_and_reindex_switches(path: Path) -> None:
    filled(path).close()
    with Store.open(path, StubEmbedder("b")) as store:
        assert store.embed_query("c", "cat") is None
        assert "searched by words only" in store.notices[0]
        store.write("c", [NewItem("a new cat", key="new")])
        assert found(store, "cat") == ([], ["new", "1"])
        assert store.reindex("c") == 4
        assert found(store, TEXTS[2], 1)[0] == ["2"]
        assert store.check("c") == []
    with Store.open(path, StubEmbedder()) as old:
        assert old.embed_query("c", "cat") is None


def test_an_embedder_that_changed_under_the_same_name_is_noticed(path: Path) -> None:
    filled(path).close()
    with Store.open(path, StubEmbedder("a", drift="!")) as store:
        assert store.embed_query("c", "cat") is None
        assert "canary" in store.notices[0]


def test_a_full_disk_leaves_the_indexes_in_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, where: Path) -> None:
        where.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with filled(path) as store:
        monkeypatch.setattr(dense.DenseIndex, "write", full)
        store.save("c")
        assert found(store, TEXTS[2], 1)[0] == ["2"]
        assert any("No space left" in n for n in store.notices)
        assert [p.name for p in index_files(path) if p.name.startswith(("dense", "."))] == []


def test_above_the_limit_lists_are_trained_and_a_filter_stays_exact(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "FLAT_UP_TO", 500)
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((900, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with Store.open(path, StubEmbedder()) as store:
        ids = store.write("c", [NewItem(f"row {n}", metadata={"odd": n % 2}) for n in range(900)], vectors=vectors)
        assert store.search_dense("c", vectors[7], 1)[0].item.id == ids[7]
        allowed = [i for n, i in enumerate(ids) if n % 2]
        exact = [allowed[p] for p in np.argsort(-(vectors[1::2] @ vectors[8]))[:5]]
        assert [h.item.id for h in store.search_dense("c", vectors[8], 5, Filter(metadata={"odd": 1}))] == exact
        store.remove(ids[:100])
        assert {h.item.id for h in store.search_dense("c", vectors[7], 900)}.isdisjoint(ids[:100])
        store.save("c")
    with Store.open(path, StubEmbedder()) as again:
        assert again.search_dense("c", vectors[700], 1)[0].item.id == ids[700]
        assert again.notices == []


def test_what_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(BadRequest, match=r"x\.db: file is not a database"):
        Store.open(tmp_path / "x.db")


def test_a_dropped_collection_is_gone_with_its_files_and_its_name_is_free_for_another_embedder(path: Path) -> None:
    with filled(path) as store:
        store.save("c")
        store.write("other", [NewItem("the cat of another collection")])
        assert store.drop("c") == 4
        assert (store.count("c"), store.collections(), index_files(path)) == (0, ["other"], [])
        assert store.drop("c") == 0
    with Store.open(path, StubEmbedder("b")) as again:
        again.write("c", [NewItem("a new cat", key="new")])
        assert found(again, "a new cat") == (["new"], ["new"])
        assert again.notices == []
        assert len(again.search_lexical("other", "cat", 9)) == 1
