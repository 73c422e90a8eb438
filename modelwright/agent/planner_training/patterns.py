"""Requests with slots and the plans that are right for them, and two ways to say more with them: again, and joined.

    {"request": "teach {m} our tone from {d}", "steps": [{"tool": "finetune", "args": {"model": "{m}", "dataset": "{d}"}}],
     "slots": {"m": "model", "d": "dataset"}}

An argument is a slot, a value whose word stands in the request, or "$1", the result of the first step.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.agent.planner_training.values import Values
from modelwright.errors import DataError
from modelwright.models.adapter import FOLDER
from modelwright.types import Json

_WORDINGS = tomllib.loads((FOLDER / "wordings.toml").read_text(encoding="utf-8"))["joined"]
FEWEST = 20
"""Patterns of a tool that is learnt by heart."""
MAKERS = frozenset({"finetune", "align", "pretrain", "export_model", "quantize"})
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Pattern:
    request: str
    kind: str = "plan"
    steps: Sequence[Json] = ()
    slots: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    """How often it is filled at least."""

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(step["tool"] for step in self.steps)

    @property
    def words(self) -> frozenset[str]:
        """Words that are values: a slip in them would make them others."""
        return frozenset(word for step in self.steps for value in flat(step["args"]) for word in re.findall(r"\w+", str(value).lower()))


@dataclass(frozen=True)
class Filled:
    """A pattern with values, and the places of each slot in the request, one for every mention."""

    pattern: Pattern
    request: str
    places: Mapping[str, Sequence[tuple[int, int]]]

    def values(self, kind: str) -> list[str]:
        """What was filled into the slots of this kind."""
        return [self.request[slice(*self.places[name][0])] for name, slot in self.pattern.slots.items() if slot == kind]


def read(path: Path, times: int = 1) -> list[Pattern]:
    """Raises DataError with file and line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            pattern = Pattern(row["request"], row.get("kind", "plan"), row["steps"], row.get("slots", {}), times)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number} is no pattern: {error!r:.100}") from None
        if missing := set(_SLOT.findall(pattern.request)) ^ set(pattern.slots):
            raise DataError(f"{path}:{number}: {', '.join(sorted(missing))} is a slot in one of request and slots only")
        found.append(pattern)
    return found


def learnt(patterns: Sequence[Pattern]) -> frozenset[str]:
    """The tools that enough patterns speak of for a model to know them by heart; others are known by their cards."""
    uses = Counter(tool for pattern in patterns for tool in set(pattern.tools))
    return frozenset(tool for tool, count in uses.items() if count >= FEWEST)


def fill(pattern: Pattern, values: Values) -> Filled:
    """Every slot with a value; a second mention of a slot has the same."""
    chosen = {name: values.of(kind) for name, kind in pattern.slots.items()}
    text, places, at = "", dict[str, list[tuple[int, int]]](), 0
    for match in _SLOT.finditer(pattern.request):
        text += pattern.request[at : match.start()]
        places.setdefault(match[1], []).append((len(text), len(text) + len(chosen[match[1]])))
        text += chosen[match[1]]
        at = match.end()
    return Filled(pattern, text + pattern.request[at:], places)


def joined(first: Pattern, second: Pattern, chance: random.Random) -> Pattern:
    """Both, one after the other. Half of the time the second speaks of what the first made ("then quantize it")."""
    renamed, slots = {name: f"{name}b" for name in second.slots}, {f"{name}b": kind for name, kind in second.slots.items()}
    text = _SLOT.sub(lambda m: "{" + renamed[m[1]] + "}", second.request)
    steps = [_renamed(step, renamed, len(first.steps)) for step in second.steps]
    model = steps[0]["args"].get("model", "")
    refers = first.tools[-1] in MAKERS and isinstance(model, str) and model.startswith("{") and chance.random() < 0.6
    if refers and text.count(model) == 1 and sum(model in json.dumps(step) for step in steps) == 1:
        text = text.replace(model, chance.choice(_WORDINGS["made"]))
        slots.pop(model.strip("{}"))
        steps[0] = {**steps[0], "args": {**steps[0]["args"], "model": f"${len(first.steps)}"}}
    a, b = first.request.rstrip(".!? "), text.rstrip(".! ")
    b = b if b[:2].isupper() or b[:2] == "I " else b[:1].lower() + b[1:]
    text = str(chance.choice(_WORDINGS["joints"])).replace("<1>", a).replace("<2>", b)
    return Pattern(text, "plan", [*first.steps, *steps], {**first.slots, **slots})


def _renamed(step: Json, names: Mapping[str, str], shift: int) -> Json:
    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(v) for v in value]
        if isinstance(value, str) and re.fullmatch(r"\$\d+", value):
            return f"${int(value[1:]) + shift}"
        return _SLOT.sub(lambda m: "{" + names[m[1]] + "}", value) if isinstance(value, str) else value

    return {"tool": step["tool"], "args": {name: change(value) for name, value in step["args"].items()}}


def flat(value: Any) -> list[Any]:
    """Every plain value in nested arguments."""
    if isinstance(value, dict):
        return [inner for part in value.values() for inner in flat(part)]
    return [inner for part in value for inner in flat(part)] if isinstance(value, list) else [value]
