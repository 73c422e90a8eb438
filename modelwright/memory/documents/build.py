"""The child process that indexes: walk, hash, load, cut, embed, store. A job engine (`run`), started by service.py.

spec: {"database", "root", "pattern", "index", "chunker", "chunk_tokens", "overlap", "access", "max_file_bytes", "embedder",
       "workspace", "cache", "keys"}
result: {"index", "found", "added", "changed", "unchanged", "removed", "kept", "refused": [{path, reason, message}], "documents", "chunks",
         "new_chunks", "losses": [{path, kind, …}], "seconds", "embed_seconds", "notices", "peak_memory_bytes"}

Two facts. A batch of chunks is one commit, and the commit with a document's last chunk is what makes its new version count
and the old one go; so a kill costs one batch and never what was indexed. And one batch is embedded while the next file is
read, so memory holds one document and two batches, however many files there are.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelwright.canonical import sha256_of_path
from modelwright.data.documents import loading, ruler, walking
from modelwright.data.documents.chunking import Chunk, chunk
from modelwright.data.documents.document import Document, Refused
from modelwright.engines.child import Job, peak_memory_bytes
from modelwright.errors import DataError
from modelwright.memory import NewItem, Store
from modelwright.memory.documents import collection, entities
from modelwright.memory.documents.catalog import Catalog, Row, clear_sqlite_errors
from modelwright.memory.embedders import embedder_of, packaged_folder

Json = dict[str, Any]
BATCH = 256
"""Chunks of one embedding call and one commit."""
SHOWN = 200
"""Losses and refusals listed in the result; all are counted."""


def run(spec: Json, job: Job) -> Json:
    database = Path(spec["database"])
    embedder = embedder_of(spec)
    try:
        with clear_sqlite_errors(database), Store.open(database, embedder) as store:
            return _Build(spec, store, job).run()
    finally:
        embedder.close()


@dataclass
class _Loaded:
    """A document on its way into the store."""

    path: str
    row: int
    document: Document
    sha256: str
    bytes: int
    version: str
    chunks: int = 0


@dataclass
class _Batch:
    items: list[NewItem] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """The chunks alone, for the entity graph."""
    finished: list[_Loaded] = field(default_factory=list)
    """Documents whose last chunk is in here."""


class _Build:
    def __init__(self, spec: Json, store: Store, job: Job) -> None:
        self.spec, self.store, self.job = spec, store, job
        self.root, self.index = Path(spec["root"]), str(spec["index"])
        self.source = f"{spec['root']}|{spec['pattern']}"
        self.collection = collection(self.index)
        with store.transaction() as db:
            self.catalog = Catalog(db)
        self.counts: Counter[str] = Counter()
        self.refused: list[Json] = []
        self.losses: list[Json] = []
        self.seen: set[str] = set()
        self.batch = _Batch()
        self.waiting: tuple[_Batch, Future[Any]] | None = None
        self.embed_seconds = 0.0
        folder = packaged_folder()
        tokenizer = folder / "tokenizer.json" if folder else None
        self.ruler = ruler.by_tokenizer(tokenizer) if tokenizer else ruler.by_words
        self.made_with = "/".join(
            [loading.VERSION, spec["chunker"], str(spec["chunk_tokens"]), str(spec["overlap"]), "tokenizer" if tokenizer else "words"]
        )

    def run(self) -> Json:
        began = time.monotonic()
        paths = list(walking.files_under(self.root, self.spec["pattern"]))
        if not paths:
            documents, _ = self.catalog.counts(self.index)
            kept = f"; the {documents} documents of the index stay" if documents else ""
            raise DataError(
                f"no file to index in {self.root} {self.spec['pattern']}".rstrip() + kept, fix="name a folder with files, or a glob"
            )
        self.catalog.save_index(self.index, {name: self.spec[name] for name in ("chunker", "chunk_tokens", "overlap")})
        with ThreadPoolExecutor(1) as pool:
            for number, path in enumerate(paths, 1):
                self._take(path, pool)
                self._say(number, len(paths), began)
            self._flush(pool)
            self._settle()
        self._remove_missing()
        self.store.save(self.collection)
        return self._result(len(paths), time.monotonic() - began)

    def _say(self, number: int, total: int, began: float) -> None:
        left = (time.monotonic() - began) / number * (total - number)
        self.job.progress("index files", step=number, steps=total, eta_seconds=round(left, 1), chunks=self.counts["chunks"])

    # one file -------------------------------------------------------------------------------------------------

    def _take(self, path: Path, pool: ThreadPoolExecutor) -> None:
        name = str(path)
        self.seen.add(name)
        known = self.catalog.document(self.index, name)
        try:
            size = path.stat().st_size
            if size > self.spec["max_file_bytes"]:
                loading.load(path, self.spec["max_file_bytes"])  # says so; a file of 2 GB is not even hashed
            digest = sha256_of_path(path)
            if known and known.sha256 == digest and known.made_with == self.made_with and known.access == self.spec["access"]:
                self.catalog.claim(known.id, self.source)
                self.catalog.accept(self.index, name)
                self.counts["unchanged"] += 1
                return
            document = loading.load(path, self.spec["max_file_bytes"])
            if sha256_of_path(path) != digest:
                raise Refused("changing", "it changed while it was read")
        except (Refused, OSError) as error:
            self._refuse(name, error, known)
            return
        self._cut(_Loaded(name, self._row(name), document, digest, size, self._version(digest)), known, pool)

    def _row(self, name: str) -> int:
        return self.catalog.begin(self.index, name, self.source)

    def _version(self, digest: str) -> str:
        """Of text and chunks: the same file cut in the same way."""
        return hashlib.sha256(f"{digest} {self.made_with}".encode()).hexdigest()[:12]

    def _refuse(self, name: str, error: Refused | OSError, known: Row | None) -> None:
        reason, message = (error.reason, error.message) if isinstance(error, Refused) else ("unreadable", error.strerror or str(error))
        if isinstance(error, FileNotFoundError):
            reason, message = "vanished", "it was there when the folder was listed"
        if known and known.sha256 and reason != "vanished":
            message += "; what was indexed of it before stays"
            self.counts["kept"] += 1
        elif reason == "vanished":
            self.seen.discard(name)
        self.catalog.refuse(self.index, name, reason, message)
        self.refused.append({"path": name, "reason": reason, "message": message})

    def _cut(self, loaded: _Loaded, known: Row | None, pool: ThreadPoolExecutor) -> None:
        there = self.catalog.items_of(self.collection, loaded.row)
        spans = chunk(loaded.document, self.spec["chunker"], self.spec["chunk_tokens"], self.spec["overlap"], self.ruler)
        loaded.chunks = len(spans)
        for number, one in enumerate(spans):
            key = f"{loaded.row}/{loaded.version}/{number:07d}"
            if key not in there:  # else stored by a run that was cut off
                self.batch.items.append(_item(loaded, key, one))
                self.batch.texts.append(loaded.document.text[one.start : one.end])
            if len(self.batch.items) >= BATCH:
                self._flush(pool)
        self.batch.finished.append(loaded)
        self.counts["changed" if known and known.sha256 else "added"] += 1
        self.counts["chunks"] += len(spans)
        losses = asdict(loaded.document.losses)
        self.losses.append({"path": loaded.path, "kind": loaded.document.kind, "chunks": len(spans), **losses})

    # batches --------------------------------------------------------------------------------------------------

    def _flush(self, pool: ThreadPoolExecutor) -> None:
        """Start embedding this batch, after the one before it is stored."""
        batch, self.batch = self.batch, _Batch()
        self._settle()
        if batch.items or batch.finished:
            self.waiting = batch, pool.submit(self._embed, [item.text for item in batch.items])

    def _embed(self, texts: list[str]) -> Any:
        began = time.monotonic()
        vectors = self.store.embedder.embed(texts) if self.store.embedder and texts else None
        self.embed_seconds += time.monotonic() - began
        return vectors

    def _settle(self) -> None:
        """Store the batch that is being embedded, in one commit."""
        if self.waiting is None:
            return
        (batch, future), self.waiting = self.waiting, None
        vectors = future.result()
        with self.store.transaction() as db:
            ids = self.store.write(self.collection, batch.items, vectors=vectors) if batch.items else []
            entities.add(db, self.index, list(zip(ids, batch.texts, strict=True)))
            for loaded in batch.finished:
                self._finish(loaded)

    def _finish(self, loaded: _Loaded) -> None:
        document = loaded.document
        self._drop([item for key, item in self.catalog.items_of(self.collection, loaded.row).items() if f"/{loaded.version}/" not in key])
        values = {
            "source": self.source,
            "sha256": loaded.sha256,
            "bytes": loaded.bytes,
            "made_with": self.made_with,
            "version": loaded.version,
            "kind": document.kind,
            "title": document.title,
            "text_sha256": hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest(),
            "characters": len(document.text),
            "chunks": loaded.chunks,
            "losses": json.dumps(asdict(document.losses)),
            "access": json.dumps(self.spec["access"]),
        }
        self.catalog.finish(loaded.row, values, document.text, [list(asdict(box).values()) for box in document.boxes])
        self.catalog.accept(self.index, loaded.path)

    def _drop(self, items: list[int]) -> None:
        if items:
            entities.remove(self.catalog.db, items)
            self.store.remove(items)

    def _remove_missing(self) -> None:
        """What this folder or glob gave before and gives no more."""
        for row in list(self._missing()):
            with self.store.transaction():
                self._drop(list(self.catalog.items_of(self.collection, row.id).values()))
                self.catalog.remove(row.id)
            self.counts["removed"] += bool(row.sha256)
        for path, _, _ in self.catalog.refused(self.index):
            if path not in self.seen and Path(path).is_relative_to(self.root) and not Path(path).exists():
                self.catalog.accept(self.index, path)

    def _missing(self) -> Iterator[Row]:
        for row in self.catalog.documents(self.index, self.source):
            if row.path not in self.seen:
                yield row

    def _result(self, found: int, seconds: float) -> Json:
        documents, chunks = self.catalog.counts(self.index)
        if not documents:
            first = self.refused[0]
            raise DataError(
                f"none of the {found} files could be indexed; {first['path']}: {first['reason']}: {first['message']}",
                fix="name a folder with readable documents",
            )
        return {
            "index": self.index,
            "found": found,
            **{name: self.counts[name] for name in ("added", "changed", "unchanged", "removed", "kept")},
            "refused_files": len(self.refused),
            "refused": self.refused[:SHOWN],
            "documents": documents,
            "chunks": chunks,
            "new_chunks": self.counts["chunks"],
            "losses": self.losses[:SHOWN],
            "seconds": round(seconds, 3),
            "embed_seconds": round(self.embed_seconds, 3),
            "notices": list(self.store.notices),
            "embedder": self.store.embedder.name if self.store.embedder else "",
            "peak_memory_bytes": peak_memory_bytes(),
        }


def _item(loaded: _Loaded, key: str, one: Chunk) -> NewItem:
    """What is searched: the context, then the chunk. `skip` is where the chunk begins in it."""
    context = f"{one.context}\n" if one.context else ""
    return NewItem(
        context + loaded.document.text[one.start : one.end],
        key=key,
        metadata={
            "document": loaded.row,
            "version": loaded.version,
            "start": one.start,
            "end": one.end,
            "window": [one.window_start, one.window_end],
            "page": one.page,
            "skip": len(context),
        },
    )
