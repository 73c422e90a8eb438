"""A sheet of named numbers, each worked out from the formula that is printed beside it, so that the two cannot disagree.

A name without a value is unknown, and so is every line that needs it: the line says which. Formulas know + - * / ( )
and ceil. Not a tool.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from modelwright.types import Strict

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
NAME = re.compile(r"[a-z][a-z_0-9]*")
FUNCTIONS = frozenset({"ceil"})


class Line(Strict):
    """One number with the formula it was worked out from."""

    name: str = Field(description="what it is; later formulas use this name")
    value: float | None = Field(description="null when something that it needs is unknown")
    unit: str = Field(description="of the value")
    formula: str = Field(description="in names")
    numbers: str = Field(description="the formula with its numbers; what is unknown as ?")
    unknown: list[str] = Field(description="names that have no value")


@dataclass
class Sheet:
    """`values` are given, or come from lines above."""

    values: dict[str, float | None]
    lines: list[Line] = field(default_factory=list)

    def add(self, name: str, unit: str, formula: str) -> float | None:
        used = [one for one in dict.fromkeys(NAME.findall(formula)) if one not in FUNCTIONS]
        unknown = [one for one in used if self.values.get(one) is None]
        value = None if unknown else evaluate(formula, self.values)
        numbers = NAME.sub(lambda found: self._number(found[0]), formula)
        self.values[name] = value
        self.lines.append(Line(name=name, value=value, unit=unit, formula=formula, numbers=numbers, unknown=unknown))
        return value

    def _number(self, name: str) -> str:
        value = self.values.get(name)
        return name if name in FUNCTIONS else "?" if value is None else number(value)

    def roots(self) -> list[str]:
        """Given names that were needed and are unknown, each once."""
        made = {line.name for line in self.lines}
        return list(dict.fromkeys(name for line in self.lines for name in line.unknown if name not in made))


def number(value: float) -> str:
    """12 digits at most, without an exponent's plus sign."""
    return f"{value:.12g}".replace("e+", "e")


def evaluate(formula: str, values: Mapping[str, float | None] | None = None) -> float:
    """The value of a formula whose names are all known. Raises ValueError for anything but arithmetic."""
    return _of(ast.parse(formula, mode="eval").body, values or {})


def _of(node: ast.expr, values: Mapping[str, float | None]) -> float:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_of(node.left, values), _of(node.right, values))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        return float(math.ceil(_of(node.args[0], values)))
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    known = values.get(node.id) if isinstance(node, ast.Name) else None
    if known is None:
        raise ValueError(f"no arithmetic: {ast.unparse(node)}")
    return float(known)
