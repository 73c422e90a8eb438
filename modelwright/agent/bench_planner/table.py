"""What came out, as lines: rates with 95% Wilson intervals, pairs with McNemar's exact test."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence

from modelwright.agent.bench_planner import bfcl, requests
from modelwright.scoring.stats import mcnemar, wilson
from modelwright.types import Json


def rate(name: str, right: int, count: int) -> str:
    found = wilson(right, count)
    return f"{name:36} {right:4} of {count:4}  {found.mean:6.1%}  [{found.low:.1%}, {found.high:.1%}]" if count else f"{name:36}    none"


def of_requests(outcomes: Sequence[requests.Outcome]) -> list[str]:
    """The lines of the report; requests whose tool is not installed stand apart."""
    apart = [o for o in outcomes if o.lacking]
    counted = [o for o in outcomes if not o.lacking]
    groups = {kind: [o for o in counted if o.case.kind.split("|")[0] == kind] for kind in requests.KINDS}
    plans = groups["plan"]
    right_tools = [o for o in plans if o.score.kind and o.score.tools]
    lines = [rate("all: right", sum(o.score.right for o in counted), len(counted))]
    lines += [rate(f"kind {kind}: right", sum(o.score.right for o in group), len(group)) for kind, group in groups.items()]
    lines += [
        rate("right tools in order (of plans)", len(right_tools), len(plans)),
        rate("right arguments (of right tools)", sum(o.score.right for o in right_tools), len(right_tools)),
        rate("without unneeded steps (of plans)", sum(not o.unneeded for o in plans), len(plans)),
        *_by_tool(plans),
        f"{'invented values':36} {sum(len(o.invented) for o in counted):4}",
        *_took([o.seconds for o in counted], [o.tokens for o in counted], "request"),
    ]
    if apart:
        names = sorted({name for o in apart for name in o.lacking})
        lines.append(f"not counted: {len(apart)} whose tool is not installed ({', '.join(names)})")
    return lines


def _by_tool(plans: Sequence[requests.Outcome]) -> Iterator[str]:
    """Where the wrong ones are: plans that expect a tool and are wrong, of all that expect it; the worst share first."""
    expecting: dict[str, list[bool]] = defaultdict(list)
    for outcome in plans:
        for name in {tool.rstrip("?") for tool in outcome.case.tools}:
            expecting[name].append(outcome.score.right)
    wrong = {name: (rights.count(False), len(rights)) for name, rights in expecting.items() if not all(rights)}
    if wrong:
        worst = sorted(wrong.items(), key=lambda item: (-item[1][0] / item[1][1], item[0]))
        yield f"{'wrong by expected tool':36} " + ", ".join(f"{name} {count} of {every}" for name, (count, every) in worst)


def of_cases(outcomes: Sequence[bfcl.Outcome], free: Sequence[bool] = ()) -> list[str]:
    """The function-calling cases by category; with `free`, whether free JSON was right on the same cases."""
    lines = []
    categories = dict.fromkeys(o.case.category for o in outcomes)
    for category in [*categories, "all"]:
        places = [n for n, o in enumerate(outcomes) if category in (o.case.category, "all")]
        lines.append(rate(category, sum(outcomes[n].score.right for n in places), len(places)))
        if free:
            lines += _paired([outcomes[n].score.right for n in places], [free[n] for n in places])
    expected = [o for o in outcomes if o.case.accepted]
    lines.append(rate("right function (where one is)", sum(o.score.function for o in expected), len(expected)))
    return [*lines, *_took([o.seconds for o in outcomes], [o.tokens for o in outcomes], "case")]


def _paired(ours: Sequence[bool], free: Sequence[bool]) -> Iterator[str]:
    only_ours = sum(a and not b for a, b in zip(ours, free, strict=True))
    only_free = sum(b and not a for a, b in zip(ours, free, strict=True))
    yield rate("  free JSON, same model", sum(free), len(free))
    yield f"  only one of the two right: {only_ours} here, {only_free} free JSON; McNemar p = {mcnemar(only_free, only_ours):.2g}"


def _took(seconds: Sequence[float], tokens: Sequence[int], what: str) -> Iterator[str]:
    if seconds:
        slow = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
        yield f"{f'seconds a {what}':36} median {statistics.median(seconds):.2f}, 95% under {slow:.2f}"
        yield f"{f'tokens a {what}':36} median {statistics.median(tokens):.0f}"


def summary(outcomes: Sequence[requests.Outcome]) -> Json:
    """The figures as JSON."""
    counted = [o for o in outcomes if not o.lacking]
    plans = [o for o in counted if o.case.kind.split("|")[0] == "plan"]
    rates = {
        "right": (sum(o.score.right for o in counted), len(counted)),
        "right_tools": (sum(o.score.kind and o.score.tools for o in plans), len(plans)),
        "without_unneeded_steps": (sum(not o.unneeded for o in plans), len(plans)),
        **{
            f"right_{kind}": (sum(o.score.right for o in counted if o.case.kind.split("|")[0] == kind),
                              sum(o.case.kind.split("|")[0] == kind for o in counted))
            for kind in requests.KINDS
        },
    }  # fmt: skip
    invented = sum(len(o.invented) for o in counted)
    return {**_rates(rates), "invented_values": invented, "not_installed": len(outcomes) - len(counted), **_figures(counted)}


def summary_of_cases(outcomes: Sequence[bfcl.Outcome], free: Sequence[bool] = ()) -> Json:
    rates = {}
    for category in dict.fromkeys(o.case.category for o in outcomes):
        places = [n for n, o in enumerate(outcomes) if o.case.category == category]
        rates[category] = (sum(outcomes[n].score.right for n in places), len(places))
        if free:
            rates[f"{category}_free_json"] = (sum(free[n] for n in places), len(places))
    return {**_rates(rates), **_figures(outcomes)}


def _rates(rates: dict[str, tuple[int, int]]) -> Json:
    found = {name: (right, n, wilson(right, n)) for name, (right, n) in rates.items()}
    return {name: {"right": right, "n": n, "low": round(i.low, 4), "high": round(i.high, 4)} for name, (right, n, i) in found.items()}


def _figures(outcomes: Sequence[requests.Outcome] | Sequence[bfcl.Outcome]) -> Json:
    seconds, tokens = [o.seconds for o in outcomes], [o.tokens for o in outcomes]
    return {"seconds_median": round(statistics.median(seconds), 3), "tokens_median": statistics.median(tokens)} if seconds else {}
