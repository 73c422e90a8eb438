"""One question to one index: ranked chunks, with what each stage thought of them.

The stages: filter (documents that may be seen) -> lexical and dense lists, one of each for every way the question is asked
-> fusion -> expansion by the entity graph, when wanted -> reranking, when a model is given -> the first top_k. `Retrieval`
keeps the lists of every stage, so that why_not can say where something was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from typing import Any, Literal

from modelwright.memory import Filter, Hit, Item, Store
from modelwright.memory.documents import collection, entities, fusion
from modelwright.memory.documents.catalog import Catalog, Row

Json = dict[str, Any]
Mode = Literal["lexical", "dense", "hybrid"]
DEPTH = 100
"""Hits of each list that fusion sees; Anserini and BEIR fuse 1000, the first 100 hold 97% of what is found on Cranfield."""
RERANKED = 50
GRAPH_WEIGHT = 0.3
Rerank = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True)
class Request:
    query: str
    index: str
    top_k: int = 5
    mode: Mode = "hybrid"
    fusion: fusion.Fusion = "minmax"
    also: Sequence[str] = ()
    """Other ways to ask: searched as well, fused with the first."""
    passages: Sequence[str] = ()
    """Made-up answers (HyDE, Gao et al. 2022): searched by meaning only."""
    kinds: Sequence[str] = ()
    path: str = ""
    """A glob over document paths, or a part of one."""
    groups: Sequence[str] = ()
    """Whose documents may be seen, beside those that everyone may."""
    graph: bool = False
    depth: int = DEPTH


@dataclass
class Retrieval:
    """Each stage's list, best first, as (item id, score)."""

    lists: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """`lexical`, `dense`, `lexical: other words` …, `graph`"""
    fused: list[tuple[int, float]] = field(default_factory=list)
    reranked: list[tuple[int, float]] = field(default_factory=list)
    items: dict[int, Item] = field(default_factory=dict)
    allowed: set[int] | None = None
    """Ids of the documents that the filter leaves; None for all."""
    mode: Mode = "hybrid"

    @property
    def final(self) -> list[tuple[int, float]]:
        return self.reranked or self.fused


def retrieve(store: Store, catalog: Catalog, request: Request, rerank: Rerank | None = None) -> Retrieval:
    """All stages. Without vectors, hybrid and dense become lexical; the store's notices say why."""
    found = Retrieval(mode=request.mode, allowed=allowed_documents(catalog, request))
    limit = None
    if found.allowed is not None:
        limit = Filter(ids=catalog.items_in(collection(request.index), sorted(found.allowed)))
    _search(store, catalog, request, found, limit)
    weights = [1.0] * len(found.lists)
    found.fused = fusion.fuse(request.fusion, list(found.lists.values()), weights)
    if request.graph:
        _expand(store, catalog, request, found, limit)
    if rerank is not None and found.fused:
        _rerank(request, found, rerank)
    return found


def _search(store: Store, catalog: Catalog, request: Request, found: Retrieval, limit: Filter | None) -> None:
    """By words first: the encoder's process may still be starting."""
    fresh, name = _Fresh(catalog), collection(request.index)
    if request.mode != "dense":
        _by_words(store, request, found, fresh, limit)
    if request.mode == "lexical":
        return
    vectors = {text: store.embed_query(name, text) for text in (request.query, *request.also, *request.passages)}
    for text, vector in vectors.items():
        if vector is not None:
            _keep(found, _title("dense", text, request), fresh.of(partial(store.search_dense, name, vector), request.depth, limit))
    if all(vector is None for vector in vectors.values()):
        found.mode = "lexical"
        if request.mode == "dense":
            _by_words(store, request, found, fresh, limit)


def _by_words(store: Store, request: Request, found: Retrieval, fresh: _Fresh, limit: Filter | None) -> None:
    for text in (request.query, *request.also):
        search = partial(store.search_lexical, collection(request.index), text)
        _keep(found, _title("lexical", text, request), fresh.of(search, request.depth, limit))


def _title(kind: str, text: str, request: Request) -> str:
    if text in request.passages:
        return f"{kind}: made-up answer"
    return kind if text == request.query else f"{kind}: {text}"


def _keep(found: Retrieval, name: str, hits: Sequence[Hit]) -> None:
    found.lists[name] = [(hit.item.id, hit.score) for hit in hits]
    found.items.update((hit.item.id, hit.item) for hit in hits)


