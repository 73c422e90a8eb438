"""What tools see of document indexes: `ctx.documents` (contract.Documents), over one workspace.

Questions are answered in this process, so that a cold one from the shell needs no job; indexing and evaluation run in a
child. The store and the embedder open with the first question and stay open until `close`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modelwright.config import Settings
from modelwright.errors import DataError
from modelwright.memory import Embedder, Store, open_embedder
from modelwright.memory.documents import collection, routing, why_not
from modelwright.memory.documents import search as searching
from modelwright.memory.documents.catalog import Catalog, clear_sqlite_errors
from modelwright.memory.embedders import ChildEmbedder
from modelwright.workspace import Workspace

Json = dict[str, Any]
AUTO = "auto"
KEPT_VECTORS = 5000
"""8 MB."""
BUILD, EVALUATE = "modelwright.memory.documents.build", "modelwright.memory.documents.evaluation"


class DocumentIndexes:
    """`job` runs an engine in a child: ToolContext.job."""

    def __init__(self, workspace: Path, settings: Settings, job: Callable[[str, Json], Json]) -> None:
        self._workspace, self._database = workspace, Workspace(workspace).database
        self._settings = settings
        self._job = job
        self._embedder: Embedder | None = None
        self._open: tuple[Store, Catalog] | None = None
        self._vectors: dict[str, Any] = {}
        """Of sentences that were compared with a question: the tries of one answer look at nearly the same ones."""

    def index(self, spec: Json) -> Json:
        """Bring an index up to date with a folder, a file or a glob, in a child process (build.py)."""
        return self._job(BUILD, {**spec, **self._places()})

    def evaluate(self, spec: Json) -> Json:
        """Search quality on a BEIR folder, in a child process (evaluation.py)."""
        return self._job(EVALUATE, {**spec, **self._places()})

    def _places(self) -> Json:
        """What a child needs to open the same store and embedder."""
        return {
            "database": str(self._database),
            "workspace": str(self._workspace),
            "embedder": self._settings.embedder,
            "cache": self._settings.cache,
            "keys": self._settings.gateway.keys,
        }

    def names(self) -> list[str]:
        """The indexes of this workspace."""
        if not self._database.exists():
            return []
        with Catalog.open(self._database) as catalog:
            return catalog.names()

    def describe(self, index: str) -> Json:
        """Settings, tuning, documents and chunks. Raises DataError when there is no such index."""
        with Catalog.open(self._database) as catalog:
            settings = catalog.require(index)
            documents, chunks = catalog.counts(index)
            refused = [{"path": path, "reason": reason, "message": message} for path, reason, message in catalog.refused(index)]
        return {**settings, "documents": documents, "chunks": chunks, "refused": refused}

    def drop(self, index: str) -> Json:
        """Delete an index, in one commit; the files it was made from stay. {"index", "documents", "chunks"}"""
        with clear_sqlite_errors(self._database):
            store, opened = self._opened()
            opened.require(index)
            documents, _ = opened.counts(index)
            with store.transaction() as db:
                Catalog(db).drop(index)
                chunks = store.drop(collection(index))
        return {"index": index, "documents": documents, "chunks": chunks}

    def tune(self, index: str, **values: Any) -> None:
        """Keep what an evaluation chose."""
        with clear_sqlite_errors(self._database), Catalog.open(self._database) as catalog:
            catalog.require(index)
            catalog.tune(index, **values)

    def search(self, spec: Json) -> Json:
        """{"passages", "indexes", "mode", "fusion", "notices"}; `spec` holds the fields of searching.Request and `rerank_model`."""
        embedder = self._open_embedder()
        if spec["mode"] != "lexical" and isinstance(embedder, ChildEmbedder) and self._database.exists():
            embedder.start()
        with clear_sqlite_errors(self._database):
            store, catalog = self._opened()
            routed = self._routed(store, catalog, spec)
            passages: list[Json] = []
            mode, fusion = spec["mode"], ""
            for index in routed:
                request = self._request(catalog, spec, index)
                found = searching.retrieve(store, catalog, request, self._reranker(spec))
                mode, fusion = found.mode, request.fusion
                passages += [
                    {**searching.passage(catalog, found, found.items[one], score), "index": index}
                    for one, score in found.final[: request.top_k]
                ]
            if len(routed) > 1:
                passages.sort(key=lambda one: -float(one["score"]))
            return {
                "passages": passages[: spec["top_k"]],
                "indexes": routed,
                "mode": mode,
                "fusion": fusion,
                "notices": list(store.notices),
            }

    def why_not(self, document: str, spec: Json) -> Json:
        """At which stage a document was lost, and what would bring it up (why_not.py)."""
        with clear_sqlite_errors(self._database):
            store, catalog = self._opened()
            return why_not.explain(store, catalog, document, self._request(catalog, spec, spec["index"]))

    def similarities(self, text: str, others: Sequence[str]) -> list[float] | None:
        """Cosine of `text` with each of the others by the embedder; None where only hashing is installed."""
        embedder = self._open_embedder()
        if not others or embedder is None or embedder.fingerprint.startswith("hashing"):
            return None
        missing = [one for one in dict.fromkeys([text, *others]) if one not in self._vectors]
        if len(self._vectors) > KEPT_VECTORS:
            self._vectors.clear()
            missing = list(dict.fromkeys([text, *others]))
        if missing:
            self._vectors.update(zip(missing, embedder.embed(missing), strict=True))
        return [float(self._vectors[one] @ self._vectors[text]) for one in others]

    def close(self) -> None:
        if self._open is not None:
            for part in self._open:
                part.close()
            self._open = None
        if self._embedder is not None:
            self._embedder.close()
            self._embedder = None

    def __del__(self) -> None:
        self.close()

    def _open_embedder(self) -> Embedder | None:
        if self._embedder is None:
            self._embedder = open_embedder(self._settings, self._workspace)
        return self._embedder

    def _opened(self) -> tuple[Store, Catalog]:
        if self._open is None:
            if not self._database.exists():
                raise DataError("nothing is indexed here yet", fix="modelwright call rag_index path=FOLDER")
            self._open = Store.open(self._database, self._open_embedder()), Catalog.open(self._database)
        return self._open

    def _routed(self, store: Store, catalog: Catalog, spec: Json) -> list[str]:
        if spec["index"] != AUTO or AUTO in catalog.names():
            catalog.require(spec["index"])
            return [spec["index"]]
        names = catalog.names()
        if not names:
            raise DataError("nothing is indexed here yet", fix="modelwright call rag_index path=FOLDER")
        return [name for name, _ in routing.route(store, spec["query"], names)]

    def _request(self, catalog: Catalog, spec: Json, index: str) -> searching.Request:
        settings = catalog.require(index)
        fields = {name: spec[name] for name in searching.Request.__dataclass_fields__ if name in spec and spec[name] is not None}
        return searching.Request(**{"fusion": settings.get("fusion", "minmax"), **fields, "index": index})

    def _reranker(self, spec: Json) -> searching.Rerank | None:
        model = spec.get("rerank_model")
        if not model:
            return None

        def rerank(query: str, texts: Sequence[str]) -> list[float]:
            return list(self._job("rerank", {"model": model, "query": query, "texts": list(texts)})["scores"])

        return rerank
