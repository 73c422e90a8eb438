"""How right a plan is, against what was expected of it: tools, stated arguments, kind, and nothing that is forbidden.

An expectation is {"kind", "tools", "args", "forbid"}: `tools` in this order, other steps may stand between; `a|b` is
either, `a?` may be missing. `args` are what the request states, to be found in the first step of that tool that has
them. `kind` is plan, question or none, or several with `|`. It does NOT look at sources: an invented value is told by
who knows the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FREE_TEXT = frozenset({"question", "query", "prompt", "text"})
"""Arguments that are words of the request: right when the same words stand in them, but for small ones at the ends."""


@dataclass(frozen=True)
class PlanScore:
    kind: bool
    tools: bool
    """The expected tools in their order, and none that is forbidden. True where no plan is expected and none was made."""
    args: bool
    problem: str = ""
    """What is wrong, in a few words."""

    @property
    def right(self) -> bool:
        return self.kind and self.tools and self.args


def score(expected: Mapping[str, Any], plan: Mapping[str, Any]) -> PlanScore:
    """`plan` is a plan as JSON: {"kind", "steps": [{"tool", "args"}]}."""
    kinds, found = expected["kind"].split("|"), plan["kind"]
    used = [step["tool"] for step in plan.get("steps", [])] if found == "plan" else []
    if found not in kinds:
        said = plan.get("question") or plan.get("reason") or " ".join(used)
        return PlanScore(False, _tools_wrong(expected, used) == "", False, f"is a {found}: {said:.90}")
    if found != "plan":
        return PlanScore(True, True, True)
    wrong_tools = _tools_wrong(expected, used)
    wrong_args = _args_wrong(expected.get("args", {}), plan["steps"])
    return PlanScore(True, not wrong_tools, not wrong_args, wrong_tools or wrong_args)


def _tools_wrong(expected: Mapping[str, Any], used: Sequence[str]) -> str:
    forbidden = sorted(set(used) & set(expected.get("forbid", ())))
    if forbidden:
        return f"uses {', '.join(forbidden)}"
    at = 0
    for wanted in expected.get("tools", ()):
        names = [name.rstrip("?") for name in wanted.split("|")]
        found = next((i for i in range(at, len(used)) if used[i] in names), None)
        if found is None and "?" not in wanted:
            return f"uses {' '.join(used) or 'nothing'} without {wanted}"
        at = at if found is None else found + 1
    return ""


def _args_wrong(wanted: Mapping[str, Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> str:
    for tools, args in wanted.items():
        mine = [_traced(step["args"], steps) for step in steps if step["tool"] in tools.split("|")]
        if mine and not any(all(k in m and same(k, v, m[k]) for k, v in args.items()) for m in mine):
            have = {k: mine[0].get(k) for k, v in args.items() if k not in mine[0] or not same(k, v, mine[0][k])}
            return f"{tools} has {have} for {({k: args[k] for k in have}) or args}"
    return ""


def _traced(args: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The arguments with what an export was made from in place of the reference to it: "quantize m" may export m first."""
    found = {}
    for name, value in args.items():
        giver = next((s for s in steps if isinstance(value, str) and value == f"${s['id']}.model" and s["tool"] == "export_model"), None)
        found[name] = giver["args"].get("model", value) if giver else value
    return found


def same(name: str, wanted: Any, given: Any) -> bool:
    """Whether two values of the argument `name` mean the same."""
    if isinstance(wanted, list) or isinstance(given, list):
        first, second = (value if isinstance(value, list) else [value] for value in (wanted, given))
        return len(first) <= len(second) and all(any(same(name, a, b) for b in second) for a in first)
    if isinstance(wanted, bool) or isinstance(given, bool):
        return bool(wanted == given)
    if _is_number(wanted) and _is_number(given):
        return abs(float(wanted) - float(given)) <= 1e-9 * max(1.0, abs(float(wanted)))
    if name in FREE_TEXT:
        return _same_words(str(wanted), str(given))
    return _plain(wanted) == _plain(given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?(e-?\d+)?", value) is not None)


def _plain(value: Any) -> str:
    return str(value).strip().removeprefix("./").rstrip("/").casefold()


def _same_words(wanted: str, given: str) -> bool:
    """Nearly all words of one are in the other, and it has few more: 4 of 5 both ways."""
    first, second = (re.findall(r"\w+", text.casefold()) for text in (wanted, given))
    common = len(set(first) & set(second))
    return bool(common) and common >= 0.8 * len(set(first)) and common >= 0.6 * len(set(second))
