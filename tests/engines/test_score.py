from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import score
from modelwright.engines.child import Job


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    made = Job(tmp_path, {})
    yield made
    made._events.close()


def loss(engine: str = "llama.cpp", shift: float = 0.0, tokens: int = 5) -> dict[str, Any]:
    nll = [10.0 + i + shift for i in range(8)]
    return {"name": "answer_perplexity", "nll": nll, "tokens": [tokens] * 8, "engine": engine, "window": None}


def spec(metrics: list[str], *models: dict[str, Any]) -> dict[str, Any]:
    return {"references": ["yes"] * 8, "metrics": metrics, "rubric": None, "pattern": None, "seed": 1, "models": list(models)}


def test_less_surprise_is_better_in_nats_per_token(job: Job) -> None:
    a, b = {"name": "a", "answers": None, "nll": loss()}, {"name": "b", "answers": None, "nll": loss(shift=-5)}
    [pair] = score.run(spec(["perplexity"], a, b), job)["pairs"]
    assert (pair["difference"], pair["verdict"]) == (pytest.approx(1.0), "better")


@pytest.mark.parametrize("other", [loss(engine="transformers"), loss(tokens=6)])
def test_perplexities_of_another_runtime_or_tokenizer_are_not_compared(job: Job, other: dict[str, Any]) -> None:
    a, b = {"name": "a", "answers": None, "nll": loss()}, {"name": "b", "answers": None, "nll": other}
    found = score.run(spec(["perplexity"], a, b), job)
    assert found["pairs"] == []
    assert "not compared" in found["notes"][0]


def test_metrics_keep_the_order_they_were_asked_in(job: Job) -> None:
    model = {"name": "a", "answers": ["yes"] * 8, "nll": loss()}
    for metrics in (["perplexity", "exact_match"], ["exact_match", "perplexity"]):
        asked = [{"perplexity": "answer_perplexity"}.get(metric, metric) for metric in metrics]
        assert list(score.run(spec(metrics, model), job)["models"][0]["scores"]) == asked


def test_the_result_is_plain_json_even_with_one_row(job: Job) -> None:
    one = {**spec(["rouge_l", "bleu"], {"name": "a", "answers": ["yes no"], "nll": None}, {"name": "b", "answers": ["yes"], "nll": None})}
    found = score.run({**one, "references": ["yes"]}, job)
    json.dumps(found, allow_nan=False)
    assert found["models"][0]["scores"]["rouge_l"]["low"] is None
    assert found["pairs"][0]["verdict"] == "cannot tell"
    assert set(found["signatures"]) == {"rouge_l", "bleu"}
