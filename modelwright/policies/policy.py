"""A policy: rules that together decide allow, ask or deny of one call.

The strictest rule that fits wins, whatever the order; nothing fits means ask. An allow rule may answer ask rules by name
(`answers`); those are then silent, a deny is not. An address as a model (`openai:…`) adds the
effect `network` to the call, whatever the tool declares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from modelwright.canonical import sha256_of
from modelwright.contract import Tool, Verdict
from modelwright.policies.paths import touches
from modelwright.policies.rules import Facts, Rule
from modelwright.types import Decision, Effect, Estimate, Json

NO_RULE = "none"
"""Named as the deciding rule when none fits; no rule may be called so."""
EXAMPLE_KEYS = ("match", "not_match")


class Explained(NamedTuple):
    rule: str
    matched: bool
    why: str


@dataclass(frozen=True)
class Policy:
    path: Path
    rules: tuple[Rule, ...]
    secret: tuple[str, ...] = ()
    """Secret places and names of this policy, beside the built-in ones."""
    source: Json = field(default_factory=lambda: {"rule": []}, repr=False)
    """The file as TOML says it."""

    @cached_property
    def hash(self) -> str:
        """Changes when a decision might; not with comments, spacing, examples or the order of rules."""
        entries = [{key: value for key, value in entry.items() if key not in EXAMPLE_KEYS} for entry in self.source["rule"]]
        rules = sorted(entries, key=lambda entry: str(entry["id"]))
        return sha256_of([rules, sorted(self.secret)])

    def decide(self, tool: Tool, args: Json, estimate: Estimate, workspace: Path) -> Verdict:
        return self.decide_facts(self.facts(tool, args, estimate, workspace))

    def explain(self, tool: Tool, args: Json, estimate: Estimate, workspace: Path) -> list[Explained]:
        """Of every rule whether it spoke, and why or why not."""
        facts = self.facts(tool, args, estimate, workspace)
        return [Explained(rule.id, rule.says(facts) is not None, rule.explain(facts)) for rule in self.rules]

    def facts(self, tool: Tool, args: Json, estimate: Estimate, workspace: Path) -> Facts:
        full = {**_defaults(tool), **args}
        touched = touches(tool.args, full, workspace, (*self.secret, str(self.path.absolute())))
        effects = tool.effects | ({Effect.NETWORK} if touched.endpoint else frozenset())
        return Facts(tool.name, effects, full, estimate, touched)

    def decide_facts(self, facts: Facts) -> Verdict:
        spoken = [(decision, rule) for rule in self.rules if (decision := rule.says(facts))]
        answered = {name for decision, rule in spoken if decision is Decision.ALLOW for name in rule.answers}
        said = [(decision.strictness, rule) for decision, rule in spoken if rule.id not in answered]
        if not said:
            return Verdict(Decision.ASK, NO_RULE, "no rule speaks of this call")
        strictness, rule = max(said, key=lambda item: item[0])
        return Verdict(list(Decision)[strictness], rule.id, rule.explain(facts))


def _defaults(tool: Tool) -> dict[str, Any]:
    """What the tool will put in for arguments that are not given."""
    fields = tool.args.model_fields
    return {name: f.get_default(call_default_factory=True) for name, f in fields.items() if not f.is_required()}
