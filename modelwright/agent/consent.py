"""What a yes covers: the files, effects and costs of a call that is asked about, and the policy rule that "always" would write.

Two facts: the rule allows this tool only, in the zones, with the money, and within twice the time, memory and disk of the call it
was made from; and it answers the ask rules that spoke of that call by name, so no deny and no other ask rule gets weaker.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from modelwright import config, tools
from modelwright.canonical import sha256_of
from modelwright.errors import ConfigError
from modelwright.files import write_atomic
from modelwright.graphs.gate import predicted
from modelwright.policies import load as load_policy
from modelwright.policies.loading import DEFAULT
from modelwright.policies.policy import Policy
from modelwright.policies.rules import Facts
from modelwright.types import Decision, Estimate, Json

ROOM = 2
"""The rule allows this many times the estimate: the next call is seldom the same to the second."""
FILE = "policy.toml"


@dataclass(frozen=True)
class Consent:
    """One call, and what would be done without asking again. Paths with their zone, as the policy sees them."""

    reads: tuple[tuple[str, str], ...]
    writes: tuple[tuple[str, str], ...]
    effects: tuple[str, ...]
    estimate: Estimate
    asked_by: tuple[tuple[str, str], ...]
    """(rule, why) of every rule that asks."""
    rule: str
    """The TOML that "always" would add."""


def consent(tool_name: str, args: Json, root: Path, policy_file: Path | None) -> Consent:
    """Raises BadRequest for a tool that is gone, ConfigError for a policy that does not load."""
    tool, policy = tools.load(tool_name), load_policy(policy_file)
    estimate = predicted(tool, args, root) or Estimate()
    facts = policy.facts(tool, args, estimate, root.resolve())
    asking = tuple((rule.id, rule.explain(facts)) for rule in policy.rules if rule.says(facts) is Decision.ASK)
    return Consent(
        tuple((place.path, place.zone) for place in facts.touches.reads),
        tuple((place.path, place.zone) for place in facts.touches.writes),
        tuple(sorted(facts.effects)),
        estimate,
        asking,
        _rule(policy, facts),
    )


def _rule(policy: Policy, facts: Facts) -> str:
    asking = sorted(rule.id for rule in policy.rules if rule.decide is Decision.ASK and rule.says(facts) is Decision.ASK)
    reads, writes = ({place.zone for place in found} for found in (facts.touches.reads, facts.touches.writes))
    when = [
        f'"path.reads" = {_zones(reads)}',
        f'"path.writes" = {_zones(writes)}',
        f'"estimate.seconds" = {{ le = {max(60, round(facts.estimate.seconds * ROOM))} }}',
        f'"estimate.memory_bytes" = {{ le = {facts.estimate.memory_bytes * ROOM} }}',
        f'"estimate.disk_bytes" = {{ le = {facts.estimate.disk_bytes * ROOM} }}',
        f'"estimate.cost" = {{ le = {facts.estimate.cost:g} }}',
    ]
    covered = [f"when = {{ {', '.join(when)} }}", f"answers = {json.dumps(asking)}" if asking else ""]
    name = f"always-{re.sub('[^a-z0-9]+', '-', facts.tool.lower())}-{sha256_of([facts.tool, covered])[:6]}"
    head = [f'id = "{name}"', 'why = "you said always to it"', 'decide = "allow"', f"tools = {json.dumps([facts.tool])}"]
    return "\n".join(["[[rule]]", *head, f"effects = {json.dumps(sorted(facts.effects))}", *filter(None, covered)]) + "\n"


def _zones(found: Iterable[str]) -> str:
    known = sorted(zone for zone in set(found) if zone in ("workspace", "modelwright", "outside"))
    return f"{{ in = {json.dumps(known)} }}" if known else "{ exists = false }"


def write_always(rule: str, root: Path) -> Path:
    """Add the rule to the policy of this folder; where there is none, a copy of the packaged one is made and named in the settings.

    Raises ConfigError when the policy would not load with it; then nothing is written.
    """
    settings = config.load(root)
    path = Path(settings.policy) if settings.policy else root / FILE
    text = (path if path.is_file() else DEFAULT).read_text(encoding="utf-8")
    name = tomllib.loads(rule)["rule"][0]["id"]
    if f'"{name}"' not in text:
        _write_checked(path, f"{text.rstrip()}\n\n{rule}")
    if not settings.policy:
        config_file = root / config.FILE_NAME
        before = config_file.read_text(encoding="utf-8") if config_file.is_file() else ""
        write_atomic(config_file, f'policy = "{FILE}"\n{before}')
    return path


def _write_checked(path: Path, text: str) -> None:
    trial = path.with_name(f".{path.name}.trial.toml")
    write_atomic(trial, text)
    try:
        load_policy(trial)
    except ConfigError as error:
        raise ConfigError(f"the rule is not written: {error.message}", fix=error.fix) from None
    finally:
        trial.unlink(missing_ok=True)
    write_atomic(path, text)
