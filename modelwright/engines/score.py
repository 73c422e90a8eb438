"""Scores the answers of one or more models, with intervals, and compares every pair of models on the same items.

spec: {"references": [text or null …], "models": [{"name", "answers": [text …] or null, "nll": {a perplexity result} or null} …],
       "metrics", "rubric": path or null, "pattern": text or null, "seed"}
result: {"models": [{"name", "scores": {metric: interval}, "checks": {check: interval}, "items": {metric: [score …]},
         "check_items": {check: [bool …]}, "corpus_bleu"} …], "pairs": [{a, b, metric, …} …], "signatures": {metric: text}, "notes"}

Runs in a child because a user's regular expression can backtrack without end and sacrebleu and rouge-score are slow to
import. Metrics come in the order asked for; `rubric` is followed by `rubric_pass`. Not here: any model.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from modelwright.engines.child import Job
from modelwright.scoring import metrics, rubric, stats, text_metrics

Json = dict[str, Any]
ASKED_AS = {"rubric_pass": "rubric", "answer_perplexity": "perplexity"}


def run(spec: Json, job: Job) -> Json:
    form = rubric.load(Path(spec["rubric"])) if spec.get("rubric") else None
    scored = []
    for number, model in enumerate(spec["models"], 1):
        job.progress(f"scoring {number} of {len(spec['models'])}", step=number - 1, steps=len(spec["models"]))
        scored.append(_score_model(model, spec, form))
    pairs, notes = _pairs(spec["models"], scored, spec["seed"])
    return {
        "models": [_with_intervals(model, columns, spec) for model, columns in zip(spec["models"], scored, strict=True)],
        "pairs": pairs,
        "signatures": _signatures(spec),
        "notes": notes,
    }


def _score_model(model: Json, spec: Json, form: rubric.Rubric | None) -> metrics.Columns:
    columns = metrics.Columns()
    if model.get("answers") is not None:
        columns = metrics.score_answers(model["answers"], spec["references"], spec["metrics"], rubric=form, pattern=spec.get("pattern"))
    if model.get("nll"):
        columns.scores[model["nll"]["name"]] = metrics.perplexity_column(model["nll"]["nll"], model["nll"]["tokens"])
    order = {name: place for place, name in enumerate(spec["metrics"])}  # what was asked for first decides
    columns.scores = dict(sorted(columns.scores.items(), key=lambda item: order[ASKED_AS.get(item[0], item[0])]))
    return columns


def _with_intervals(model: Json, columns: metrics.Columns, spec: Json) -> Json:
    scores = {metric: _plain(_interval(model, metric, values, spec["seed"])) for metric, values in columns.scores.items()}
    checks = {name: _plain(stats.wilson(sum(values), len(values))) for name, values in columns.checks.items()}
    items = {metric: values for metric, values in columns.scores.items() if metric not in metrics.PERPLEXITIES}
    corpus = text_metrics.corpus_bleu(model["answers"], [r or "" for r in spec["references"]])[0] if "bleu" in columns.scores else None
    return {"name": model["name"], "scores": scores, "checks": checks, "items": items, "check_items": columns.checks, "corpus_bleu": corpus}


def _interval(model: Json, metric: str, values: Sequence[float], seed: int) -> stats.Interval:
    if metric in metrics.PERPLEXITIES:
        return metrics.perplexity_interval(model["nll"]["nll"], model["nll"]["tokens"], seed=seed)
    if set(values) <= {0.0, 1.0}:
        return stats.wilson(int(sum(values)), len(values))
    return stats.bootstrap_mean(values, seed=seed)


def _pairs(models: Sequence[Json], scored: Sequence[metrics.Columns], seed: int) -> tuple[list[Json], list[str]]:
    pairs, notes = [], []
    for (model_a, a), (model_b, b) in combinations(zip(models, scored, strict=True), 2):
        for metric in [metric for metric in a.scores if metric in b.scores]:
            if metric in metrics.PERPLEXITIES and not _same_yardstick(model_a["nll"], model_b["nll"]):
                notes.append(f"{metric} of {model_a['name']} and {model_b['name']} is not compared: other runtime or tokenizer")
                continue
            found = stats.compare(a.scores[metric], b.scores[metric], seed=seed)
            pairs.append({"a": model_a["name"], "b": model_b["name"], "metric": metric, **_plain(found)})
    return pairs, notes


def _same_yardstick(a: Json, b: Json) -> bool:
    return bool(a["engine"] == b["engine"] and a["tokens"] == b["tokens"] and a["window"] == b["window"])


def _signatures(spec: Json) -> dict[str, str]:
    """What a number must be quoted with."""
    found = {}
    if "rouge_l" in spec["metrics"]:
        found["rouge_l"] = text_metrics.rouge_signature()
    if "bleu" in spec["metrics"]:
        found["bleu"] = text_metrics.corpus_bleu(["a"], ["a"])[1]
    return found


def _plain(value: stats.Interval | stats.Comparison) -> Json:
    """As JSON; an end that the data cannot give is null, as JSON knows no infinity."""
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in dataclasses.asdict(value).items()}
