"""What a paired difference allows to be said, as one sentence, and as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.agent.report import wording
from modelwright.agent.report.findings import Difference, Score
from modelwright.text import counted

COLUMNS = ["metric", "model", "score", "against", "score", "difference", "p", "verdict"]


def lead(d: Difference) -> str:
    """'tuned is better than builtin on rubric'"""
    said = {"better": f"{d.b} is better than {d.a}", "worse": f"{d.b} is worse than {d.a}"}
    return f"{said.get(d.verdict, f'cannot tell whether {d.b} is better than {d.a}')} on {wording.label(d.metric)}"


def evidence(d: Difference) -> str:
    """'+0.61 [+0.48, +0.73], 32 pairs, p = 0.0001, …; the smallest difference this data could show is 0.09'"""
    numbers = f"{wording.signed(d.difference)} {wording.interval(d.low, d.high, sign=True)}".strip()
    pairs = counted(d.n, "pair") if d.n is not None else ""
    chance = f"p = {d.p_value:.2g}" if d.p_value is not None else ""
    found = ", ".join(fact for fact in (numbers, pairs, chance, d.test) if fact)
    if d.smallest_detectable is None:
        return found
    return f"{found}; the smallest difference this data could show is {wording.number(d.smallest_detectable)}"


def sentence(d: Difference) -> str:
    return f"{lead(d)}: {evidence(d)}"


def tone(d: Difference) -> str:
    return {"better": "good", "worse": "bad"}.get(d.verdict, "quiet")


def rows(differences: Sequence[Difference], scores: Sequence[Score]) -> list[list[str]]:
    """One row a difference, in the order of COLUMNS; a score that is not known stays empty."""
    known = {(s.model, s.metric): _with_interval(s) for s in scores}
    return [
        [
            wording.label(d.metric),
            d.b,
            known.get((d.b, d.metric), ""),
            d.a,
            known.get((d.a, d.metric), ""),
            f"{wording.signed(d.difference)} {wording.interval(d.low, d.high, sign=True)}".strip(),
            "" if d.p_value is None else f"{d.p_value:.2g}",
            d.verdict,
        ]
        for d in differences
    ]


def _with_interval(score: Score) -> str:
    return f"{wording.number(score.mean)} {wording.interval(score.low, score.high)}".strip()


def rate_table(rates: Sequence[Score]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: one row a check, one column a model."""
    models = list(dict.fromkeys(rate.model for rate in rates))
    known = {(rate.metric, rate.model): _with_interval(rate) for rate in rates}
    checks = dict.fromkeys(rate.metric for rate in rates)
    return ["check", *models], [[wording.label(check), *(known.get((check, model), "") for model in models)] for check in checks]
