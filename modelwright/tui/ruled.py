"""A rule of a policy in words, row by row: for the screen of policies, and for the rule that "always" would write.

What is not a path or an estimate is told by its own name and operator. Not here: what the rule says of one call (policies/rules.py).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelwright.text import human_bytes, human_seconds

if TYPE_CHECKING:
    from modelwright.types import Json

Row = tuple[str, str]
EFFECTS = {
    "reads_files": "reads files",
    "writes_files": "writes files",
    "computes": "computes for long",
    "network": "uses the network",
    "spends_money": "spends money",
    "executes_code": "runs code that is not modelwright's",
    "irreversible": "does what cannot be undone",
}
ZONES = {
    "workspace": "in this folder",
    "modelwright": "in .modelwright",
    "outside": "outside this folder",
    "secret": "where keys, passwords and policies are",
}
ESTIMATES = {"estimate.seconds": "takes", "estimate.memory_bytes": "memory", "estimate.disk_bytes": "disk", "estimate.cost": "money"}
OPERATORS = {
    "eq": "{}",
    "ne": "anything but {}",
    "lt": "less than {}",
    "le": "at most {}",
    "gt": "more than {}",
    "ge": "at least {}",
    "in": "{}",
    "not_in": "none of {}",
    "glob": "like {}",
    "not_glob": "not like {}",
}


def told(rule: Json) -> list[Row]:
    """`rule` is an entry of the policy's TOML."""
    is_allowed = rule.get("decide") == "allow"
    rows = [("tools", _tools(rule.get("tools", [])))]
    if effects := rule.get("effects"):
        said = [EFFECTS.get(name, name) for name in effects]
        rows.append(("effects", f"{listed(said, 'and')}; nothing else") if is_allowed else ("effects", listed(said, "or")))
    rows += [_condition(key, tests, is_allowed) for key, tests in rule.get("when", {}).items()]
    if answers := rule.get("answers"):
        rows.append(("answers", f"{listed(answers, 'and')}, which would ask"))
    return rows


def always(rule: str) -> list[Row]:
    """Of the TOML that "always" would write."""
    [entry] = tomllib.loads(rule)["rule"]
    return told(entry)


def listed(names: Sequence[str], last: str) -> str:
    """ "a, b and c"."""
    *before, end = names
    return f"{', '.join(before)} {last} {end}" if before else end


def _tools(names: Sequence[str]) -> str:
    return "any" if not names or "*" in names else listed(list(names), "or")


def _condition(key: str, tests: Json, is_allowed: bool) -> Row:
    if key.startswith("path."):
        return key.removeprefix("path."), listed([_place(name, value, is_allowed) for name, value in tests.items()], "and")
    label = ESTIMATES.get(key, key.removeprefix("estimate.").removeprefix("args."))
    return label, listed([_compared(key, name, value) for name, value in tests.items()], "and")


def _place(operator: str, value: Any, is_allowed: bool) -> str:
    """Every file has to lie there for a yes; for a question or a no one is enough."""
    if operator == "exists":
        return "any file" if value else "no file of yours"
    zones = listed([ZONES.get(zone, str(zone)) for zone in (value if isinstance(value, list) else [value])], "or")
    lies = OPERATORS.get(operator, f"{operator} {{}}").format(zones)
    return f"only what is {lies}" if is_allowed else f"something {lies}"


def _compared(key: str, operator: str, value: Any) -> str:
    if operator == "exists":
        return "given" if value else "not given"
    if key == "estimate.cost" and operator == "le" and not value:
        return "none"
    told = ", ".join(_value(key, part) for part in value) if isinstance(value, list) else _value(key, value)
    return OPERATORS.get(operator, f"{operator} {{}}").format(told)


def _value(key: str, value: Any) -> str:
    units = {"estimate.seconds": human_seconds, "estimate.memory_bytes": human_bytes, "estimate.disk_bytes": human_bytes}
    if key in units:
        return units[key](value)
    return f"{value:g} US dollars" if key == "estimate.cost" else str(value)
