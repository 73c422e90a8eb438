"""Search quality on Cranfield beside two oracles: rank-bm25 with Snowball stems, and plain sentence-transformers, exact.

    python benchmarks/retrieval_cranfield.py FOLDER [--no-dense]

FOLDER is a BEIR folder (corpus.jsonl, queries.jsonl, qrels/test.tsv); Cranfield has 1,400 abstracts and 225 queries with
grades. Needs nltk (its Snowball stemmer, no data) and sentence-transformers for the oracles. Prints nDCG@10, recall@100, MRR@10
and MAP of each system, the paired differences to the oracles, and whether hybrid is better than the better single way.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import card

from modelwright.config import Settings
from modelwright.memory import Store, open_embedder
from modelwright.memory.documents import evaluation
from modelwright.memory.embedders import packaged_folder
from modelwright.scoring import retrieval, stats

Runs = dict[str, dict[str, list[str]]]


class Quiet:
    """A job that says nothing."""

    def progress(self, message: str, **numbers: Any) -> None:
        if numbers.get("step") == numbers.get("steps"):
            print(message, numbers, file=sys.stderr)


def rank_bm25(collection: retrieval.Collection) -> dict[str, list[str]]:
    from nltk.stem.snowball import SnowballStemmer
    from rank_bm25 import BM25Okapi

    stemmer = SnowballStemmer("english")

    def tokens(text: str) -> list[str]:
        return [stemmer.stem(word) for word in re.findall(r"\w+", text.lower())]

    ids = list(collection.documents)
    index = BM25Okapi([tokens(f"{title} {text}") for title, text in collection.documents.values()])
    run = {}
    for query, text in collection.queries.items():
        scores = index.get_scores(tokens(text))
        order = sorted(range(len(ids)), key=lambda at: (-scores[at], at))[: evaluation.DEPTH]
        run[query] = [ids[at] for at in order]
    return run


def plain_dense(collection: retrieval.Collection) -> dict[str, list[str]]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(packaged_folder()), device="cpu")
    ids = list(collection.documents)
    texts = [f"{title} {text}".strip() or one for one, (title, text) in collection.documents.items()]
    documents = model.encode(texts, batch_size=64, normalize_embeddings=True)
    queries = model.encode(list(collection.queries.values()), batch_size=64, normalize_embeddings=True)
    order = (queries @ documents.T).argsort(axis=1)[:, ::-1][:, : evaluation.DEPTH]
    return {query: [ids[at] for at in row] for query, row in zip(collection.queries, order, strict=True)}


def ours(collection: retrieval.Collection, dense: bool) -> tuple[Runs, dict[str, float], float]:
    embedder = open_embedder(Settings()) if dense else None
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db", embedder) as store:
        began = time.monotonic()
        evaluation._fill(store, collection, Quiet())  # type: ignore[arg-type]
        seconds = time.monotonic() - began
        runs, times = evaluation._search(store, collection.queries, Quiet())  # type: ignore[arg-type]
    if embedder:
        embedder.close()
    return runs, times, seconds


def main() -> None:
    collection = retrieval.read_beir(Path(sys.argv[1]))
    dense = "--no-dense" not in sys.argv
    print(card("faiss-cpu", "rank-bm25", "nltk", "sentence-transformers", "torch", "numpy"))
    print(f"{len(collection.documents)} documents, {len(collection.queries)} judged queries\n")
    runs, times, seconds = ours(collection, dense)
    runs["rank-bm25, Snowball"] = rank_bm25(collection)
    if dense:
        runs["sentence-transformers, exact"] = plain_dense(collection)
    scores = {name: retrieval.score(run, collection.judgements) for name, run in runs.items()}
    print(f"{'system':<30} {'nDCG@10':>8} {'R@100':>8} {'MRR@10':>8} {'MAP':>8} {'ms/query':>9}")
    for name, values in scores.items():
        means = [sum(by.values()) / len(by) for by in values.values()]
        print(f"{name:<30} " + " ".join(f"{mean:8.4f}" for mean in means) + f" {times.get(name, float('nan')):9.2f}")
    print(f"\nindexed in {seconds:.1f} s\n")
    pairs = [("rank-bm25, Snowball", "lexical")]
    if dense:
        better = max(("lexical", "dense"), key=lambda name: sum(scores[name]["ndcg@10"].values()))
        pairs += [("sentence-transformers, exact", "dense"), (better, "hybrid minmax"), (better, "hybrid rrf")]
        pairs += [("hybrid minmax", "hybrid rrf")]
    for a, b in pairs:
        queries = list(scores[a]["ndcg@10"])
        found = stats.compare([scores[a]["ndcg@10"][q] for q in queries], [scores[b]["ndcg@10"][q] for q in queries], seed=7)
        interval = f"[{found.low:+.4f}, {found.high:+.4f}]"
        print(f"{b} against {a}: {found.difference:+.4f} {interval}, p = {found.p_value:.4f}: {found.verdict}")


if __name__ == "__main__":
    main()
