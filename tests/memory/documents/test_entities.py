"""Names join passages without a model; what stands everywhere joins nothing."""

from __future__ import annotations

from pathlib import Path

from modelwright.memory.documents import entities
from modelwright.memory.documents.catalog import Catalog


def test_names_codes_and_identifiers_are_entities() -> None:
    found = entities.entities("The Tidewell 40 needs part TW-2208. Call reset_counter in Delft. NSF rules.")
    assert {"tidewell 40", "tw-2208", "reset_counter", "delft", "nsf"} <= set(found)


def test_a_passage_is_reached_over_a_shared_name(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "a.db") as catalog:
        texts = {1: "Aquanorm tested it.", 2: "Aquanorm sits in Delft.", **{n: f"Tidewell part number {n}." for n in range(3, 12)}}
        entities.add(catalog.db, "i", list(texts.items()))
        near = dict(entities.neighbours(catalog.db, "i", "who is aquanorm?", [1], 10))
        assert {1, 2} <= set(near)
        assert 5 not in near  # `tidewell` stands in most chunks
        assert list(dict(entities.neighbours(catalog.db, "i", "who is aquanorm?", [], 1, allowed={2}))) == [2]  # before the limit
        entities.remove(catalog.db, [2])
        assert 2 not in dict(entities.neighbours(catalog.db, "i", "who is aquanorm?", [1], 10))
