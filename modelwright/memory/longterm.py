"""Long-term memory: profile (what the user stated), episodic (runs and how they ended), semantic, procedural.

Everything comes in through the write gate, with its provenance; its decision is kept. A memory's worth fades by its kind's
half-life and grows with use; over a quota the least worth goes. Not here: what planning is given (recall.py).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.errors import BadRequest
from modelwright.memory import trust, write_gate
from modelwright.memory.items import Filter, Hit, Item, NewItem, now
from modelwright.memory.store import Store
from modelwright.memory.write_gate import KINDS, Proposal, Verdict
from modelwright.types import Json

MEMORY, QUARANTINE = "memory", "memory.quarantine"
HALF_LIFE_DAYS = {"profile": math.inf, "episodic": 30.0, "semantic": 180.0, "procedural": math.inf}
QUOTAS = {"profile": 200, "episodic": 5000, "semantic": 2000, "procedural": 100}
ALIKE = 5
DAY = 86400.0


@dataclass(frozen=True)
class Decided:
    """What the gate said, and the id of what is now remembered (or lies in quarantine); None when nothing is."""

    verdict: Verdict
    id: int | None


class Memory:
    """Over an open store; the store's owner closes it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # in ----------------------------------------------------------------------------------------------------------

    def propose(self, proposal: Proposal) -> Decided:
        """Through the gate, in one commit with the note of its decision."""
        with self.store.transaction() as db:
            decided = self._decide(proposal)
            db.execute(
                "insert into memory_log (time, run, kind, action, reason, item, digest) values (?,?,?,?,?,?,?)",
                (
                    now(),
                    proposal.provenance.run,
                    proposal.kind,
                    decided.verdict.action,
                    decided.verdict.reason,
                    decided.id,
                    _digest(proposal.text),
                ),
            )
        return decided

    def _decide(self, proposal: Proposal) -> Decided:
        key = _key(proposal)
        same = self.store.by_key(MEMORY, key)
        only = Filter(kinds=[proposal.kind])
        alike = [hit.item for hit in self.store.search_lexical(MEMORY, proposal.text[: write_gate.LONGEST], ALIKE, only)]
        recalled = self.recalled(proposal.provenance.run) if proposal.provenance.run else []
        verdict = write_gate.judge(proposal, same_key=same, alike=alike, recalled=recalled)
        if verdict.action == "reject":
            return Decided(verdict, None)
        if verdict.action == "merge":
            return Decided(verdict, verdict.other.id if verdict.other else None)
        if verdict.action == "quarantine":
            return Decided(verdict, self._put(QUARANTINE, proposal, f"{key}:{_digest(proposal.text)}", verdict.reason))
        if verdict.action == "supersede" and verdict.other:
            self.store.retire(verdict.other.id)
        new = self._put(MEMORY, proposal, key, "")
        self._keep_quota(proposal.kind)
        return Decided(verdict, new)

    def _put(self, collection: str, proposal: Proposal, key: str, why: str) -> int:
        metadata: Json = {**proposal.metadata, "provenance": proposal.provenance.model_dump(), "about": proposal.key}
        if why:
            metadata["quarantined"] = why
        parents = [parent.id for parent in proposal.parents]
        [new] = self.store.write(collection, [NewItem(proposal.text, key, proposal.kind, metadata, proposal.trust, parents)])
        return new

    def approve(self, item: int) -> Decided:
        """A person says yes to what lies in quarantine: it goes through the gate again, as theirs."""
        [found] = self._known([item], QUARANTINE)
        origin = trust.Provenance.model_validate(found.metadata["provenance"])
        theirs = origin.model_copy(update={"principal": "user", "source": origin.source or origin.principal, "run": ""})
        kept = {k: v for k, v in found.metadata.items() if k not in ("provenance", "about", "quarantined")}
        with self.store.transaction() as db:
            decided = self.propose(Proposal(found.kind, found.text, theirs, found.metadata["about"], kept, approved=True))
            if decided.id is not None:  # what was made from it is now made from what took its place
                db.execute("update or ignore item_parents set parent = ? where parent = ?", (decided.id, found.id))
                self.store.remove([found.id])
        return decided

    def _keep_quota(self, kind: str) -> None:
        over = self.store.count(MEMORY, Filter(kinds=[kind])) - QUOTAS[kind]
        if over > 0:
            items = self.store.find(MEMORY, Filter(kinds=[kind]), limit=QUOTAS[kind] + over)
            uses = self.uses([item.id for item in items])
            items.sort(key=lambda item: worth(item, uses.get(item.id, 0)))
            self.store.remove(item.id for item in items[:over])

    # out ---------------------------------------------------------------------------------------------------------

    def entries(self, kinds: Sequence[str] = (), *, limit: int = 50, quarantined: bool = False) -> list[Item]:
        _check_kinds(kinds)
        return self.store.find(QUARANTINE if quarantined else MEMORY, Filter(kinds=kinds), limit=limit)

    def search(self, text: str, k: int = 10, *, kinds: Sequence[str] = (), min_trust: int = 0) -> list[Hit]:
        """By words, and by vectors too where the store has an embedder; relevance times trust, freshness and use, best first."""
        _check_kinds(kinds)
        only = Filter(kinds=kinds, min_trust=min_trust)
        lists = [self.store.search_lexical(MEMORY, text, 4 * k, only)]
        vector = self.store.embed_query(MEMORY, text) if self.store.embedder else None
        if vector is not None:
            lists.append(self.store.search_dense(MEMORY, vector, 4 * k, only))
        points: dict[int, float] = {}
        items: dict[int, Item] = {}
        for hits in lists:
            for rank, hit in enumerate(hits, 1):
                points[hit.item.id] = points.get(hit.item.id, 0.0) + 1 / (60 + rank)
                items[hit.item.id] = hit.item
        uses = self.uses(list(items))
        ranked = [Hit(items[i], points[i] * worth(items[i], uses.get(i, 0))) for i in items]
        return sorted(ranked, key=lambda hit: (-hit.score, -hit.item.id))[:k]

    def show(self, item: int) -> Json:
        """Everything that is known of one memory, its history too. Raises BadRequest when there is none."""
        [found] = self._known([item])
        with self.store.transaction() as db:
            log = db.execute("select time, run, action, reason from memory_log where item = ? order by id", (item,)).fetchall()
            used = db.execute("select run, use, time from memory_recalls where item = ? order by time", (item,)).fetchall()
        said = {**as_json(found), "decisions": [dict(row) for row in log], "recalled": [dict(row) for row in used]}
        return {**said, "worth": round(worth(found, len(used)), 4)}

    def _known(self, ids: Sequence[int], *collections: str) -> list[Item]:
        """Raises BadRequest for an id that is no memory."""
        found = {item.id: item for item in self.store.get(ids) if item.collection in (collections or (MEMORY, QUARANTINE))}
        for wanted in ids:
            if wanted not in found:
                raise BadRequest(f"there is no memory {wanted}", fix="see `modelwright memory list`")
        return [found[i] for i in ids]

    def check_known(self, ids: Sequence[int]) -> list[Item]:
        return self._known(ids)

    # recalls -----------------------------------------------------------------------------------------------------

    def note_recall(self, run: str, ids: Sequence[int], use: str) -> None:
        """That a run was shown these memories, and what for."""
        with self.store.transaction() as db:
            db.executemany(
                "insert or ignore into memory_recalls (run, item, use, time) values (?,?,?,?)", [(run, i, use, now()) for i in ids]
            )

    def recalled(self, run: str) -> list[Item]:
        """What a run was shown, as far as it is still there."""
        with self.store.transaction() as db:
            ids = [row[0] for row in db.execute("select distinct item from memory_recalls where run = ? order by item", (run,))]
        return self.store.get(ids)

    def recalls(self, run: str) -> list[tuple[int, str]]:
        """(memory, what for), also of memories that are gone."""
        with self.store.transaction() as db:
            return [(row[0], row[1]) for row in db.execute("select item, use from memory_recalls where run = ? order by item", (run,))]

    def decisions(self, run: str) -> list[Json]:
        """What the gate said to the proposals of a run."""
        with self.store.transaction() as db:
            rows = db.execute("select kind, action, reason, item from memory_log where run = ? order by id", (run,))
            return [dict(row) for row in rows]

    def uses(self, ids: Sequence[int]) -> dict[int, int]:
        """Memory -> the number of runs that it was recalled in."""
        with self.store.transaction() as db:
            rows = db.execute(
                "select item, count(distinct run) from memory_recalls where item in (select value from json_each(?)) group by item",
                (json.dumps(list(ids)),),
            )
            return {row[0]: row[1] for row in rows}


