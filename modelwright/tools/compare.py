"""The tool that says which model answers a data set better, or that these rows cannot tell.

Every model gets the same prompts, differences are taken row by row, and "better" means that the 95% interval of the
difference lies above zero and a paired test agrees. The overall verdict is of the last model against the first, on
the first metric; all other pairs and metrics are shown without correction for their number.

It does NOT measure speed, judge by another model, or reach endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from modelwright.canonical import bytes_of_path
from modelwright.contract import ToolContext, tool
from modelwright.data import reader
from modelwright.files import artifact
from modelwright.scoring import overlap
from modelwright.scoring.metrics import PERPLEXITIES
from modelwright.tools import _evaluation
from modelwright.tools._evaluation import Measured, Score, Setup
from modelwright.tools._evaluation_models import estimate_models, resolve_models
from modelwright.tools._evaluation_rows import EvaluationArgs, HashedFile, absolute, all_measured, count_lines, unchanged
from modelwright.types import Check, DatasetPath, Effect, Estimate, Json, ModelRef, Strict, ToolResult

Verdict = Literal["better", "worse", "cannot tell"]
LINES_SHOWN = 20


class Args(EvaluationArgs):
    models: list[ModelRef] = Field(min_length=2, max_length=6, description="2 to 6; the first is the baseline, the last the candidate")
    train_dataset: DatasetPath | None = Field(None, description="what a model was trained on: look for the prompts in it")


class ModelScores(Strict):
    model: ModelRef
    name: str = Field(description="short name, as used in pairs and samples")
    engine: str
    scores: dict[str, Score]
    pass_rate: Score | None
    checks: dict[str, Score]
    corpus_bleu: float | None
    answered: int = Field(description="rows answered (0 when only perplexity was measured)")
    truncated: int = Field(description="answers cut at max_new_tokens")
    tokens_per_second: float | None
    seconds: float


class Pair(Strict):
    """b against a, row by row. Above zero always means that b is better; for perplexity it is nats per token saved."""

    a: str
    b: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    p_value: float
    test: str
    smallest_detectable: float | None = Field(description="difference that these rows would show 4 times in 5; null when nothing differs")
    verdict: Verdict
    n: int


class Sample(Strict):
    why: str
    line: int
    gain: float = Field(description="of the last model over the first, on the first metric")
    prompt: str
    reference: str | None
    answers: dict[str, str]
    scores: dict[str, dict[str, float]]


class Contamination(Strict):
    train_dataset: HashedFile
    prompts: int = Field(description="prompts that stand in the training data, whole or by a run of 13 words")
    share: float
    lines: list[int] = Field(description="the first 20, as lines of the evaluation data")


class Result(ToolResult):
    models: list[ModelScores]
    rows: int
    pairs: list[Pair]
    verdict: Verdict = Field(description="of the last model against the first, on the first metric")
    verdict_metric: str
    samples: list[Sample] = Field(description="biggest gain, median and biggest loss")
    sizes: dict[str, int] = Field(description="bytes on disk; an adapter's without its base")
    contamination: Contamination | None
    signatures: dict[str, str] = Field(description="what BLEU and ROUGE numbers must be quoted with")
    items_path: str = Field(description="JSON lines: prompt, reference and every model's answer and scores")
    dataset: HashedFile
    rubric: HashedFile | None
    notes: list[str]


def estimate(args: Args, workspace: Path) -> Estimate:
    return estimate_models(args.models, args, workspace)


def checks(args: Args, result: Result) -> Sequence[Check]:
    by_rows = [pair for pair in result.pairs if pair.metric != "perplexity"]
    counts = sorted({pair.n for pair in by_rows} | {model.answered for model in result.models if model.answered})
    lines = count_lines(result.items_path)
    windows = [model.scores["perplexity"].n for model in result.models if set(model.scores) == {"perplexity"}]
    wanted = max(windows, default=result.rows)
    files = [file for file in (result.dataset, result.rubric) if file]
    return [
        Check(name="every model answered every row", passed=counts in ([], [result.rows]), detail=f"{counts} of {result.rows}"),
        Check(name="the items file is whole", passed=lines == wanted and lines > 0, detail=f"{lines} lines for {wanted} items"),
        all_measured(args.metrics, set.intersection(*(set(model.scores) for model in result.models))),
        Check(name="data set and rubric are unchanged", passed=all(map(unchanged, files)), detail=", ".join(file.path for file in files)),
    ]


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"models": ["builtin", "tuned"], "dataset": "eval.jsonl"},
    estimate=estimate,
    checks=checks,
    decisive=_evaluation.DECISIVE,
    settle=_evaluation.settle,
    reads=lambda args, workspace: _evaluation.reads(args, args.models, workspace),
    keywords=("compare", "better", "versus", "against", "difference", "before and after", "improvement", "regression"),
)
def compare(args: Args, ctx: ToolContext) -> Result:
    """Compare models on the same rows: paired differences with intervals, and better, worse or cannot tell."""
    models = resolve_models(args.models, ctx.workspace)
    setup = _evaluation.prepare(ctx, args)
    contamination = _contamination(setup, ctx.workspace, args.train_dataset)
    measured, scored = _evaluation.measure(ctx, models, setup)
    items = ctx.output_dir / "items.jsonl"
    _evaluation.write_items(items, _evaluation.item_rows(setup, measured))
    pairs = [Pair(**pair) for pair in scored["pairs"]]
    metric, decisive = _decisive(pairs, measured)
    return Result(
        summary=_summary(measured, metric, decisive),
        artifacts=[artifact(items, "items")],
        models=[_model_scores(ref, one) for ref, one in zip(args.models, measured, strict=True)],
        rows=len(setup.data.items),
        pairs=pairs,
        verdict=decisive.verdict if decisive else "cannot tell",
        verdict_metric=metric,
        samples=_samples(setup, measured, metric),
        sizes={one.name: bytes_of_path(Path(one.model.path)) for one in measured},
        contamination=contamination,
        signatures=scored["signatures"],
        items_path=str(items),
        dataset=setup.data.file,
        rubric=setup.rubric,
        notes=[*_evaluation.notes_of(setup, measured), *scored["notes"], *_pair_notes(pairs, contamination)],
    )


def _decisive(pairs: Sequence[Pair], measured: Sequence[Measured]) -> tuple[str, Pair | None]:
    """The first metric, and the pair of first and last model on it (none when their perplexities do not compare)."""
    metric = next(iter(measured[0].scored["scores"]))
    a, b = measured[0].name, measured[-1].name
    return metric, next((pair for pair in pairs if (pair.a, pair.b, pair.metric) == (a, b, metric)), None)


def _summary(measured: Sequence[Measured], metric: str, pair: Pair | None) -> str:
    a, b = measured[0].name, measured[-1].name
    if pair is None:
        return f"cannot tell whether {b} is better than {a}: their {metric} does not compare"
    between = "no interval" if pair.low is None or pair.high is None else f"{pair.low:+.2f} to {pair.high:+.2f}"
    numbers = f"{pair.difference:+.2f} ({between}), n={pair.n}, p={pair.p_value:.2g}"
    if pair.verdict == "cannot tell":
        bound = f"; below {pair.smallest_detectable:.2f} a difference would not show" if pair.smallest_detectable else ""
        return f"cannot tell whether {b} is better than {a} on {metric}: {numbers}{bound}"
    return f"{b} is {pair.verdict} than {a} on {metric}: {numbers}"


def _model_scores(ref: str, one: Measured) -> ModelScores:
    return ModelScores(
        model=ref,
        name=one.name,
        engine=one.engine,
        scores=one.scores,
        pass_rate=one.pass_rate,
        checks=one.checks,
        corpus_bleu=one.scored["corpus_bleu"],
        answered=len(one.details),
        truncated=one.truncated,
        tokens_per_second=one.tokens_per_second,
        seconds=one.seconds,
    )


def _samples(setup: Setup, measured: Sequence[Measured], metric: str) -> list[Sample]:
    """Three rows by the gain of the last model over the first: the most, the middle, the least. Fewer rows give fewer."""
    base, tuned = measured[0].scored["items"].get(metric), measured[-1].scored["items"].get(metric)
    if base is None or tuned is None:
        return []
    gains = [after - before for before, after in zip(base, tuned, strict=True)]
    order = sorted(range(len(gains)), key=lambda index: (-gains[index], index))
    most, least = order[0], order[-1]
    chosen = {most: "biggest gain" if gains[most] > 0 else "least loss"}
    chosen.setdefault(order[len(order) // 2], "median")
    chosen.setdefault(least, "biggest loss" if gains[least] < 0 else "least gain")
    return [_sample(setup, measured, index, why, gains[index]) for index, why in chosen.items()]


def _sample(setup: Setup, measured: Sequence[Measured], index: int, why: str, gain: float) -> Sample:
    item = setup.data.items[index]
    scores = {one.name: {metric: values[index] for metric, values in one.scored["items"].items()} for one in measured}
    return Sample(
        why=why,
        line=item.line,
        gain=gain,
        prompt=item.prompt,
        reference=item.reference,
        answers={one.name: (one.answers or [])[index] for one in measured},
        scores=scores,
    )


def _contamination(setup: Setup, workspace: Path, train_dataset: str | None) -> Contamination | None:
    if train_dataset is None:
        return None
    train = reader.read(absolute(workspace, train_dataset))
    texts = (text for row in train.rows for text in _texts(row.example))
    prompts = ["\n".join(_texts({"messages": item.messages})) or item.text for item in setup.data.items]
    hits = overlap.contaminated(prompts, texts)
    file = HashedFile(path=str(train.path), sha256=train.sha256)
    lines = [setup.data.items[index].line for index in hits[:LINES_SHOWN]]
    return Contamination(train_dataset=file, prompts=len(hits), share=len(hits) / len(prompts), lines=lines)


def _texts(example: Json) -> list[str]:
    """Every text of a row but system messages, which rows share on purpose."""
    if "text" in example:
        return [example["text"]]
    turns = [turn for key in ("messages", "prompt", "chosen", "rejected") for turn in example.get(key, [])]
    return [str(turn["content"]) for turn in turns if turn["role"] != "system"]


def _pair_notes(pairs: Sequence[Pair], contamination: Contamination | None) -> list[str]:
    notes = []
    if contamination and contamination.prompts:
        notes.append(f"{contamination.prompts} prompts ({contamination.share:.0%}) stand in the training data: the scores may flatter")
    if len(pairs) > 1:
        notes.append(f"{len(pairs)} differences are shown, not corrected for their number; only the first decides")
    if any(pair.metric in PERPLEXITIES for pair in pairs):
        notes.append("a difference in perplexity is in nats per token: above zero, b is less surprised")
    return notes
