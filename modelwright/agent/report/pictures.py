"""Which charts a run gets, from what its steps found; empty where there is nothing to draw."""

from __future__ import annotations

from modelwright.agent.report import charts
from modelwright.agent.report.charts import Chart
from modelwright.agent.report.gather import Facts, StepFacts
from modelwright.agent.report.parts import timings


def comparison(step: StepFacts) -> list[Chart]:
    """A chart of scores and one of paired differences for each metric."""
    drawn, found = [], step.found
    metrics = [score.metric for score in found.scores] + [difference.metric for difference in found.differences]
    for metric in dict.fromkeys(metrics):
        scores = [s for s in found.scores if s.metric == metric]
        pairs = [d for d in found.differences if d.metric == metric]
        drawn += [charts.score_bars(metric, scores)] if scores else []
        drawn += [charts.difference_dots(metric, pairs)] if pairs else []
    return drawn


def training(step: StepFacts) -> list[Chart]:
    return [charts.loss_lines(f"{step.id} {step.tool}", step.found.losses)] if step.found.losses else []


def sizes(step: StepFacts) -> list[Chart]:
    return [charts.size_bars(step.found.weights)] if step.found.weights else []


def times(facts: Facts) -> list[Chart]:
    found = timings(facts.steps)
    return [charts.timing_bars(found)] if found else []


def all_of(facts: Facts) -> list[Chart]:
    """In the order of the page."""
    return [chart for step in facts.steps for chart in (*comparison(step), *training(step), *sizes(step))] + times(facts)