def worth(item: Item, uses: int = 0) -> float:
    """Trust times freshness times use, each 0 to 1: what the quota and the order of recall look at."""
    half_life = HALF_LIFE_DAYS.get(item.kind, 180.0)
    age = max(0.0, now() - item.created) / DAY
    freshness = 0.5 ** (age / half_life)
    return float((1 + item.trust) / 4 * freshness * (1 - 0.5 / (1 + uses)))


def as_json(item: Item) -> Json:
    said: Json = {
        "id": item.id,
        "kind": item.kind,
        "text": item.text,
        "trust": trust.NAMES[item.trust],
        "created": item.created,
        "live": item.live,
        "quarantined": item.metadata.get("quarantined", "") if item.collection == QUARANTINE else "",
    }
    return {**said, "metadata": {k: v for k, v in item.metadata.items() if k != "quarantined"}}


def _key(proposal: Proposal) -> str:
    """What makes two proposals speak of the same thing: their topic, or their very words."""
    return f"{proposal.kind}:{proposal.key or _digest(' '.join(proposal.text.lower().split()))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _check_kinds(kinds: Sequence[str]) -> None:
    for kind in kinds:
        if kind not in KINDS:
            raise BadRequest(f"{kind!r:.40} is no kind of memory", fix=", ".join(KINDS))


def export(memory: Memory) -> dict[str, Any]:
    """Everything that is remembered, as plain JSON."""
    everything = [item for c in (MEMORY, QUARANTINE) for item in memory.store.find(c, limit=10**6, hidden=True)]
    return {"memories": [as_json(item) for item in sorted(everything, key=lambda item: item.id)]}
