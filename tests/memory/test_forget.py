"""Forgetting is real: after a purge no search and no byte below .modelwright/ gives it back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.graphs.build import open_checkpointer
from modelwright.memory import Store, forget, leak_probe, trust
from modelwright.memory.longterm import MEMORY, Memory
from modelwright.memory.write_gate import Proposal
from modelwright.workspace import Workspace
from tests.memory.stub_embedder import StubEmbedder

SECRET = 'The merger of Aldebaran "Foods" closes on Friday. Nobody outside knows the price of nine crowns.'
OTHER = "the evaluation set has two hundred rows of support mails"


def remembered(store: Store, text: str) -> int:
    decided = Memory(store).propose(Proposal("semantic", text, trust.Provenance(principal="user"), approved=True))
    assert decided.id
    return decided.id


@pytest.fixture
def place(workspace: Path) -> Workspace:
    return Workspace(workspace)


def scattered(place: Workspace) -> None:
    """The text where runs leave it: trace, plan, checkpoint, report, job folder."""
    db = place.connect()
    db.execute("insert into events (run, seq, time, type, data) values ('r1', 1, 0, 'notice', ?)", (json.dumps({"message": SECRET}),))
    db.execute("insert into runs (id, request, status, created, updated, options) values ('r1', ?, 'done', 0, 0, '{}')", (SECRET,))
    db.close()
    saver = open_checkpointer(place.checkpoints)
    for thread, text in (("r1", SECRET), ("r2", OTHER)):
        config = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
        saver.put(
            config, {"v": 1, "id": "1", "ts": "", "channel_values": {"request": text}, "channel_versions": {}, "versions_seen": {}}, {}, {}
        )
    saver.conn.close()
    place.run_dir("r1").mkdir(parents=True)
    (place.run_dir("r1") / "report.md").write_text(f"asked: {SECRET}\n")
    place.job_dir("k").mkdir(parents=True)
    (place.job_dir("k") / "job.json").write_text(json.dumps({"text": SECRET}))


def test_a_purge_leaves_nothing_and_the_rest_stays(place: Workspace) -> None:
    place.connect().close()
    with Store.open(place.database, StubEmbedder()) as store:
        item, other = remembered(store, SECRET), remembered(store, OTHER)
        store.save(MEMORY)
        scattered(place)
        assert len(leak_probe.probe(store, place, store.get([item]), {item: store.vector(item)})[1]) >= 5  # the probe can find it
        receipt = forget.purge(store, place, [item])
        assert receipt.leaks == []
        assert receipt.probes >= 10
        assert {name: count > 0 for name, count in receipt.removed.items()} == dict.fromkeys(receipt.removed, True)
        assert [item.id for item in Memory(store).entries()] == [other]
        assert store.check(MEMORY) == []
        assert store.search_lexical(MEMORY, "evaluation", 1)[0].item.id == other
    everything = b"".join(p.read_bytes() for p in place.home.rglob("*") if p.is_file())
    assert b"Aldebaran" not in everything
    assert b"nine crowns" not in everything
    saver = open_checkpointer(place.checkpoints)
    assert saver.get_tuple({"configurable": {"thread_id": "r1"}}) is None
    assert saver.get_tuple({"configurable": {"thread_id": "r2"}}) is not None
    saver.conn.close()


def test_a_copy_in_other_words_is_named_by_the_probe(place: Workspace) -> None:
    place.connect().close()
    with Store.open(place.database, StubEmbedder()) as store:
        item = remembered(store, "the price of the merger is nine crowns")
        store.write("docs", [])
        from modelwright.memory import NewItem

        store.write("docs", [NewItem("nine crowns is the price of the merger")])
        receipt = forget.purge(store, place, [item])
        assert {leak.how for leak in receipt.leaks} == {"words", "meaning"}
        assert all(leak.where.startswith("docs") for leak in receipt.leaks)


def test_hiding_can_be_undone_and_forgetting_takes_what_was_made_from_it(place: Workspace) -> None:
    place.connect().close()
    with Store.open(place.database) as store:
        memory, item = Memory(store), remembered(store, OTHER)
        child = Proposal("semantic", "so about two hundred mails are known", trust.Provenance(principal="run"), parents=store.get([item]))
        made = memory.propose(child).id
        assert forget.hide(store, [item]).removed == {"items": 1}
        assert [i.id for i in memory.entries()] == [made]
        store.hide([item], hidden=False)
        receipt = forget.forget(store, [item])
        assert (receipt.items, receipt.removed) == ([item, made], {"items": 2})
        assert memory.entries() == []
        with store.transaction() as db:
            reports = [row["report"] for row in db.execute("select report from receipts")]
        assert len(reports) == 2
        assert not any("mails" in report for report in reports)
