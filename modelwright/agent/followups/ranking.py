"""Which model was best: scores of past evaluations and comparisons, ranked on one metric over one data set.

Two models are told apart by the paired test of a comparison where there is one, else by intervals that do not overlap;
otherwise it says that it cannot tell. Scores over different data or by different metrics are never set against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.agent.past import Past, PastStep
from modelwright.text import one_line
from modelwright.types import Json

LOWER_IS_BETTER = frozenset({"perplexity", "answer_perplexity"})


@dataclass(frozen=True)
class Row:
    """One score of one model."""

    model: str
    name: str
    metric: str
    mean: float
    low: float | None
    high: float | None
    n: int | None
    data: str
    """Path of the data set."""
    data_id: str
    """Its hash, and the rubric's: what must be equal for two scores to be compared."""
    run: str
    step: str

    def text(self) -> str:
        interval = f" [{self.low:.3f}, {self.high:.3f}]" if self.low is not None and self.high is not None else ""
        return f"{one_line(self.name, 60)} {self.mean:.3f}{interval} (run {self.run} {self.step})"


@dataclass(frozen=True)
class Pair:
    """A paired test: `b` against `a`."""

    a: str
    b: str
    metric: str
    verdict: str
    text: str


@dataclass(frozen=True)
class Ranking:
    rows: tuple[Row, ...]
    """Best first; each model once, its newest score."""
    pair: Pair | None
    """Between the first two."""

    @property
    def winner(self) -> Row | None:
        """The first, when it can be told from the second."""
        if len(self.rows) < 2:
            return None
        first, second = self.rows[:2]
        if self.pair:
            return first if self.pair.verdict == ("better" if self.pair.b == first.name else "worse") else None
        return first if _apart(first, second) else None

    def text(self) -> str:
        first, metric = self.rows[0], self.rows[0].metric.replace("_", " ")
        where = f"{metric} over {Path(first.data).name}" + (f" ({first.n} rows)" if first.n else "")
        scores = "\n".join(f"  {row.text()}" for row in self.rows)
        if len(self.rows) == 1:
            return f"only one model was measured by {where}, so there is nothing to set it against:\n{scores}"
        evidence = f"\n  {self.pair.text}" if self.pair else ""
        if self.winner:
            return f"{one_line(first.name, 60)} of run {first.run} is best by {where}:\n{scores}{evidence}"
        why = "the paired test does not tell the first two apart" if self.pair else "the intervals of the first two overlap"
        return f"cannot tell which is best by {where}: {why}\n{scores}{evidence}"


def rank(pasts: Sequence[Past], metric: str | None = None) -> Ranking | None:
    """By the metric and the data of the newest measurement; by `metric` if one is asked for. None when nothing was measured."""
    rows = [row for past in pasts for step in reversed(past.steps) for row in _rows(past, step)]
    rows = [row for row in rows if metric in (None, row.metric)]
    if not rows:
        return None
    lead = rows[0]
    same = [row for row in rows if (row.metric, row.data_id) == (lead.metric, lead.data_id)]
    newest = {row.model: row for row in reversed(same)}
    ordered = sorted(newest.values(), key=lambda row: row.mean, reverse=lead.metric not in LOWER_IS_BETTER)
    pair = _pair(pasts, ordered[0], ordered[1]) if len(ordered) > 1 else None
    return Ranking(tuple(ordered), pair)


def _rows(past: Past, step: PastStep) -> Iterator[Row]:
    """The scores of a step, that of its main metric first; of a comparison the last model first, as it is the candidate."""
    result = step.result
    measured = result.get("models") if isinstance(result.get("models"), list) else [result]
    data = result.get("dataset") if isinstance(result.get("dataset"), dict) else {}
    rubric = result.get("rubric") if isinstance(result.get("rubric"), dict) else {}
    for one in reversed(measured or []):
        for metric, score in _main_first(one, result, step):
            if isinstance(score, dict) and isinstance(score.get("mean"), int | float):
                yield Row(
                    model=str(one.get("model", one.get("name"))),
                    name=str(one.get("name", one.get("model"))),
                    metric=metric,
                    mean=float(score["mean"]),
                    low=score.get("low"),
                    high=score.get("high"),
                    n=score.get("n"),
                    data=str((data or {}).get("path", step.args.get("dataset", ""))),
                    data_id=f"{(data or {}).get('sha256')} {(rubric or {}).get('sha256')} {step.args.get('limit')}",
                    run=past.run.id,
                    step=step.id,
                )


def _main_first(one: Any, result: Json, step: PastStep) -> list[tuple[str, Any]]:
    scores = one.get("scores") if isinstance(one, dict) else None
    if not isinstance(scores, dict):
        return []
    main = result.get("verdict_metric") or next(iter(step.args.get("metrics") or []), None)
    return sorted(scores.items(), key=lambda item: item[0] != main)


def _pair(pasts: Sequence[Past], first: Row, second: Row) -> Pair | None:
    """The paired test between the two, from the step that measured both; newest first."""
    for past in pasts:
        for step in reversed(past.steps):
            if (past.run.id, step.id) in {(first.run, first.step), (second.run, second.step)}:
                for pair in step.result.get("pairs") or []:
                    if pair.get("metric") == first.metric and {pair.get("a"), pair.get("b")} == {first.name, second.name}:
                        return _as_pair(pair)
    return None


def _as_pair(pair: Json) -> Pair:
    low, high = pair.get("low"), pair.get("high")
    interval = f" [{low:+.3f}, {high:+.3f}]" if low is not None and high is not None else ""
    text = f"paired: {one_line(str(pair['b']), 60)} {pair['verdict']} than {one_line(str(pair['a']), 60)}"
    if pair["verdict"] not in ("better", "worse"):
        text = f"paired: {one_line(str(pair['b']), 60)} against {one_line(str(pair['a']), 60)}: {pair['verdict']}"
    chance = f", p = {pair['p_value']:.2g}" if pair.get("p_value") is not None else ""
    return Pair(
        pair["a"], pair["b"], pair["metric"], pair["verdict"], f"{text}: {pair['difference']:+.3f}{interval}, {pair.get('n')} pairs{chance}"
    )


def _apart(a: Row, b: Row) -> bool:
    """Whether the 95% intervals do not touch; without intervals nothing can be said."""
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return False
    return a.low > b.high or b.low > a.high