class _Fresh:
    """Leaves out chunks of a version that does not count: a run that indexed them was cut off, or is at it now."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._versions: dict[int, str] = {}
        """Of the documents of hits that were seen; one that is gone has none."""

    def only(self, hits: Sequence[Hit]) -> list[Hit]:
        documents = [int(hit.item.metadata["document"]) for hit in hits]
        self._versions |= self._catalog.versions(set(documents) - self._versions.keys())
        return [hit for hit, one in zip(hits, documents, strict=True) if self._versions.get(one) == hit.item.metadata["version"]]

    def of(self, search: Callable[[int, Filter | None], list[Hit]], k: int, limit: Filter | None) -> list[Hit]:
        """The best k that count; more are asked for while some do not."""
        wanted = k
        while True:
            hits = search(wanted, limit)
            kept = self.only(hits)
            if len(kept) >= k or len(hits) < wanted:
                return kept[:k]
            wanted *= 4


def allowed_documents(catalog: Catalog, request: Request) -> set[int] | None:
    """The documents that kind, path and groups leave. None when nothing restricts: no document has an access list either."""
    if not request.kinds and not request.path and not catalog.restricts(request.index):
        return None
    return {row.id for row in catalog.documents(request.index) if is_allowed(row, request) is None}


def is_allowed(row: Row, request: Request) -> str | None:
    """None when it may be found, else the filter that keeps it out."""
    if row.access and not set(row.access) & set(request.groups):
        return f"access: only {', '.join(row.access)} may see it"
    if request.kinds and row.kind not in request.kinds:
        return f"kind: it is {row.kind}, wanted {', '.join(request.kinds)}"
    if request.path and request.path not in row.path and not fnmatch(row.path, request.path) and not fnmatch(row.path, f"*/{request.path}"):
        return f"path: {request.path} does not match"
    return None


def _expand(store: Store, catalog: Catalog, request: Request, found: Retrieval, limit: Filter | None) -> None:
    """Chunks that share rare entities with the question and the best hits, as one more list of less weight."""
    allowed = None if limit is None else frozenset(limit.ids or ())
    near = entities.neighbours(catalog.db, request.index, request.query, [one for one, _ in found.fused], request.depth, allowed)
    missing = [one for one, _ in near if one not in found.items]
    found.items.update((item.id, item) for item in store.get(missing))
    fresh = _Fresh(catalog).only([Hit(found.items[one], score) for one, score in near if one in found.items])
    found.lists["graph"] = [(hit.item.id, hit.score) for hit in fresh]
    weights = [GRAPH_WEIGHT if name == "graph" else 1.0 for name in found.lists]
    found.fused = fusion.fuse(request.fusion, list(found.lists.values()), weights)


def _rerank(request: Request, found: Retrieval, rerank: Rerank) -> None:
    """The first 50 by the model; what it did not see keeps its place behind them."""
    head, tail = found.fused[:RERANKED], found.fused[RERANKED:]
    scores = rerank(request.query, [found.items[one].text for one, _ in head])
    ordered = sorted(zip((one for one, _ in head), scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
    floor = ordered[-1][1]
    found.reranked = [*ordered, *((one, floor - rank) for rank, (one, _) in enumerate(tail, 1))]


def passage(catalog: Catalog, found: Retrieval, item: Item, score: float, workspace: str = "") -> Json:
    """What a reader is given: the chunk, its window, where it stands, and what each list thought of it."""
    row = catalog.by_id(int(item.metadata["document"]))
    assert row is not None  # stale hits were left out
    start, end = int(item.metadata["start"]), int(item.metadata["end"])
    window_start, window_end = item.metadata["window"]
    text = item.text[int(item.metadata["skip"]) :]
    return {
        "chunk": item.id,
        "document": row.path,
        "sha256": row.sha256,
        "text_sha256": row.text_sha256,
        "kind": row.kind,
        "title": row.title,
        "context": item.text[: int(item.metadata["skip"])].strip(),
        "page": int(item.metadata["page"]),
        "start": start,
        "end": end,
        "text": text,
        "window_start": window_start,
        "window_end": window_end,
        "window": text if (window_start, window_end) == (start, end) else catalog.text(row.id, window_start, window_end),
        "score": score,
        "ranks": {name: rank for name, ranked in found.lists.items() if (rank := rank_of(ranked, item.id))},
        "scores": {name: value for name, ranked in found.lists.items() if (value := dict(ranked).get(item.id)) is not None},
        "boxes": catalog.boxes(row.id, start, end),
    }


def rank_of(ranked: Sequence[tuple[int, float]], item: int) -> int:
    """From 1; 0 when it is not in the list."""
    return next((rank for rank, (one, _) in enumerate(ranked, 1) if one == item), 0)
