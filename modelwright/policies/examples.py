"""A rule's own examples: calls that it must match and calls that it must not, tried when the policy is read.

An example is a call described, not a call made: `tool`, `args`, `effects`, `estimate`, and the zones of what it `reads` and
`writes`. So a policy file can be checked on any machine, without the tools and the files that it speaks of.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from modelwright.errors import ConfigError
from modelwright.policies.paths import Touched, Touches, Zone
from modelwright.policies.rules import Facts, Rule
from modelwright.types import Effect, Estimate, Json, Strict


class Example(Strict):
    tool: str
    effects: list[Effect] = Field(default_factory=list)
    args: Json = Field(default_factory=dict)
    estimate: Estimate = Field(default_factory=Estimate)
    reads: list[Zone] = Field(default_factory=list)
    writes: list[Zone] = Field(default_factory=list)


def try_out(rule: Rule, entry: Json, path: Path) -> None:
    """Raises ConfigError naming file, rule and example when one does not do what it says."""
    for key, wanted in (("match", True), ("not_match", False)):
        for number, example in enumerate(_examples(entry, key, path), 1):
            place = f"{path}: rule {rule.id!r}: {key} {number}"
            facts = facts_of(_parsed(example, place))
            if rule.effects and not facts.effects:
                raise ConfigError(f"{place} names no effects, the rule does", fix="add effects = [...] to the example")
            if rule.fits(facts) is not wanted:
                found = "does not match" if wanted else "matches"
                raise ConfigError(f"{place} {found}: {rule.explain(facts)}", fix="change the rule or the example")


def of(entry: Json, path: Path) -> list[Facts]:
    """The calls that a rule says it matches."""
    return [facts_of(_parsed(example, str(path))) for example in _examples(entry, "match", path)]


def facts_of(example: Example) -> Facts:
    touched = Touches(tuple(Touched("a path", z) for z in example.reads), tuple(Touched("a path", z) for z in example.writes))
    return Facts(example.tool, frozenset(example.effects), example.args, example.estimate, touched)


def _examples(entry: Json, key: str, path: Path) -> list[Any]:
    found = entry.get(key, [])
    if not isinstance(found, list):
        raise ConfigError(f"{path}: rule {entry['id']!r}: {key} is not a list", fix=f'write {key} = [{{ tool = "finetune" }}]')
    return found


def _parsed(example: Any, place: str) -> Example:
    try:
        return Example.model_validate(example)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        near = get_close_matches(str(first["loc"][-1]) if first["loc"] else "", [*Example.model_fields, *Estimate.model_fields], n=1)
        hint = f"did you mean {near[0]}?" if near and first["type"] == "extra_forbidden" else f"known: {', '.join(Example.model_fields)}"
        raise ConfigError(f"{place}: {key}: {first['msg']}", fix=hint) from None
