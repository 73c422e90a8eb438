"""What a policy file is refused for, and that each refusal says how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright import policies
from modelwright.errors import ConfigError

GOOD = '[[rule]]\nid = "r"\nwhy = "because"\ntools = ["*"]\ndecide = "ask"\n'


def refused(folder: Path, text: str, *, version: str = "version = 1\n") -> ConfigError:
    path = folder / "mine.toml"
    path.write_text(version + text)
    with pytest.raises(ConfigError) as caught:
        policies.load(path)
    assert str(path) in caught.value.message
    assert caught.value.fix
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError):
        policies.check(path)
    return caught.value


def with_rule(**changed: str) -> str:
    keys = {"id": '"r"', "why": '"because"', "tools": '["*"]', "decide": '"ask"', **changed}
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value)


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("", "it has no rules", "[[rule]]"),
        ("rule = 3", "it has no rules", "[[rule]]"),
        ("rules = []\n" + GOOD, "unknown key: 'rules'", "did you mean rule?"),
        (GOOD + GOOD, "two rules are called 'r'", "id of its own"),
        ("x = [", "not readable as a policy", "docs/policies.md"),
        ("a = " + "[" * 5000, "not readable as a policy", "docs/policies.md"),
        ('secret = "x"\n' + GOOD, "secret is 'x'", "a list of strings"),
        (with_rule(id='"R 1"'), "rule 1: id is 'R 1'", "small letters"),
        (with_rule(id='"none"'), "rule 1: id is 'none'", "id"),
        (with_rule(why=""), "rule 'r': it has no why", "why"),
        (with_rule(decide='"denny"'), "decide: 'denny'", "did you mean deny?"),
        (with_rule(decide=""), "decide: None", "known: allow, ask, deny"),
        (with_rule(tool='["x"]'), "unknown key: 'tool'", "did you mean tools?"),
        (with_rule(tools=""), "it says nothing of when it matches", "tools, effects or when"),
        (with_rule(tools="[]"), "tools is empty, so it can never match", "leave tools out"),
        (with_rule(effects="[]"), "effects is empty, so it can never match", "leave effects out"),
        (with_rule(tools='["fine*"]'), "'fine*' is not a tool's name", "exactly"),
        (with_rule(tools='["*", "finetune"]'), 'tools: "*" stands beside other names', "alone"),
        (with_rule(effects='["write_files"]'), "effects: 'write_files'", "did you mean writes_files?"),
        (with_rule(when="{}"), "when is {}", "when ="),
        (with_rule(when="3"), "when is 3", "when ="),
        (with_rule(when="{ args.epochs = { gt = 3 } }"), "when.args: no such thing", "known: args.NAME"),
        (with_rule(when='{ "estimate.second" = { gt = 3 } }'), "no such thing to look at", "did you mean estimate.seconds?"),
        (with_rule(when='{ "args.models[0]" = { eq = 3 } }'), "no such thing to look at", "known"),
        (with_rule(when='{ "args.epochs" = 3 }'), "is 3", "OPERATOR = VALUE"),
        (with_rule(when='{ "args.epochs" = {} }'), "is {}", "OPERATOR = VALUE"),
        (with_rule(when='{ "args.epochs" = { gtt = 3 } }'), "'gtt'", "did you mean gt?"),
        (with_rule(when='{ "args.epochs" = { regex = ".*" } }'), "'regex'", "known: eq"),
        (with_rule(when='{ "args.epochs" = { gt = "3" } }'), "gt is '3'", "a number"),
        (with_rule(when='{ "args.epochs" = { gt = true } }'), "gt is True", "a number"),
        (with_rule(when='{ "args.epochs" = { gt = nan } }'), "gt is nan", "a number"),
        (with_rule(when='{ "args.epochs" = { eq = [1] } }'), "eq is [1]", "a string, a number"),
        (with_rule(when='{ "args.epochs" = { in = [] } }'), "in is []", "a list with something in it"),
        (with_rule(when='{ "args.epochs" = { in = 3 } }'), "in is 3", "a list with something in it"),
        (with_rule(when='{ "args.x" = { glob = 3 } }'), "glob is 3", "a string"),
        (with_rule(when='{ "args.x" = { exists = "yes" } }'), "exists is 'yes'", "true or false"),
        (with_rule(when='{ "estimate.cost" = { in = [1] } }'), "in is [1]", "a number"),
        (with_rule(when='{ "estimate.cost" = { exists = true } }'), "exists is True", "always there"),
        (with_rule(when='{ "path.reads" = { eq = "secrets" } }'), "'secrets'", "did you mean secret?"),
        (with_rule(when='{ "path.reads" = { glob = "*" } }'), "glob is '*'", "a zone"),
        (with_rule(when='{ "args.x" = { exists = false, eq = 3 } }'), "it can never match", "out"),
        (with_rule(when='{ "args.x" = { gt = 5, lt = 5 } }'), "no value can meet it", "change"),
        (with_rule(when='{ "args.x" = { eq = "a", ne = "a" } }'), "no value can meet it", "change"),
        (with_rule(when='{ "args.x" = { in = [1, 2], gt = 2 } }'), "no value can meet it", "change"),
        (with_rule(when='{ "estimate.seconds" = { lt = 0 } }'), "no value can meet it", "change"),
        (
            with_rule(when='{ "path.reads" = { not_in = ["workspace", "outside", "secret", "modelwright"] } }'),
            "no value can meet it",
            "change",
        ),
    ],
)
def test_a_file_that_is_not_meant_so_is_refused_with_a_fix(tmp_path: Path, text: str, message: str, fix: str) -> None:
    error = refused(tmp_path, text)
    assert message in error.message
    assert fix in error.fix


@pytest.mark.parametrize(
    "when", ['{ "args.x" = { gt = 0.1, lt = 0.2 } }', '{ "estimate.seconds" = { le = 0 } }', '{ "path.writes" = { ne = "secret" } }']
)
def test_a_narrow_condition_that_can_be_met_is_taken(tmp_path: Path, when: str) -> None:
    (tmp_path / "mine.toml").write_text("version = 1\n" + with_rule(when=when))
    policies.load(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ('match = [{ tool = "b" }]', "rule 'r': match 1 does not match: the tool is b"),
        ('match = [{ tool = "a" }, { tool = "a", estimate = { seconds = 1 } }]', "rule 'r': match 1 does not match: estimate.seconds is 0"),
        ('not_match = [{ tool = "a", estimate = { seconds = 99 } }]', "rule 'r': not_match 1 matches: because"),
        ('match = [{ tool = "a", argz = {} }]', "match 1: argz"),
        ("match = [{}]", "match 1: tool: Field required"),
        ('match = { tool = "a" }', "match is not a list"),
        ('match = [{ tool = "a", reads = ["home"] }]', "match 1: reads.0"),
        ('match = [{ tool = "a", estimate = { seconds = -1 } }]', "match 1: estimate.seconds"),
    ],
)
def test_an_example_that_does_not_hold_is_named_with_file_rule_and_number(tmp_path: Path, example: str, message: str) -> None:
    text = with_rule(tools='["a"]', when='{ "estimate.seconds" = { gt = 60 } }')
    assert message in refused(tmp_path, text + example).message


def test_an_example_of_a_rule_with_effects_must_name_effects(tmp_path: Path) -> None:
    error = refused(tmp_path, with_rule(effects='["network"]') + 'match = [{ tool = "a" }]')
    assert (error.message.split(": ", 1)[1], error.fix) == (
        "rule 'r': match 1 names no effects, the rule does",
        "add effects = [...] to the example",
    )


@pytest.mark.parametrize("version", ["", "version = 2\n", 'version = "1"\n'])
def test_a_file_of_another_version_is_refused(tmp_path: Path, version: str) -> None:
    assert "version is" in refused(tmp_path, GOOD, version=version).message


def test_a_file_that_is_missing_a_folder_not_text_or_huge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "huge.toml").write_text("#" * 1_000_001)
    for name, message in (
        ("none.toml", "does not exist"),
        (".", "Is a directory"),
        ("bytes.toml", "utf-8"),
        ("huge.toml", "1000001 bytes"),
    ):
        with pytest.raises(ConfigError, match=message):
            policies.load(tmp_path / name)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.text("[]{}=\"'rule.when\n 1ab", max_size=80).map(str.encode)))
def test_any_bytes_as_a_policy_are_refused_as_such(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "any.toml").write_bytes(content)
    with pytest.raises(ConfigError):
        policies.load(tmp_path / "any.toml")


def test_check_finds_rules_without_proof_hidden_rules_and_misspelt_tools(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    allow = '[[rule]]\nid = "quick"\nwhy = "w"\ntools = ["finetun"]\ndecide = "allow"\nmatch = [{ tool = "finetun" }]\n'
    path.write_text("version = 1\n" + GOOD + allow)
    assert policies.check(path, ["finetune", "evaluate"]) == [
        "rule 'r' has no match example: nothing shows that it matches what you mean",
        "rule 'quick': match 1 would be ask, decided by rule 'r'",
        "rule 'quick': no tool is called 'finetun', did you mean finetune?",
    ]


def test_the_examples_of_the_manual_are_policies(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in manual.split("```toml\n")[1:]]
    [secret] = [block for block in blocks if "secret" in block]
    rule = next(block for block in blocks if "long-training" in block)
    (tmp_path / "mine.toml").write_text(secret + rule.removeprefix("version = 1\n"))
    policy = policies.load(tmp_path / "mine.toml")
    assert ([r.id for r in policy.rules], policy.secret) == (["long-training"], ("~/contracts", "data/customers", "*.token"))


def test_a_policy_file_that_is_not_there_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope\.toml does not exist") as caught:
        policies.load(tmp_path / "nope.toml")
    assert caught.value.fix
