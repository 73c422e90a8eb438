"""Why was this document not found? The stage at which each of its passages was lost, and the smallest change that brings it up.

Stages in order: not indexed, filtered, no word in common (lexical), too far (dense), lost in fusion, below top_k. The ranks
are real ones, over the whole index, not guesses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modelwright.memory import Store
from modelwright.memory.documents import collection
from modelwright.memory.documents.catalog import Catalog, Row
from modelwright.memory.documents.search import Request, Retrieval, is_allowed, rank_of, retrieve
from modelwright.scoring.citations import content_words, stem

Json = dict[str, Any]
WHOLE = 1_000_000
"""Depth that leaves nothing out."""


def explain(store: Store, catalog: Catalog, document: str, request: Request) -> Json:
    """{"document", "stage", "why", "change", "ranks", "passage"} of the passage that came nearest."""
    row = _named(catalog, request.index, document)
    if row is None:
        return {"document": document, **_not_indexed(catalog, request.index, document)}
    shown = {"document": row.path, "chunks": row.chunks}
    reason = is_allowed(row, request)
    if reason:
        change = f"groups={','.join(row.access)}" if reason.startswith("access") else f"leave out the filter {reason.split(':')[0]}"
        return {**shown, "stage": "filter", "why": reason, "change": change, "ranks": {}}
    deep = retrieve(store, catalog, replace(request, depth=min(WHOLE, max(1, store.count(collection(request.index))))))
    own = set(catalog.items_of(collection(request.index), row.id).values())
    best = {name: _best(ranked, own) for name, ranked in {**deep.lists, "fused": deep.final}.items()}
    return {**shown, **_stage(request, deep, best, store, own), "ranks": {name: rank for name, (rank, _) in best.items() if rank}}


def _named(catalog: Catalog, index: str, document: str) -> Row | None:
    """By path, by the end of a path, or by a part of one."""
    rows = [row for row in catalog.documents(index) if row.sha256]
    tests = (lambda path: path == document, lambda path: path.endswith("/" + document), lambda path: document.lower() in path.lower())
    return next((row for test in tests for row in rows if test(row.path)), None)


def _not_indexed(catalog: Catalog, index: str, document: str) -> Json:
    for path, reason, message in catalog.refused(index):
        if document in path:
            return {
                "stage": "not indexed",
                "why": f"{path} was refused: {reason}: {message}",
                "change": "mend the file, then rag_index",
                "ranks": {},
            }
    return {
        "stage": "not indexed",
        "why": f"no document of {index} has {document!r} in its path",
        "change": f"rag_index path={document}",
        "ranks": {},
    }


def _best(ranked: list[tuple[int, float]], own: set[int]) -> tuple[int, int]:
    """(rank, item) of the first of its passages; (0, 0) for none."""
    return next(((rank, one) for rank, (one, _) in enumerate(ranked, 1) if one in own), (0, 0))


def _stage(request: Request, deep: Retrieval, best: dict[str, tuple[int, int]], store: Store, own: set[int]) -> Json:
    rank, item = best["fused"]
    if not rank:
        return _no_list_has_it(request, deep, store, own)
    passage = _shown(store, item)
    if rank <= request.top_k:
        return {"stage": "found", "why": f"it is number {rank} of {request.top_k}", "change": "", "passage": passage}
    singles = {name: place for name, (place, _) in best.items() if name in ("lexical", "dense") and place}
    better = min(singles, key=lambda name: singles[name], default="")
    if better and deep.mode == "hybrid" and singles[better] <= request.top_k:
        why = f"{better} has it at {singles[better]}, fused with the other list it falls to {rank}"
        return {"stage": "fusion", "why": why, "change": f"mode={better}, or top_k={rank}", "passage": passage}
    ahead = rank_of(deep.final, item) - request.top_k
    why = f"it is number {rank}: {ahead} too many are ahead of it ({_ranks(singles)})"
    return {"stage": "top_k", "why": why, "change": f"top_k={rank}" + _word_hint(request, passage), "passage": passage}


def _ranks(singles: dict[str, int]) -> str:
    return ", ".join(f"{name} {rank}" for name, rank in singles.items()) or "in no single list"


def _word_hint(request: Request, passage: str) -> str:
    given = {stem(word) for word in content_words(passage)}
    missing = [word for word in content_words(request.query) if stem(word) not in given]
    return f", or ask without {', '.join(missing[:4])}, which it does not hold" if missing else ""


def _no_list_has_it(request: Request, deep: Retrieval, store: Store, own: set[int]) -> Json:
    items = store.get(sorted(own))
    first = items[0].text[int(items[0].metadata["skip"]) :][:200] if items else ""
    if deep.mode == "lexical":
        own_words = [word for item in items[:3] for word in content_words(item.text)][:8]
        asked = ", ".join(content_words(request.query)) or request.query
        return {
            "stage": "lexical",
            "why": f"none of the words {asked} stands in it",
            "change": f"mode=hybrid, or use its own words: {', '.join(dict.fromkeys(own_words))}",
            "passage": first,
        }
    return {
        "stage": "dense",
        "why": "it has no vector in this index's space",
        "change": "rag_index again with the same embedder",
        "passage": first,
    }


def _shown(store: Store, item: int) -> str:
    found = store.get([item])
    return found[0].text[int(found[0].metadata["skip"]) :][:400] if found else ""
