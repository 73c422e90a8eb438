"""`evaluate_retrieval`: how good search is, and apart from it how good answers are, with failures sorted by stage.

Two kinds of sets. A BEIR folder (corpus, queries, qrels) measures search alone: nDCG@10, recall, MRR, MAP of four ways to
search, hybrid tested against the better single way. A file of questions with evidence measures an index of yours: ranks,
context precision and recall, citations, faithfulness, abstention. `tune=true` keeps the fusion and the threshold that won.
Answer relevance is a cosine here, not a judge's opinion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.errors import DataError
from modelwright.scoring import retrieval, stats
from modelwright.tools._rag_answering import AnswerArgs
from modelwright.tools._rag_questions import Outcome, ask, best_threshold, fields, read_questions
from modelwright.types import Check, DatasetPath, Effect, Estimate, Strict, ToolResult

SYSTEMS = {"lexical": "lexical", "dense": "dense", "minmax": "hybrid minmax", "rrf": "hybrid rrf"}


class Args(AnswerArgs):
    dataset: DatasetPath = Field(description="a BEIR folder, or JSON Lines of {question, evidence: [quotes]}")
    split: str = Field("test", pattern=r"^[\w-]+$", description="of a BEIR folder: the file under qrels/")
    limit: int = Field(1000, ge=1, le=100_000, description="queries or questions, from the first")
    tune: bool = Field(False, description="keep the fusion and the threshold that this set chooses, for the index")


class System(Strict):
    name: str
    ndcg_at_10: float | None = Field(None, description="linear gains, as trec_eval; null for questions with evidence")
    recall_at_100: float
    mrr_at_10: float
    map: float | None
    interval: list[float] = Field(description="95% of the first metric that is there")
    query_ms: float | None = Field(None, description="median milliseconds of a query")


class Comparison(Strict):
    """The paired difference b - a."""

    a: str
    b: str
    difference: float
    interval: list[float]
    p_value: float
    smallest_detectable: float | None
    verdict: str


class Answers(Strict):
    """Of the answers; rates from 0 to 1."""

    accuracy: float = Field(description="answered with the evidence, or rightly not found")
    accuracy_interval: list[float]
    context_precision: float = Field(description="useful passages before useless ones")
    context_recall: float = Field(description="evidence that stands in the passages")
    citation_correctness: float | None = Field(description="citations that the verifier found in their source; null without any")
    faithfulness: float | None = Field(description="sentences that their quotes carry; null without any")
    answer_relevance: float | None = Field(description="mean cosine of question and answer")
    abstained_rightly: float | None = Field(description="of the questions without evidence")
    best_threshold: float
    accuracy_of_deciding: float = Field(description="at best_threshold, on this same set: a little too good for new questions")


class Asked(Strict):
    question: str
    answerable: bool
    stage: str
    confidence: float
    said: str
    ranks: dict[str, int]


class Result(ToolResult):
    kind: str = Field(description="beir or questions")
    queries: int
    documents: int
    systems: list[System]
    comparisons: list[Comparison]
    chosen_fusion: str = Field(description="minmax or rrf; empty without vectors")
    reason: str
    answers: Answers | None = Field(None, description="null for a BEIR folder")
    stages: dict[str, int] = Field(description="questions by the stage that failed")
    failures: list[Asked] = Field(description="the first 50 that are not right")
    tuned: bool
    notices: list[str]


def estimate(args: Args, workspace: Path) -> Estimate:
    """As measured on two cores: 15 documents a second to embed, 0.1 s a query, 2 s a question."""
    path = workspace / Path(args.dataset).expanduser()
    if path.is_dir():
        size = sum(one.stat().st_size for one in path.glob("corpus.jsonl"))
        return Estimate(seconds=round(5 + size / 1000 / 15 + 0.1 * args.limit, 1), memory_bytes=500_000_000 + 3 * size, disk_bytes=3 * size)
    return Estimate(seconds=5 + 2.0 * min(args.limit, 100), memory_bytes=400_000_000)


def checks(args: Args, result: Result) -> Sequence[Check]:
    in_range = all(0 <= value <= 1 for one in result.systems for value in (one.recall_at_100, one.mrr_at_10))
    made = [Check(name="scores are between 0 and 1", passed=in_range), Check(name="something was asked", passed=result.queries > 0)]
    if result.answers:
        made.append(Check(name="every question has a stage", passed=sum(result.stages.values()) == result.queries))
    return made


@tool(
    effects=[Effect.READS_FILES, Effect.COMPUTES],
    example={"dataset": "examples/docs/questions.jsonl", "index": "default"},
    estimate=estimate,
    checks=checks,
    decisive=("limit",),
    volatile=True,
    keywords=("evaluate retrieval", "ndcg", "recall", "mrr", "beir", "search quality", "context precision", "faithfulness", "tune", "rag"),
)
def evaluate_retrieval(args: Args, ctx: ToolContext) -> Result:
    """Measure search (nDCG, recall, MRR, MAP) and answers (citations, faithfulness, abstention), failures by stage."""
    path = (ctx.workspace / Path(args.dataset).expanduser()).absolute()
    if path.is_dir():
        if not retrieval.is_beir(path):
            raise DataError(f"{path} is no BEIR folder", fix="it needs corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv")
        result = _beir(path, args, ctx)
    else:
        result = _questions(path, args, ctx)
    if args.tune:
        values: dict[str, Any] = {"fusion": result.chosen_fusion} if result.chosen_fusion else {}
        ctx.documents.tune(args.index, **values, **({"threshold": result.answers.best_threshold} if result.answers else {}))
    return result


def _beir(path: Path, args: Args, ctx: ToolContext) -> Result:
    done = ctx.documents.evaluate({"folder": str(path), "split": args.split, "limit": args.limit, "seed": ctx.settings.seed})
    systems = [
        System(
            name=one["name"],
            ndcg_at_10=one["ndcg@10"],
            recall_at_100=one["recall@100"],
            mrr_at_10=one["mrr@10"],
            map=one["map"],
            interval=one["interval"],
            query_ms=done["query_ms"].get(one["name"]),
        )
        for one in done["systems"]
    ]
    best = max(systems, key=lambda one: one.ndcg_at_10 or 0)
    verdict = "; ".join(f"{one['b']} against {one['a']}: {one['verdict']} ({one['difference']:+})" for one in done["comparisons"][:1])
    return Result(
        summary=f"{path.name}: {done['queries']} queries, best {best.name} nDCG@10 {best.ndcg_at_10}; {verdict}",
        kind="beir",
        queries=done["queries"],
        documents=done["documents"],
        systems=systems,
        comparisons=[Comparison(**one) for one in done["comparisons"]],
        chosen_fusion=done["chosen"],
        reason=done["reason"],
        stages={},
        failures=[],
        tuned=args.tune,
        notices=done["notices"],
    )


def _questions(path: Path, args: Args, ctx: ToolContext) -> Result:
    questions = read_questions(path)[: args.limit]
    outcomes = []
    for number, question in enumerate(questions, 1):
        outcomes.append(ask(question, args, ctx))
        ctx.progress("ask", step=number, steps=len(questions))
    systems, comparisons, chosen, reason = _ways(outcomes, ctx.settings.seed)
    answers = _answers(outcomes)
    stages = Counter(one.stage for one in outcomes)
    wrong = [Asked(**fields(one)) for one in outcomes if one.stage != "right"]
    return Result(
        summary=f"{path.name}: {stages['right']} of {len(outcomes)} right, citations {answers.citation_correctness}, "
        + (", ".join(f"{count} {stage}" for stage, count in stages.most_common() if stage != "right") or "no failures"),
        kind="questions",
        queries=len(outcomes),
        documents=int(ctx.documents.describe(args.index)["documents"]) if args.index in ctx.documents.names() else 0,
        systems=systems,
        comparisons=comparisons,
        chosen_fusion=chosen,
        reason=reason,
        answers=answers,
        stages=dict(stages),
        failures=wrong[:50],
        tuned=args.tune,
        notices=sorted({notice for one in outcomes for notice in one.said.notices}),
    )


def _ways(outcomes: Sequence[Outcome], seed: int) -> tuple[list[System], list[Comparison], str, str]:
    """The four ways to search by the rank of the first passage with evidence."""
    asked = [one for one in outcomes if one.question.evidence]
    if not asked:
        return [], [], "", "no question has evidence"
    gains = {name: [_reciprocal(one.ranks[key]) for one in asked] for key, name in SYSTEMS.items()}
    found = {name: [float(one.ranks[key] > 0) for one in asked] for key, name in SYSTEMS.items()}
    systems = []
    for name, values in gains.items():
        interval = stats.bootstrap_mean(values, seed=seed)
        ends = [round(interval.low, 4), round(interval.high, 4)]
        systems.append(System(name=name, recall_at_100=fmean(found[name]), mrr_at_10=round(fmean(values), 4), map=None, interval=ends))
    single = max(("lexical", "dense"), key=lambda name: fmean(gains[name]))
    pairs = [(single, "hybrid minmax"), (single, "hybrid rrf"), ("hybrid minmax", "hybrid rrf")]
    comparisons = [_compared(a, b, gains, seed) for a, b in pairs]
    better = comparisons[-1].verdict == "better"
    reason = f"RRF against the average: {comparisons[-1].verdict} ({comparisons[-1].difference:+}, p = {comparisons[-1].p_value})"
    return systems, comparisons, "rrf" if better else "minmax", reason


def _reciprocal(rank: int) -> float:
    return 1 / rank if 0 < rank <= 10 else 0.0


def _compared(a: str, b: str, gains: dict[str, list[float]], seed: int) -> Comparison:
    found = stats.compare(gains[a], gains[b], seed=seed)
    return Comparison(
        a=a,
        b=b,
        difference=round(found.difference, 4),
        interval=[round(found.low, 4), round(found.high, 4)],
        p_value=round(found.p_value, 5),
        smallest_detectable=None if found.smallest_detectable is None else round(found.smallest_detectable, 4),
        verdict=found.verdict,
    )


def _answers(outcomes: Sequence[Outcome]) -> Answers:
    asked = [one for one in outcomes if one.question.evidence]
    unasked = [one for one in outcomes if not one.question.evidence]
    right = stats.wilson(sum(one.stage == "right" for one in outcomes), len(outcomes))
    citations = sum(one.citations for one in outcomes)
    sentences = sum(len(one.said.sentences) for one in outcomes)
    relevance = [one.relevance for one in outcomes if one.relevance is not None]
    threshold, accuracy = best_threshold(outcomes)
    return Answers(
        accuracy=round(right.mean, 4),
        accuracy_interval=[round(right.low, 4), round(right.high, 4)],
        context_precision=round(fmean(map(_precision, asked)), 4) if asked else 0.0,
        context_recall=round(fmean(map(_recall, asked)), 4) if asked else 0.0,
        citation_correctness=round(sum(one.verified for one in outcomes) / citations, 4) if citations else None,
        faithfulness=round(sentences / (sentences + sum(len(one.said.cut) for one in outcomes)), 4) if sentences else None,
        answer_relevance=round(fmean(relevance), 4) if relevance else None,
        abstained_rightly=round(fmean(one.stage == "right" for one in unasked), 4) if unasked else None,
        best_threshold=threshold,
        accuracy_of_deciding=round(accuracy, 4),
    )


def _precision(one: Outcome) -> float:
    return retrieval.context_precision(
        [retrieval.holds_evidence(one.question.evidence, passage["window"]) for passage in one.said.passages]
    )


def _recall(one: Outcome) -> float:
    return retrieval.context_recall(one.question.evidence, [passage["window"] for passage in one.said.passages])
