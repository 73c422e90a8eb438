"""Scores of (query, text) pairs by a cross-encoder: a transformers folder with one output.

spec: {"model": folder, "query", "texts": [text …], "threads"?}
result: {"scores": [float …]}: higher is nearer; logits, so they compare within one query only.

Pairs longer than the model reads are cut at the end of the text, never of the query.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from modelwright.engines.child import Job
from modelwright.errors import ModelRefError

Json = dict[str, Any]
BATCH = 16
LONGEST = 512


def run(spec: Json, job: Job) -> Json:
    folder = Path(spec["model"])
    if not (folder / "config.json").is_file():
        raise ModelRefError(f"{folder} is not a model folder", fix="name the folder of a cross-encoder, with config.json in it")
    torch.set_num_threads(spec.get("threads") or 1)
    tokenizer, model = _open(folder)
    scores: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(spec["texts"]), BATCH):
            texts = spec["texts"][start : start + BATCH]
            pairs = tokenizer(
                [spec["query"]] * len(texts), texts, truncation="only_second", max_length=LONGEST, padding=True, return_tensors="pt"
            )
            scores += model(**pairs).logits[:, 0].tolist()
            job.progress("rerank", step=len(scores), steps=len(spec["texts"]))
    return {"scores": scores}


def _open(folder: Path) -> tuple[Any, Any]:
    """Raises ModelRefError for what is no whole cross-encoder: transformers would invent the weights that are missing."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model, loaded = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelRefError(f"transformers cannot load {folder}: {str(error)[:160]}", fix="name a reranking model") from None
    if model.config.num_labels != 1:
        raise ModelRefError(f"{folder} has {model.config.num_labels} outputs, a cross-encoder has 1", fix="name a reranking model")
    if loaded["missing_keys"]:
        raise ModelRefError(f"{folder} lacks weights of a cross-encoder: {sorted(loaded['missing_keys'])[0]}", fix="name a reranking model")
    return tokenizer, model.eval()
