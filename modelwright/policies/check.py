"""What is doubtful about a policy that loads: rules without proof, rules that stricter ones hide, names of no tool."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from modelwright.policies import examples
from modelwright.policies.loading import DEFAULT, load
from modelwright.policies.policy import Policy
from modelwright.policies.rules import ANY_TOOL
from modelwright.types import Json


def check(path: Path | None, tools: Collection[str] = ()) -> list[str]:
    """Findings, one line each; empty when all is well. `tools` are the names that exist, to find misspelt ones.

    Raises ConfigError when the policy does not load at all.
    """
    policy = load(path)
    entries = policy.source["rule"]
    found = [
        f"rule {entry['id']!r} has no match example: nothing shows that it matches what you mean"
        for entry in entries
        if not entry.get("match")
    ]
    for entry in entries:
        found += _overruled(entry, policy)
    return found + _unknown_tools(policy, tools)


def _overruled(entry: Json, policy: Policy) -> list[str]:
    """Examples that another, stricter rule decides."""
    found = []
    for number, facts in enumerate(examples.of(entry, policy.path), 1):
        verdict = policy.decide_facts(facts)
        if verdict.decision.value != entry["decide"]:
            found.append(f"rule {entry['id']!r}: match {number} would be {verdict.decision.value}, decided by rule {verdict.rule!r}")
    return found


def _unknown_tools(policy: Policy, tools: Collection[str]) -> list[str]:
    found: list[str] = []
    if not tools or policy.path == DEFAULT:  # the packaged policy also names tools that not every installation has
        return found
    for rule in policy.rules:
        for name in sorted(rule.tools - {ANY_TOOL} - set(tools)):
            near = get_close_matches(name, list(tools), n=1)
            found.append(f"rule {rule.id!r}: no tool is called {name!r}" + (f", did you mean {near[0]}?" if near else ""))
    return found
