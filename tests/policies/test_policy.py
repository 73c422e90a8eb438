"""Decisions: the lattice, the three-valued conditions, the packaged default."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import policies
from modelwright.errors import ConfigError
from modelwright.policies import Policy
from modelwright.policies.paths import ZONES, Touched, Touches
from modelwright.policies.policy import NO_RULE
from modelwright.policies.rules import Condition, Facts, Rule
from modelwright.types import Decision, Effect, Estimate

from .tools import make_tool

READS, WRITES, COMPUTES, NETWORK = Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES, Effect.NETWORK


def policy_of(folder: Path, text: str) -> Policy:
    path = folder / "mine.toml"
    path.write_text("version = 1\n" + text)
    return policies.load(path)


def decide(policy: Policy, workspace: Path, args: Any = None, *, effects: Any = (READS,), name: str = "finetune", **estimate: Any) -> str:
    return policy.decide(make_tool(name, effects), args or {}, Estimate(**estimate), workspace).decision.value


def rule(when: str = "", *, decide: str = "deny", head: str = 'tools = ["*"]', name: str = "r") -> str:
    return f'[[rule]]\nid = "{name}"\nwhy = "because"\n{head}\ndecide = "{decide}"\n' + (f"when = {{ {when} }}\n" if when else "")


# ---- the packaged default


DEFAULT_DECISIONS = [
    ({"dataset": "a.jsonl"}, [READS], {}, "inspect_dataset", "allow"),
    ({"dataset": "a.jsonl", "model": "builtin"}, [READS, WRITES, COMPUTES], {"seconds": 40, "disk_bytes": 9000}, "evaluate", "allow"),
    ({"dataset": "a.jsonl", "models": ["builtin", "$s1.model"]}, [READS, WRITES, COMPUTES], {"seconds": 40}, "compare", "allow"),
    ({"dataset": "a.jsonl", "model": ".modelwright/runs/r/s1/model"}, [READS, COMPUTES], {}, "evaluate", "allow"),
    ({"dataset": "a.jsonl"}, [READS, COMPUTES], {"seconds": 61}, "evaluate", "ask"),
    ({"dataset": "a.jsonl"}, [READS, COMPUTES], {"memory_bytes": 5_000_000_000}, "evaluate", "ask"),
    ({"dataset": "a.jsonl"}, [READS, COMPUTES], {"disk_bytes": 200_000_000}, "evaluate", "ask"),
    ({"dataset": "a.jsonl"}, [READS], {"cost": 0.01}, "inspect_dataset", "ask"),
    ({"dataset": "/data/a.jsonl"}, [READS], {}, "inspect_dataset", "ask"),
    ({"dataset": "a.jsonl", "model": "openai:http://h/v1#m"}, [READS, COMPUTES], {}, "evaluate", "ask"),
    ({"dataset": "a.jsonl"}, [READS, WRITES, COMPUTES], {"seconds": 5}, "finetune", "ask"),
    ({"model": "builtin"}, [READS, WRITES, COMPUTES], {}, "quantize", "ask"),
    ({"model": "builtin"}, [READS, WRITES], {}, "export_model", "ask"),
    ({"dataset": "a.jsonl", "output": "out"}, [READS, WRITES], {}, "evaluate", "ask"),
    ({"output": "$s1.model"}, [READS, WRITES], {}, "evaluate", "ask"),
    ({"dataset": "a.jsonl", "output": "../out"}, [READS, WRITES], {}, "evaluate", "deny"),
    ({"dataset": "a.jsonl", "output": "."}, [READS, WRITES], {}, "evaluate", "deny"),
    ({"dataset": "~/.ssh/id_rsa"}, [READS], {}, "inspect_dataset", "deny"),
    ({"models": ["builtin", ".env"]}, [READS], {}, "compare", "deny"),
    *(({}, [READS, e], {}, "plugin", "ask") for e in (NETWORK, Effect.SPENDS_MONEY, Effect.EXECUTES_CODE, Effect.IRREVERSIBLE)),
]


@pytest.mark.parametrize("case", DEFAULT_DECISIONS, ids=str)
def test_the_default_policy(workspace: Path, case: Any) -> None:
    args, effects, estimate, name, expected = case
    assert decide(policies.load(None), workspace, args, effects=effects, name=name, **estimate) == expected


def test_the_default_policy_has_no_doubtful_rule() -> None:
    assert policies.check(None, ["evaluate"]) == []


# ---- what rules may say


def test_no_rule_means_ask(tmp_path: Path, workspace: Path) -> None:
    policy = policy_of(tmp_path, rule(decide="allow", head='tools = ["other"]'))
    verdict = policy.decide(make_tool(), {}, Estimate(), workspace)
    assert (verdict.decision, verdict.rule) == (Decision.ASK, NO_RULE)


def test_an_allow_covers_all_effects_or_it_does_not_allow(tmp_path: Path, workspace: Path) -> None:
    policy = policy_of(tmp_path, rule(decide="allow", head='effects = ["reads_files", "computes"]'))
    assert [decide(policy, workspace, effects=e) for e in ([READS], [READS, COMPUTES], [READS, NETWORK], [NETWORK])] == [
        "allow",
        "allow",
        "ask",
        "ask",
    ]


def test_an_ask_or_deny_needs_one_of_its_effects(tmp_path: Path, workspace: Path) -> None:
    policy = policy_of(tmp_path, rule(head='effects = ["network", "irreversible"]'))
    assert [decide(policy, workspace, effects=e) for e in ([READS, NETWORK], [READS])] == ["deny", "ask"]


def test_an_allow_that_answers_an_ask_rule_silences_that_one_and_no_other(tmp_path: Path, workspace: Path) -> None:
    asks = rule(decide="ask", name="long") + rule(decide="ask", head='tools = ["align"]', name="made")
    allow = rule('"args.epochs" = { le = 3 }', decide="allow", name="mine") + 'answers = ["long"]\n'
    policy = policy_of(tmp_path, asks + allow)
    assert decide(policy, workspace, {"epochs": 3}) == "allow"
    assert decide(policy, workspace, {"epochs": 4}) == "ask", "the allow does not fit, so nothing is answered"
    assert decide(policy, workspace, {"epochs": "$s1.n"}) == "ask", "an argument that is not known yet answers nothing"
    assert decide(policy, workspace, {"epochs": 3}, name="align") == "ask", "another rule still asks"
    denied = policy_of(tmp_path, asks + allow + rule(decide="deny", name="never"))
    assert decide(denied, workspace, {"epochs": 3}) == "deny"


@pytest.mark.parametrize(
    ("decides", "named"), [("ask", "long"), ("deny", "long"), ("allow", "never"), ("allow", "mine"), ("allow", "lnog")]
)
def test_only_an_allow_rule_answers_and_only_ask_rules_of_its_file(tmp_path: Path, decides: str, named: str) -> None:
    rules = rule(decide="ask", name="long") + rule(decide="deny", head='tools = ["other"]', name="never")
    with pytest.raises(ConfigError, match="answers"):
        policy_of(tmp_path, rules + rule(decide=decides, name="mine") + f'answers = ["{named}"]\n')


def test_tools_are_named_exactly(tmp_path: Path, workspace: Path) -> None:
    policy = policy_of(tmp_path, rule(decide="allow", head='tools = ["finetune"]'))
    assert [decide(policy, workspace, name=n) for n in ("finetune", "finetune2", "Finetune", "fine")] == ["allow", "ask", "ask", "ask"]


@pytest.mark.parametrize(
    ("when", "args", "expected"),
    [
        ('"args.epochs" = { gt = 10 }', {"epochs": 11}, "deny"),
        ('"args.epochs" = { gt = 10 }', {"epochs": 10}, "ask"),
        ('"args.epochs" = { gt = 2 }', {}, "deny"),  # the tool's default is 3
        ('"args.epochs" = { gt = 10 }', {"epochs": "$s1.epochs"}, "ask"),
        ('"args.epochs" = { ge = 3, lt = 5 }', {"epochs": 4}, "deny"),
        ('"args.epochs" = { ge = 3, lt = 5 }', {"epochs": 5}, "ask"),
        ('"args.epochs" = { eq = 1 }', {"epochs": True}, "ask"),
        ('"args.method" = { in = ["full", "dora"] }', {"method": "full"}, "deny"),
        ('"args.method" = { not_in = ["lora"] }', {"method": "lora"}, "ask"),
        ('"args.method" = { ne = "lora" }', {"method": "full"}, "deny"),
        ('"args.method" = { glob = "f*l" }', {"method": "full"}, "deny"),
        ('"args.method" = { not_glob = "f*" }', {"method": "full"}, "ask"),
        ('"args.output" = { exists = false }', {}, "deny"),
        ('"args.output" = { exists = true }', {"output": None}, "ask"),
        ('"args.models[*]" = { glob = "openai:*" }', {"models": ["builtin", "openai:x"]}, "deny"),
        ('"args.models[*]" = { glob = "openai:*" }', {"models": []}, "ask"),
        ('"args.parts[*].note" = { eq = "x" }', {"parts": [{"file": "a", "note": "x"}]}, "deny"),
        ('"args.dataset.x" = { eq = "x" }', {"dataset": "a"}, "ask"),
        ('"path.reads" = { ne = "workspace" }', {"dataset": "/x", "model": "./y"}, "deny"),
        ('"path.reads" = { exists = false }', {}, "deny"),
    ],
)
def test_a_condition_of_a_deny_rule(tmp_path: Path, workspace: Path, when: str, args: Any, expected: str) -> None:
    assert decide(policy_of(tmp_path, rule(when)), workspace, args) == expected


@pytest.mark.parametrize(
    ("when", "args", "expected"),
    [
        ('"args.models[*]" = { eq = "builtin" }', {"models": ["builtin", "builtin"]}, "allow"),
        ('"args.models[*]" = { eq = "builtin" }', {"models": ["builtin", "org/x"]}, "ask"),
        ('"args.models[*]" = { eq = "builtin" }', {"models": []}, "ask"),
        ('"args.models[*]" = { eq = "builtin" }', {"models": ["builtin", "$s1.model"]}, "ask"),
        ('"args.epochs" = { le = 3 }', {"epochs": "many"}, "ask"),
        ('"path.reads" = { eq = "workspace" }', {"dataset": "a", "model": "./y"}, "allow"),
        ('"path.reads" = { eq = "workspace" }', {"dataset": "a", "model": "/y"}, "ask"),
        ('"path.reads" = { eq = "workspace" }', {}, "allow"),
    ],
)
def test_an_allow_rule_needs_every_value_and_every_value_known(
    tmp_path: Path, workspace: Path, when: str, args: Any, expected: str
) -> None:
    assert decide(policy_of(tmp_path, rule(when, decide="allow")), workspace, args) == expected


def test_no_allow_reaches_a_secret(tmp_path: Path, workspace: Path) -> None:
    policy = policy_of(tmp_path, 'secret = ["*.token"]\n' + rule(decide="allow"))
    assert [decide(policy, workspace, {"dataset": p}) for p in ("a", ".env", "my.token", str(policy.path))] == [
        "allow",
        "ask",
        "ask",
        "ask",
    ]


def test_an_unknown_value_makes_a_deny_ask_over_an_allow(tmp_path: Path, workspace: Path) -> None:
    policy = policy_of(tmp_path, rule(decide="allow", name="a") + rule('"args.method" = { eq = "full" }', name="d"))
    verdict = policy.decide(make_tool(), {"method": "$s1.method"}, Estimate(), workspace)
    assert (verdict.decision, verdict.rule) == (Decision.ASK, "d")
    assert "not known yet" in verdict.reason


def test_the_reason_names_the_path_and_explain_speaks_of_every_rule(workspace: Path) -> None:
    policy = policies.load(None)
    args = {"dataset": "/data/x.jsonl"}
    assert "/data/x.jsonl (outside)" in policy.decide(make_tool("inspect_dataset"), args, Estimate(), workspace).reason
    explained = policy.explain(make_tool("inspect_dataset"), args, Estimate(), workspace)
    assert [e.rule for e in explained] == [r.id for r in policy.rules]
    assert [e.rule for e in explained if e.matched] == ["outside-read"]
    assert all(e.why for e in explained)


def test_the_hash_follows_what_decides_and_nothing_else(tmp_path: Path) -> None:
    one, two = rule(name="one"), rule('"estimate.seconds" = { gt = 60 }', name="two")
    first = policy_of(tmp_path, one + two).hash
    assert policy_of(tmp_path, "# words\n" + two + one + 'match = [{ tool = "x" }]\n').hash == first
    assert policy_of(tmp_path, one + two.replace("60", "61")).hash != first
    assert policy_of(tmp_path, 'secret = ["x"]\n' + one + two).hash != first


# ---- properties

TOOL_NAMES = ["a", "b"]
CONDITIONS = st.one_of(
    st.builds(lambda op, n: Condition("estimate.seconds", ((op, n),)), st.sampled_from(["lt", "le", "gt", "ge"]), st.integers(0, 4)),
    st.builds(
        lambda op, n: Condition("args.epochs", ((op, n),), ("epochs",)), st.sampled_from(["eq", "ne", "lt", "gt"]), st.integers(0, 4)
    ),
    st.builds(
        lambda k, op, z: Condition(k, ((op, z),)),
        st.sampled_from(["path.reads", "path.writes"]),
        st.sampled_from(["eq", "ne"]),
        st.sampled_from(ZONES),
    ),
    st.builds(lambda wanted: Condition("args.models[*]", (("exists", wanted),), ("models", "*")), st.booleans()),
)
RULES = st.builds(
    lambda d, t, e, w: Rule("r", "because", d, frozenset(t), frozenset(e), tuple(w)),
    st.sampled_from(list(Decision)),
    st.sets(st.sampled_from([*TOOL_NAMES, "*"]), max_size=2),
    st.sets(st.sampled_from(list(Effect)), max_size=3),
    st.lists(CONDITIONS, max_size=2),
)
TOUCHED = st.lists(st.sampled_from(ZONES).map(lambda zone: Touched("p", zone)), max_size=2).map(tuple)
FACTS = st.builds(
    lambda tool, effects, epochs, models, seconds, reads, writes: Facts(
        tool, frozenset(effects), {"epochs": epochs, "models": models}, Estimate(seconds=seconds), Touches(reads, writes)
    ),
    st.sampled_from(TOOL_NAMES),
    st.sets(st.sampled_from(list(Effect)), min_size=1, max_size=4),
    st.one_of(st.integers(0, 4), st.sampled_from([None, True, "two", "$s1.epochs"])),
    st.lists(st.sampled_from(["builtin", "$s1.model"]), max_size=2),
    st.integers(0, 4),
    TOUCHED,
    TOUCHED,
)


def strictness(rules: list[Rule], facts: Facts) -> int:
    return Policy(Path("x"), tuple(rules)).decide_facts(facts).decision.strictness


ASK = Decision.ASK.strictness


@settings(max_examples=400, deadline=None)
@given(st.lists(RULES, max_size=5), RULES, FACTS)
def test_one_more_rule_never_relaxes_what_another_rule_said(rules: list[Rule], more: Rule, facts: Facts) -> None:
    before, after = strictness(rules, facts), strictness([*rules, more], facts)
    if any(r.says(facts) for r in rules) or more.decide is not Decision.ALLOW:
        assert after >= before
    else:
        assert before == ASK  # nothing spoke; only then may an allow rule allow
    if more.decide is Decision.DENY and more.fits(facts):
        assert after == Decision.DENY.strictness


@settings(max_examples=200, deadline=None)
@given(st.lists(RULES, min_size=2, max_size=4), FACTS)
def test_the_order_of_rules_does_not_matter(rules: list[Rule], facts: Facts) -> None:
    assert len({strictness(list(order), facts) for order in itertools.permutations(rules)}) == 1


@settings(max_examples=300, deadline=None)
@given(st.lists(RULES, max_size=5), FACTS, st.sampled_from(list(Effect)))
def test_one_more_effect_never_turns_an_ask_or_deny_into_an_allow(rules: list[Rule], facts: Facts, effect: Effect) -> None:
    more = Facts(facts.tool, facts.effects | {effect}, facts.args, facts.estimate, facts.touches)
    assert max(strictness(rules, more), ASK) >= strictness(rules, facts)
    if strictness(rules, more) < ASK:
        assert strictness(rules, facts) < ASK


@settings(max_examples=300, deadline=None)
@given(st.lists(RULES, max_size=5), FACTS)
def test_a_secret_path_is_never_allowed(rules: list[Rule], facts: Facts) -> None:
    touched = Touches((*facts.touches.reads, Touched("p", "secret")), facts.touches.writes)
    assert strictness(rules, Facts(facts.tool, facts.effects, facts.args, facts.estimate, touched)) >= ASK


@settings(max_examples=300, deadline=None)
@given(RULES, FACTS, st.integers(0, 4))
def test_what_is_said_of_an_unknown_value_is_never_laxer_than_of_any_value_it_may_get(made: Rule, facts: Facts, epochs: int) -> None:
    def strict_with(value: Any) -> int:
        known = Facts(facts.tool, facts.effects, {**facts.args, "epochs": value}, facts.estimate, facts.touches)
        return strictness([made], known)

    assert strict_with("$s1.epochs") >= min(strict_with(epochs), ASK)


@settings(max_examples=300, deadline=None)
@given(RULES, FACTS)
def test_explain_agrees_with_the_decision(made: Rule, facts: Facts) -> None:
    text = made.explain(facts)
    assert text
    if made.fits(facts):
        assert text.startswith("because")
