"""A policy file, read with suspicion: whatever is unknown is refused with the nearest name, whatever cannot match too.

The examples of each rule are tried when the file is read, so a rule that does not do what its author thinks never loads.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from modelwright.errors import ConfigError
from modelwright.policies import examples
from modelwright.policies.paths import ZONES
from modelwright.policies.policy import EXAMPLE_KEYS, NO_RULE, Policy
from modelwright.policies.rules import ANY_TOOL, ESTIMATE_KEYS, OPERATORS, PATH_KEYS, Condition, Rule
from modelwright.types import Decision, Effect, Json

DEFAULT = Path(__file__).with_name("default.toml")
SIZE_LIMIT = 1_000_000
RULE_KEYS = ("id", "why", "tools", "effects", "when", "decide", "answers", *EXAMPLE_KEYS)
_ARGUMENT = re.compile(r"args(?:\.[A-Za-z_][A-Za-z0-9_]*(?:\[\*\])*)+")
_NUMBER_OPERATORS = ("lt", "le", "gt", "ge")
_ZONE_OPERATORS = ("eq", "ne", "in", "not_in", "exists")


def load(path: Path | None = None) -> Policy:
    """The policy in `path`, or the packaged default. Raises ConfigError naming file, rule and example."""
    path = DEFAULT if path is None else path
    source = _read(path)
    _refuse_unknown(source, ("version", "rule", "secret"), str(path))
    if source.get("version") != 1:
        raise ConfigError(f"{path}: version is {source.get('version')!r}", fix="write version = 1")
    entries = source.get("rule")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{path}: it has no rules", fix="write each as [[rule]] with id, why and decide")
    rules = tuple(_rule(entry, number, path) for number, entry in enumerate(entries, 1))
    _refuse_duplicates([rule.id for rule in rules], path)
    _check_answers(rules, path)
    for rule, entry in zip(rules, entries, strict=True):
        examples.try_out(rule, entry, path)
    return Policy(path, rules, tuple(_strings(source.get("secret", []), f"{path}: secret")), source)


def _read(path: Path) -> Json:
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise ConfigError(f"{path}: a policy of {path.stat().st_size} bytes", fix=f"keep it below {SIZE_LIMIT} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path} does not exist", fix="name a policy file that is there; see docs/policies.md for how one is written"
        ) from None
    except (OSError, ValueError, RecursionError) as error:  # TOML's and UTF-8's errors are ValueErrors
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(f"{path}: not readable as a policy: {reason}", fix="see docs/policies.md for how one is written") from None


def _rule(entry: Json, number: int, path: Path) -> Rule:
    name = entry.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or name == NO_RULE:
        raise ConfigError(f"{path}: rule {number}: id is {name!r}", fix="give it an id of small letters, digits and hyphens")
    where = f"{path}: rule {name!r}"
    _refuse_unknown(entry, RULE_KEYS, where)
    if not isinstance(entry.get("why"), str) or not entry["why"].strip():
        raise ConfigError(f"{where}: it has no why", fix="say in a sentence why; people read it when they are asked")
    rule = Rule(
        id=name,
        why=entry["why"].strip(),
        decide=Decision(_known(entry.get("decide"), list(Decision), f"{where}: decide")),
        tools=frozenset(_tools(entry, where)),
        effects=frozenset(Effect(_known(e, list(Effect), f"{where}: effects")) for e in _given(entry, "effects", where)),
        when=tuple(_conditions(entry, where)),
        answers=frozenset(_given(entry, "answers", where)),
    )
    if not (rule.tools or rule.effects or rule.when):
        raise ConfigError(f"{where}: it says nothing of when it matches", fix='give it tools, effects or when; tools = ["*"] is any tool')
    return rule


def _given(entry: Json, key: str, where: str) -> list[str]:
    """The strings of a list that may be left out but not be empty."""
    if key not in entry:
        return []
    values = _strings(entry[key], f"{where}: {key}")
    if not values:
        raise ConfigError(f"{where}: {key} is empty, so it can never match", fix=f"name some, or leave {key} out")
    return values


def _tools(entry: Json, where: str) -> list[str]:
    names = _given(entry, "tools", where)
    for name in names:
        if name != ANY_TOOL and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:/-]*", name):
            raise ConfigError(
                f"{where}: tools: {name!r} is not a tool's name", fix='name tools exactly; "*" alone is any tool, patterns are not read'
            )
    if ANY_TOOL in names and len(names) > 1:
        raise ConfigError(f'{where}: tools: "*" stands beside other names', fix='write tools = ["*"] or the names alone')
    return names


def _conditions(entry: Json, where: str) -> Iterable[Condition]:
    table = entry.get("when", {})
    if not isinstance(table, dict) or ("when" in entry and not table):
        raise ConfigError(f"{where}: when is {table!r:.60}", fix='write when = { "estimate.seconds" = { gt = 60 } }')
    for key, tests in table.items():
        place = f"{where}: when.{key}"
        _check_key(key, place)
        if not isinstance(tests, dict) or not tests:
            raise ConfigError(
                f"{place} is {tests!r:.60}", fix=f'write "{key}" = {{ OPERATOR = VALUE }} in quotes; operators: {", ".join(OPERATORS)}'
            )
        for operator, operand in tests.items():
            _known(operator, list(OPERATORS), place)
            _check_operand(key, operator, operand, place)
        parts = tuple(key.removeprefix("args.").replace("[*]", ".*").split(".")) if key.startswith("args.") else ()
        condition = Condition(key, tuple(tests.items()), parts)
        _refuse_impossible(condition, place)
        yield condition


def _check_key(key: str, place: str) -> None:
    if key in PATH_KEYS or key in ESTIMATE_KEYS or _ARGUMENT.fullmatch(key):
        return
    known = [*PATH_KEYS, *ESTIMATE_KEYS]
    near = get_close_matches(key, known, n=1)
    raise ConfigError(
        f"{place}: no such thing to look at", fix=f"did you mean {near[0]}?" if near else f"known: args.NAME, {', '.join(known)}"
    )


def _check_operand(key: str, operator: str, operand: Any, place: str) -> None:
    place = f"{place}.{operator}"
    if operator == "exists":
        _require(isinstance(operand, bool), place, operand, "true or false")
    elif operator in _NUMBER_OPERATORS or key in ESTIMATE_KEYS:
        _require(
            operator in (*_NUMBER_OPERATORS, "eq", "ne") and _is_number(operand),
            place,
            operand,
            "a number, with one of eq, ne, lt, le, gt, ge",
        )
    elif operator in ("in", "not_in"):
        _require(
            isinstance(operand, list) and bool(operand) and all(map(_is_scalar, operand)), place, operand, "a list with something in it"
        )
    elif operator in ("glob", "not_glob"):
        _require(isinstance(operand, str), place, operand, "a string")
    else:
        _require(_is_scalar(operand), place, operand, "a string, a number, true or false")
    if key in PATH_KEYS:
        _require(operator in _ZONE_OPERATORS, place, operand, f"a zone, with one of {', '.join(_ZONE_OPERATORS)}")
        for zone in [] if operator == "exists" else operand if isinstance(operand, list) else [operand]:
            _known(zone, list(ZONES), place)
    if key in ESTIMATE_KEYS:
        _require(operator != "exists", place, operand, "left out: an estimate is always there")


def _refuse_impossible(condition: Condition, place: str) -> None:
    """Try every value that could matter; none that fits means that the rule is dead."""
    tests = dict(condition.tests)
    if tests.get("exists") is False:
        if len(tests) > 1:
            raise ConfigError(f"{place}: it can never match: nothing can be compared", fix="take exists or the others out")
        return
    candidates = _candidates(condition, tests)
    if candidates is not None and not any(condition.holds_for(value) for value in candidates):
        raise ConfigError(f"{place}: no value can meet it ({condition})", fix="change or remove the condition")


def _candidates(condition: Condition, tests: Json) -> list[Any] | None:
    """The values among which one must fit, or None when they cannot be counted."""
    if "eq" in tests:
        found = [tests["eq"]]
    elif "in" in tests:
        found = list(tests["in"])
    elif condition.key in PATH_KEYS:
        found = list(ZONES)
    elif all(_is_number(operand) for operand in tests.values()):
        bounds = list(tests.values())
        found = [0, *(bound + step for bound in bounds for step in (-1, 0, 1)), *((a + b) / 2 for a in bounds for b in bounds)]
    else:
        return None
    return [value for value in found if value >= 0] if condition.key in ESTIMATE_KEYS else found


def _check_answers(rules: Iterable[Rule], path: Path) -> None:
    """Only an allow rule answers, and only ask rules of the same file: a deny cannot be talked out of."""
    asking = [rule.id for rule in rules if rule.decide is Decision.ASK]
    for rule in rules:
        where = f"{path}: rule {rule.id!r}: answers"
        if rule.answers and rule.decide is not Decision.ALLOW:
            raise ConfigError(f"{where}: it decides {rule.decide.value}", fix="only an allow rule answers ask rules")
        for name in sorted(rule.answers):
            _known(name, asking, where)


def _refuse_duplicates(ids: list[str], path: Path) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise ConfigError(f"{path}: two rules are called {name!r}", fix="give each rule an id of its own")


def _refuse_unknown(values: Json, known: Iterable[str], where: str) -> None:
    for key in values:
        _known(key, list(known), f"{where}: unknown key")


def _known(value: Any, known: list[str], place: str) -> str:
    if isinstance(value, str) and value in known:
        return value
    near = get_close_matches(str(value), [str(k) for k in known], n=1)
    raise ConfigError(f"{place}: {value!r:.60}", fix=f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}")


def _require(met: bool, place: str, operand: Any, wanted: str) -> None:
    if not met:
        raise ConfigError(f"{place} is {operand!r:.60}", fix=f"it must be {wanted}")


def _strings(value: Any, place: str) -> list[str]:
    _require(isinstance(value, list) and all(isinstance(item, str) and item for item in value), place, value, "a list of strings")
    return list(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | bool) or _is_number(value)
