"""How good is a ranking? nDCG, recall, MRR and MAP against judgements, and contexts against the passages they should hold.

The formulas are those of trec_eval, which BEIR uses: nDCG with linear gains (the grade itself) and a discount of
log2(rank + 1). Every function takes one query's ranked ids, best first, and its judgements {id: grade}; a grade above 0 is
relevant. Ids that nobody judged count as not relevant. Queries without a relevant document are not scored.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.errors import DataError

Grades = Mapping[str, float]


def ndcg(ranked: Sequence[str], grades: Grades, k: int = 10) -> float:
    """Normalised discounted cumulative gain at k (Järvelin and Kekäläinen 2002, linear gains)."""
    best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:k]
    ideal = sum(grade / math.log2(rank + 1) for rank, grade in enumerate(best, 1))
    gained = sum(max(0.0, grades.get(one, 0.0)) / math.log2(rank + 1) for rank, one in enumerate(ranked[:k], 1))
    return gained / ideal if ideal else 0.0


def recall(ranked: Sequence[str], grades: Grades, k: int = 100) -> float:
    """The share of the relevant documents that stand in the first k."""
    relevant = {one for one, grade in grades.items() if grade > 0}
    return len(relevant & set(ranked[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], grades: Grades, k: int = 10) -> float:
    """1 / rank of the first relevant document in the first k, else 0."""
    return next((1 / rank for rank, one in enumerate(ranked[:k], 1) if grades.get(one, 0) > 0), 0.0)


def average_precision(ranked: Sequence[str], grades: Grades) -> float:
    """Mean over the relevant documents of the precision at their rank; what is not found counts 0."""
    relevant = sum(grade > 0 for grade in grades.values())
    found, total = 0, 0.0
    for rank, one in enumerate(ranked, 1):
        if grades.get(one, 0) > 0:
            found += 1
            total += found / rank
    return total / relevant if relevant else 0.0


METRICS = {"ndcg@10": ndcg, "recall@100": recall, "mrr@10": reciprocal_rank, "map": average_precision}


def score(runs: Mapping[str, Sequence[str]], judgements: Mapping[str, Grades]) -> dict[str, dict[str, float]]:
    """metric -> {query: value} over the judged queries; one that has no ranking counts 0."""
    judged = [query for query, grades in judgements.items() if any(grade > 0 for grade in grades.values())]
    return {name: {query: metric(runs.get(query, ()), judgements[query]) for query in judged} for name, metric in METRICS.items()}


def context_precision(relevant: Sequence[bool]) -> float:
    """Average precision over the passages that were given to answer from, in their order: wants the useful ones first."""
    hits = [sum(relevant[: rank + 1]) / (rank + 1) for rank, one in enumerate(relevant) if one]
    return sum(hits) / len(hits) if hits else 0.0


def context_recall(evidence: Sequence[str], contexts: Sequence[str]) -> float:
    """The share of the wanted quotes that stand in one of the contexts; white space and case do not matter."""
    given = [_flat(context) for context in contexts]
    return sum(any(_flat(quote) in context for context in given) for quote in evidence) / len(evidence) if evidence else 1.0


def holds_evidence(evidence: Sequence[str], context: str) -> bool:
    """Whether any of the wanted quotes stands in `context`."""
    flat = _flat(context)
    return any(_flat(quote) in flat for quote in evidence)


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Collection:
    """A BEIR folder: `corpus.jsonl`, `queries.jsonl`, `qrels/SPLIT.tsv`."""

    documents: dict[str, tuple[str, str]]
    """id -> (title, text)"""
    queries: dict[str, str]
    judgements: dict[str, dict[str, float]]


def is_beir(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("corpus.jsonl", "queries.jsonl", "qrels"))


def read_beir(folder: Path, split: str = "test") -> Collection:
    """Raises DataError naming the file and line that is not as BEIR writes it."""
    judgements: dict[str, dict[str, float]] = {}
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        raise DataError(f"no file {path}", fix="name a split that stands under qrels/")
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.reader(stream, delimiter="\t"), 1):
            if number == 1 or not row:
                continue
            try:
                judgements.setdefault(row[0], {})[row[1]] = float(row[2])
            except (IndexError, ValueError):
                raise DataError(f"{path}, line {number}: not `query-id<TAB>corpus-id<TAB>score`") from None
    documents = {row["_id"]: (str(row.get("title") or ""), str(row.get("text") or "")) for row in _rows(folder / "corpus.jsonl")}
    queries = {row["_id"]: str(row.get("text") or "") for row in _rows(folder / "queries.jsonl")}
    return Collection(documents, {query: text for query, text in queries.items() if query in judgements}, judgements)


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    row = json.loads(line)
                    row["_id"] = str(row["_id"])
                except (ValueError, KeyError, TypeError):
                    raise DataError(f"{path}, line {number}: not a JSON object with an _id") from None
                rows.append(row)
    return rows
