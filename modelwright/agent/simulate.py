"""Past runs under another policy: for every call of their plans what was decided then, and what the policy decides now.

A call is decided by its real arguments where it ran, as the gate does before it runs. Paths, links and estimates are those of
now. Nothing is run, no run is changed; a tool that is gone is named and not decided about.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from modelwright import tools
from modelwright.agent.past import Past, PastStep
from modelwright.agent.runs import Run
from modelwright.contract import Tool
from modelwright.errors import BadRequest
from modelwright.graphs.gate import estimate_of
from modelwright.policies import load as load_policy
from modelwright.policies.policy import Policy
from modelwright.text import counted
from modelwright.types import Estimate, Json

NO_TOOL = "no such tool"


@dataclass(frozen=True)
class Replayed:
    """One call. `then` is ? when it was never decided; `now` is allow, ask, deny, or that the tool is gone."""

    run: str
    step: str
    tool: str
    then: str
    now: str
    rule: str
    reason: str

    @property
    def changed(self) -> bool:
        return self.then != self.now

    def as_json(self) -> Json:
        return asdict(self) | {"changed": self.changed}


def simulate(db: sqlite3.Connection, runs: Sequence[Run], policy_file: Path | None, root: Path) -> list[Replayed]:
    """Every call of these runs. Raises BadRequest when none of them has a plan, ConfigError for a policy that does not load."""
    policy = load_policy(policy_file)
    found = [_replayed(past.run.id, step, policy, root.resolve()) for past in (Past(db, run) for run in runs) for step in past.steps]
    if not found:
        raise BadRequest(f"{', '.join(run.id for run in runs) or 'no run'}: there is no plan to decide about")
    return found


def _replayed(run: str, step: PastStep, policy: Policy, root: Path) -> Replayed:
    then = str(step.decision.get("decision", "?"))
    try:
        tool = tools.load(step.tool)
        now, rule, reason = _decided(tool, step.args, policy, root)
    except BadRequest as error:  # the tool was removed since, or takes other arguments
        now, rule, reason = NO_TOOL, "", error.message
    return Replayed(run, step.id, step.tool, then, now, rule, reason)


def _decided(tool: Tool, args: Json, policy: Policy, root: Path) -> tuple[str, str, str]:
    verdict = policy.decide(tool, args, estimate_of(tool, args, root) or Estimate(), root)
    return verdict.decision.value, verdict.rule, verdict.reason


def totals(replayed: Sequence[Replayed]) -> str:
    """ "12 calls: 7 allow, 4 ask, 1 deny; 2 are decided otherwise than then"."""
    counts = Counter(one.now for one in replayed)
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    changed = sum(one.changed for one in replayed)
    return f"{counted(len(replayed), 'call')}: {said}; {changed or 'none'} {'is' if changed == 1 else 'are'} decided otherwise than then"
