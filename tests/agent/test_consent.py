"""What a yes covers, and the rule that "always" writes: it allows the same again, and nothing wider."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright import tools
from modelwright.agent.consent import consent, write_always
from modelwright.errors import ConfigError
from modelwright.graphs.gate import estimate_of
from modelwright.policies import load
from modelwright.types import Decision, Estimate, Json

CALL: Json = {"model": "builtin", "types": ["Q8_0"], "output": "small"}


def decided(tool: str, args: Json, policy: Path, root: Path, **estimate: float) -> Decision:
    known = tools.load(tool)
    found = (estimate_of(known, args, root) or Estimate()).model_copy(update=estimate)
    return load(policy).decide(known, args, found, root).decision


def test_it_says_what_is_written_and_which_rules_ask(workspace: Path) -> None:
    found = consent("quantize", CALL, workspace, None)
    assert found.writes == (("small", "workspace"),)
    assert {"models-and-data-made", "files-of-yours-written"} <= {rule for rule, _ in found.asked_by}


def test_always_allows_the_same_call_and_nothing_wider(workspace: Path) -> None:
    policy = write_always(consent("quantize", CALL, workspace, None).rule, workspace)
    assert decided("quantize", CALL, policy, workspace) is Decision.ALLOW
    assert decided("quantize", CALL, policy, workspace, seconds=4000.0) is Decision.ASK, "much longer"
    assert decided("quantize", CALL, policy, workspace, cost=1.0) is Decision.ASK
    assert decided("quantize", {**CALL, "output": "../out"}, policy, workspace) is Decision.DENY
    assert decided("quantize", {**CALL, "output": "policy.toml"}, policy, workspace) is Decision.DENY
    assert decided("export_model", {"model": "builtin"}, policy, workspace) is Decision.ASK


def test_written_twice_it_stands_there_once_and_the_settings_name_the_policy(workspace: Path) -> None:
    (workspace / "modelwright.toml").write_text("seed = 3\n[limits]\nsteps = 5\n")
    rule = consent("quantize", CALL, workspace, None).rule
    write_always(rule, workspace)
    policy = write_always(rule, workspace)
    assert policy.read_text().count("always-quantize") == 1
    assert (workspace / "modelwright.toml").read_text() == 'policy = "policy.toml"\nseed = 3\n[limits]\nsteps = 5\n'


def test_a_rule_that_would_not_load_is_not_written(workspace: Path) -> None:
    with pytest.raises(ConfigError, match="the rule is not written"):
        write_always(
            '[[rule]]\nid = "x"\nwhy = "y"\ndecide = "allow"\ntools = ["quantize"]\nanswers = ["outside-not-written"]\n', workspace
        )
    assert not (workspace / "policy.toml").exists()
