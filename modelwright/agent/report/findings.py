"""What a tool's result says beyond scalars: scores, paired differences, samples, losses, sizes of models.

Found by shape, never by tool name, so that any tool's result gets its section and this room imports no tool. An item
that does not have the shape is left to the generic tables. Not here: any arithmetic on what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from modelwright.types import Json


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]


class Shape(BaseModel):
    """Other fields are welcome."""

    model_config = ConfigDict(extra="ignore", strict=False)


class Difference(Shape):
    """The paired difference b - a on one metric."""

    a: str
    b: str
    metric: str
    difference: float = Field(allow_inf_nan=False)
    low: Number = None
    high: Number = None
    n: int | None = None
    test: str = ""
    p_value: Number = None
    smallest_detectable: Number = None
    verdict: str = ""


class Score(Shape):
    """One model's score on one metric."""

    model: str
    metric: str
    mean: float = Field(validation_alias=AliasChoices("mean", "value", "score"), allow_inf_nan=False)
    low: Number = None
    high: Number = None
    n: int | None = None
    method: str = ""


class Sample(Shape):
    """One prompt with what each model answered."""

    prompt: str
    reference: str | None = Field(None, validation_alias=AliasChoices("reference", "expected"))
    answers: dict[str, str]
    why: str = ""
    """Why this one is shown: biggest gain, median …"""


class Weights(Shape):
    """A model file with its size."""

    name: str
    bytes: int = Field(ge=0)
    bits_per_weight: Number = None


Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Findings:
    """All of it, of one result."""

    differences: list[Difference]
    decisive: list[Difference]
    """Those that the result's own verdict is about."""
    scores: list[Score]
    rates: list[Score]
    """Share of answers that pass each check; `metric` is the check."""
    samples: list[Sample]
    weights: list[Weights]
    losses: dict[str, Curve]
    notes: list[str]


def of(result: Json) -> Findings:
    found = differences(result)
    return Findings(
        found, decisive(result, found), scores(result), rates(result), samples(result), weights(result), losses(result), notes(result)
    )


Found = TypeVar("Found", bound=Shape)


def _read(kind: type[Found], items: Iterator[Any]) -> list[Found]:
    found = []
    for item in items:
        try:
            found.append(kind.model_validate(item))
        except ValidationError:
            continue
    return found


def _dicts(result: Json, *names: str) -> Iterator[Json]:
    for name in names:
        value = result.get(name)
        if isinstance(value, list):
            yield from (item for item in value if isinstance(item, dict))


def differences(result: Json) -> list[Difference]:
    return _read(Difference, _dicts(result, "pairs", "comparisons", "differences"))


def decisive(result: Json, found: list[Difference]) -> list[Difference]:
    """The difference that the result's own `verdict` is about (last model against the first); all when it names none."""
    metric, names = result.get("verdict_metric"), [_model_name(m) for m in _dicts(result, "models")]
    chosen = [d for d in found if d.metric == metric and names and (d.a, d.b) == (names[0], names[-1])]
    return chosen or ([] if metric else found)


def scores(result: Json) -> list[Score]:
    """From `scores` and `pass_rate`, of the result itself and of each item in `models`."""
    rows = []
    for owner, item in _owners(result):
        rows += [*_score_rows(owner, item.get("scores")), *_score_rows(owner, {"rubric_pass": item.get("pass_rate")})]
    return _read(Score, iter(rows))


def rates(result: Json) -> list[Score]:
    return _read(Score, (row for owner, item in _owners(result) for row in _score_rows(owner, item.get("checks"))))


def _owners(result: Json) -> Iterator[tuple[str, Json]]:
    """The result itself, and each model in it, with its name."""
    yield _model_name(result), result
    for item in _dicts(result, "models"):
        yield _model_name(item), item


def _score_rows(owner: str, given: Any) -> Iterator[Json]:
    """{metric: interval}, or a list of intervals with a `metric` field."""
    if isinstance(given, dict):
        for metric, value in given.items():
            if isinstance(value, dict):
                yield {"model": owner, "metric": metric, **value}
    elif isinstance(given, list):
        yield from ({"model": owner, **item} for item in given if isinstance(item, dict))


def _model_name(item: Json) -> str:
    return str(item.get("name") or item.get("model") or item.get("type") or "")


def samples(result: Json) -> list[Sample]:
    """From `samples`, `examples`; answers as a mapping, a list in the order of `models`, or before and after."""
    return _read(Sample, (_as_sample(item) for item in _dicts(result, "samples", "examples")))


def _as_sample(item: Json) -> Json:
    answers = item.get("answers")
    if isinstance(answers, list):
        answers = {_model_name(a): str(a.get("answer", a.get("text", ""))) for a in answers if isinstance(a, dict)}
    if answers is None:
        answers = {
            name: item[name] for name in ("before", "after", "base", "tuned", "chosen", "rejected") if isinstance(item.get(name), str)
        }
    return {**item, "prompt": _prompt_text(item.get("prompt")), "answers": answers or None}


def _prompt_text(prompt: Any) -> Any:
    """A list of messages as text: its last turn, or all of them with their roles."""
    if not isinstance(prompt, list):
        return prompt
    turns = [m for m in prompt if isinstance(m, dict)]
    if len(turns) == 1:
        return str(turns[0].get("content", ""))
    return "\n".join(f"{m.get('role', '')}: {m.get('content', '')}" for m in turns)


def losses(result: Json) -> dict[str, Curve]:
    """{"training": points, "evaluation": points} from `losses`, `log_history` and `eval_losses`."""
    history = [*_dicts(result, "losses", "log_history", "history")]
    plain = result.get("losses")
    curves = {
        "training": _curve(history, "loss") or _numbered(plain),
        "evaluation": _curve(history, "eval_loss") or _curve([*_dicts(result, "eval_losses")], "loss"),
    }
    return {name: points for name, points in curves.items() if len(points) > 1}


def _curve(points: list[Json], name: str) -> Curve:
    """(step, value) of every point that has both as finite numbers."""
    found = [point for point in points if _is_number(point.get("step")) and _is_number(point.get(name))]
    return [(float(point["step"]), float(point[name])) for point in found]


def _numbered(values: Any) -> Curve:
    if not isinstance(values, list):
        return []
    return [(float(i), float(v)) for i, v in enumerate(values, 1) if _is_number(v)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def weights(result: Json) -> list[Weights]:
    """Files with bits per weight: the items of `files`, `models`, `quantizations`, or the result itself."""
    items = [*_dicts(result, "files", "models", "quantizations"), result]
    return _read(Weights, (_as_weights(item) for item in items if "bits_per_weight" in item))


def _as_weights(item: Json) -> Json:
    size = next((item[k] for k in ("bytes", "file_bytes", "size_bytes") if k in item), None)
    name = item.get("type") or item.get("name") or Path(str(item.get("path") or item.get("model") or "model")).name
    return {**item, "name": str(name), "bytes": size}


def notes(result: Json) -> list[str]:
    """What the tool itself wants said beside its numbers."""
    found: list[str] = []
    for name in ("notes", "warnings", "caveats", "limits"):
        value = result.get(name)
        found += (
            [value] if isinstance(value, str) and value else [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
        )
    return found
