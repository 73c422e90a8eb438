"""What a hybrid query costs at 100,000 chunks: vectors in FAISS, words in BM25 arrays, every hit read back from SQLite.

    python benchmarks/hybrid_query.py [--chunks 100000] [--queries 200]

The texts are 60 words each, drawn by Zipf's law from 30,000; the vectors are synthetic: 1,000 random directions with noise,
384 values. Only the query is embedded for real, with the packaged all-MiniLM-L6-v2 in its child process. Opening and
rebuilding are timed in fresh processes, from the start of `Store.open` to the first dense and lexical answer. Files are in
the page cache.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import card

from modelwright.config import Settings
from modelwright.memory import Filter, NewItem, Store, open_embedder
from modelwright.memory.lexical import FtsIndex

WORDS, CHUNK, CENTRES, AT_ONCE, K = 30_000, 60, 1000, 5000, 10

COLD = """
import json, sys, time
import numpy
from modelwright.memory import Store
began = time.perf_counter()
store = Store.open(__import__("pathlib").Path(sys.argv[1]))
opened = time.perf_counter() - began
hits = store.search_dense("bench", numpy.ones(384, dtype="f4") / 384**0.5, 10)
dense = time.perf_counter() - began
hits += store.search_lexical("bench", "w12 w500 w7000", 10)
print(json.dumps([opened, dense, time.perf_counter() - began, len(hits)]))
"""


def chunks(count: int, rng: Any) -> Iterator[tuple[list[NewItem], Any]]:
    words = np.array([f"w{i}" for i in range(WORDS)])
    chances = 1 / np.arange(1, WORDS + 1)
    chances /= chances.sum()
    centres = unit(rng.standard_normal((CENTRES, 384)))
    for start in range(0, count, AT_ONCE):
        rows = min(AT_ONCE, count - start)
        drawn = words[rng.choice(WORDS, (rows, CHUNK), p=chances)]
        vectors = unit(centres[rng.integers(0, CENTRES, rows)] + 0.04 * rng.standard_normal((rows, 384)))
        yield [NewItem(" ".join(row), metadata={"half": int(n % 2)}) for n, row in enumerate(drawn)], vectors.astype(np.float32)


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def timed(function: Any, inputs: list[Any]) -> tuple[float, float]:
    """(median, 95th percentile), milliseconds."""
    times = []
    for one in inputs:
        began = time.perf_counter()
        function(one)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), sorted(times)[int(len(times) * 0.95)]


def cold(database: Path) -> list[float]:
    found: list[float] = json.loads(subprocess.run([sys.executable, "-c", COLD, str(database)], check=True, capture_output=True).stdout)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--chunks", type=int, default=100_000)
    options.add_argument("--queries", type=int, default=200)
    chosen = options.parse_args()
    print(card("faiss-cpu", "numpy", "sqlite-utils"), flush=True)
    rng, embedder = np.random.default_rng(7), open_embedder(Settings())
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "modelwright.db"
        store = Store.open(database, embedder, on_notice=print)
        began = time.perf_counter()
        for items, vectors in chunks(chosen.chunks, rng):
            store.write("bench", items, vectors=vectors)
        print(f"{'write, s':<44} {time.perf_counter() - began:>8.1f}", flush=True)
        began = time.perf_counter()
        store.save("bench")
        print(f"{'build both indexes and save them, s':<44} {time.perf_counter() - began:>8.2f}", flush=True)
        queries(store, chosen.queries, rng)
        store.close()
        report("open from files, then first answers", cold(database))
        for path in (database.parent / "indexes").iterdir():
            path.unlink()
        report("rebuild from SQLite, then first answers", cold(database))
    embedder.close()


def report(what: str, found: list[float]) -> None:
    print(f"{what + ', s':<44} {found[2]:>8.2f}   (open {found[0]:.2f}, dense at {found[1]:.2f})", flush=True)


def queries(store: Store, count: int, rng: Any) -> None:
    texts = [" ".join(f"w{int(i)}" for i in rng.zipf(1.3, 6) % WORDS) for _ in range(count)]
    vectors = [store.embed_query("bench", text) for text in texts[:5]]
    vectors = [unit(rng.standard_normal((1, 384)))[0].astype(np.float32) for _ in texts]
    half = Filter(metadata={"half": 1})

    def hybrid(pair: tuple[str, Any]) -> None:
        store.search_dense("bench", pair[1], K)
        store.search_lexical("bench", pair[0], K)

    def whole(text: str) -> None:
        vector = store.embed_query("bench", text)
        assert vector is not None
        hybrid((text, vector))

    pairs = list(zip(texts, vectors, strict=True))
    hybrid(pairs[0])
    print(f"{'a query, ms':<44} {'p50':>8} {'p95':>8}")
    for name, function, inputs in (
        ("embedding of six words", lambda text: store.embed_query("bench", text), texts),
        ("dense, k = 10", lambda vector: store.search_dense("bench", vector, K), vectors),
        ("lexical, k = 10", lambda text: store.search_lexical("bench", text, K), texts),
        ("both", hybrid, pairs),
        ("both, with the embedding", whole, texts),
        (
            "both, a filter that leaves half",
            lambda p: (store.search_dense("bench", p[1], K, half), store.search_lexical("bench", p[0], K, half)),
            pairs[:20],
        ),
        ("FTS5 alone in place of the arrays", lambda text: FtsIndex(store._db, "bench").search(text, K), texts[:20]),
    ):
        p50, p95 = timed(function, inputs)
        print(f"{name:<44} {p50:>8.1f} {p95:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
