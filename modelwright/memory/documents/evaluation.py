"""Search quality on a judged collection (a BEIR folder): four ways to search, one corpus, paired tests. A job engine (`run`).

spec: {"folder", "split", "limit", "embedder", "workspace", "cache", "keys", "seed"}
result: {"documents", "queries", "systems": [{"name", metric: mean …, "interval"}], "comparisons": [{…}], "chosen", "reason",
         "index_seconds", "query_ms", "notices", "embedder"}

Documents are searched whole, title before text, as BEIR does; the index lies in the job's folder, and a job that was killed
goes on with what is in it. Hybrid is compared with the better of the two single ways, which is the harder question.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from modelwright.engines.child import Job
from modelwright.memory import NewItem, Store
from modelwright.memory.documents import fusion
from modelwright.memory.embedders import embedder_of
from modelwright.scoring import retrieval, stats

Json = dict[str, Any]
NAME = "collection"
DEPTH = 100
BATCH = 256
MAIN = "ndcg@10"


def run(spec: Json, job: Job) -> Json:
    collection = retrieval.read_beir(Path(spec["folder"]), spec["split"])
    embedder = embedder_of(spec)
    try:
        with Store.open(job.folder / "evaluation.db", embedder) as store:
            began = time.monotonic()
            _fill(store, collection, job)
            index_seconds = time.monotonic() - began
            queries = dict(list(collection.queries.items())[: spec["limit"]])
            runs, query_ms = _search(store, queries, job)
            judged = {query: collection.judgements[query] for query in queries}
            result = judge(runs, judged, seed=spec["seed"])
            return {
                "documents": len(collection.documents),
                "queries": len(queries),
                **result,
                "index_seconds": round(index_seconds, 2),
                "query_ms": query_ms,
                "notices": list(store.notices),
                "embedder": embedder.name,
            }
    finally:
        embedder.close()


def _fill(store: Store, collection: retrieval.Collection, job: Job) -> None:
    documents = list(collection.documents.items())
    for start in range(0, len(documents), BATCH):
        items = [NewItem(f"{title} {text}".strip() or one, key=one) for one, (title, text) in documents[start : start + BATCH]]
        new = [item for item in items if store.by_key(NAME, str(item.key)) is None]
        if new:
            store.write(NAME, new)
        job.progress("index documents", step=min(start + BATCH, len(documents)), steps=len(documents))
    store.save(NAME)


def _search(store: Store, queries: dict[str, str], job: Job) -> tuple[dict[str, dict[str, list[str]]], dict[str, float]]:
    """system -> query -> document ids, best first; and the median milliseconds of a query by system."""
    runs: dict[str, dict[str, list[str]]] = {}
    taken: dict[str, list[float]] = {}
    for number, (query, text) in enumerate(queries.items(), 1):
        began = time.perf_counter()
        hits = {"lexical": store.search_lexical(NAME, text, DEPTH)}
        lexical_ms = (time.perf_counter() - began) * 1000
        began = time.perf_counter()
        vector = store.embed_query(NAME, text)
        if vector is not None:
            hits["dense"] = store.search_dense(NAME, vector, DEPTH)
        dense_ms = (time.perf_counter() - began) * 1000
        keys = {hit.item.id: str(hit.item.key) for found in hits.values() for hit in found}
        ranked = {name: [(hit.item.id, hit.score) for hit in found] for name, found in hits.items()}
        if "dense" in ranked:
            both = [ranked["lexical"], ranked["dense"]]
            ranked |= {"hybrid minmax": fusion.minmax(both), "hybrid rrf": fusion.rrf(both)}
        for name, found in ranked.items():
            runs.setdefault(name, {})[query] = [keys[one] for one, _ in found if keys[one] != query]  # ArguAna asks with its own documents
            cost = lexical_ms if name == "lexical" else dense_ms if name == "dense" else lexical_ms + dense_ms
            taken.setdefault(name, []).append(cost)
        if number % 20 == 0:
            job.progress("search", step=number, steps=len(queries))
    return runs, {name: round(statistics.median(times), 2) for name, times in taken.items()}


def judge(runs: dict[str, dict[str, list[str]]], judgements: dict[str, dict[str, float]], *, seed: int) -> Json:
    """The means of every metric, hybrid against the better single way, and which fusion an index should use."""
    scores = {name: retrieval.score(run, judgements) for name, run in runs.items()}
    systems = [_system(name, values, seed) for name, values in scores.items()]
    comparisons: list[Json] = []
    chosen, reason = "", "there are no vectors: nothing to choose"
    if "dense" in scores:
        means = {name: _mean(values) for name, values in scores.items()}
        single = max(("lexical", "dense"), key=means.__getitem__)
        comparisons = [_compared(single, name, scores, seed) for name in ("hybrid minmax", "hybrid rrf")]
        comparisons.append(_compared("hybrid minmax", "hybrid rrf", scores, seed))
        chosen, reason = _choice(comparisons)
    return {"systems": systems, "comparisons": comparisons, "chosen": chosen, "reason": reason}


def _mean(values: dict[str, dict[str, float]]) -> float:
    return statistics.fmean(values[MAIN].values())


def _system(name: str, values: dict[str, dict[str, float]], seed: int) -> Json:
    interval = stats.bootstrap_mean(list(values[MAIN].values()), seed=seed)
    means = {metric: round(statistics.fmean(by_query.values()), 4) for metric, by_query in values.items()}
    return {"name": name, **means, "interval": [round(interval.low, 4), round(interval.high, 4)]}


def _compared(a: str, b: str, scores: dict[str, dict[str, dict[str, float]]], seed: int) -> Json:
    queries = list(scores[a][MAIN])
    found = stats.compare([scores[a][MAIN][q] for q in queries], [scores[b][MAIN][q] for q in queries], seed=seed)
    return {
        "a": a,
        "b": b,
        "difference": round(found.difference, 4),
        "interval": [round(found.low, 4), round(found.high, 4)],
        "p_value": round(found.p_value, 5),
        "smallest_detectable": None if found.smallest_detectable is None else round(found.smallest_detectable, 4),
        "verdict": found.verdict,
    }


def _choice(comparisons: list[Json]) -> tuple[str, str]:
    """The average stays unless RRF is better by the paired test."""
    rrf = comparisons[-1]
    if rrf["verdict"] == "better":
        return "rrf", f"RRF is better than the average by {rrf['difference']} (p = {rrf['p_value']})"
    return "minmax", f"RRF is not better than the average: {rrf['difference']:+} (p = {rrf['p_value']}), so the average stays"
