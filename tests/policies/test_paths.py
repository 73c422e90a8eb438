"""Where a call's paths really lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.policies.paths import UNKNOWN, roles_of, touches

from .tools import Args


def read_zone(workspace: Path, path: str, secret: tuple[str, ...] = ()) -> str:
    (touched,) = touches(Args, {"dataset": path}, workspace, secret).reads
    return touched.zone


def write_zone(workspace: Path, path: str) -> str:
    (touched,) = touches(Args, {"output": path}, workspace).writes
    return touched.zone


def test_roles_are_found_in_optional_fields_lists_dicts_and_nested_models() -> None:
    assert dict(roles_of(Args)) == {
        ("dataset",): "dataset",
        ("model",): "model",
        ("models", "*"): "model",
        ("parts", "*", "file"): "file",
        ("named", "*"): "dataset",
        ("output",): "output",
    }


def test_every_path_of_a_call_is_found(workspace: Path) -> None:
    args = {"dataset": "a", "model": "/b", "models": ["builtin", "./c"], "parts": [{"file": "d"}], "named": {"x": "e"}, "output": "f"}
    touched = touches(Args, args, workspace)
    assert [place.path for place in touched.reads] == ["a", "/b", "./c", "d", "e"]
    assert [place.path for place in touched.writes] == ["f"]


def test_references_the_built_in_model_hub_names_and_endpoints_are_no_paths(workspace: Path) -> None:
    touched = touches(Args, {"models": ["$s1.model", "$s2.models[0]", "builtin", "org/name", "openai:http://localhost:1/v1#m"]}, workspace)
    assert (touched.reads, touched.writes, touched.endpoint) == ((), (), True)
    assert touches(Args, {"models": "$s1.models", "dataset": "$s1.dataset"}, workspace).reads == ()


def test_a_hub_name_that_a_file_bears_is_a_path(workspace: Path) -> None:
    (workspace / "org").mkdir()
    (workspace / "org" / "name").symlink_to("/etc/hostname")
    assert [place.zone for place in touches(Args, {"model": "org/name"}, workspace).reads] == ["outside"]


def test_a_name_of_the_table_of_models_is_no_path_unless_a_file_bears_it(workspace: Path) -> None:
    args = {"model": "llama-3.1-8b", "dataset": "llama-3.1-8b"}
    assert [place.path for place in touches(Args, {"models": ["llama-3.1-8b", "unknown-8b"]}, workspace).reads] == ["unknown-8b"]
    assert len(touches(Args, args, workspace).reads) == 1
    (workspace / "llama-3.1-8b").symlink_to("/etc/hostname")
    assert [place.zone for place in touches(Args, args, workspace).reads] == ["outside", "outside"]


def test_a_path_dressed_up_as_a_reference_is_a_path(workspace: Path) -> None:
    assert read_zone(workspace, "$s1.x/../../../../../../../../etc/passwd") == "outside"
    assert read_zone(workspace, "$s1.x\n") == "workspace"


def test_an_output_that_an_earlier_step_names_is_not_known(workspace: Path) -> None:
    assert write_zone(workspace, "$s1.model") == UNKNOWN


@pytest.mark.parametrize(
    ("path", "zone"),
    [
        ("a.jsonl", "workspace"),
        ("no/such/yet", "workspace"),
        (".", "workspace"),
        ("./x/../a", "workspace"),
        ("..", "outside"),
        ("../other", "outside"),
        ("/etc/hosts", "outside"),
        ("~/data.jsonl", "outside"),
        ("a\0b", "outside"),
        (".modelwright/runs/r1/report.md", "modelwright"),
        (".modelwright/modelwright.db", "secret"),
        (".modelwright/modelwright.db-wal", "secret"),
        (".modelwright/checkpoints.db", "secret"),
        ("~/.ssh/id_ed25519", "secret"),
        ("~/.ssh", "secret"),
        ("~/.aws/credentials", "secret"),
        (".env", "secret"),
        ("deep/.ENV", "secret"),
        ("deep/.env.local", "secret"),
        ("cert.pem", "secret"),
        ("modelwright.toml", "secret"),
        ("my.policy.toml", "secret"),
        ("/proc/self/environ", "secret"),
        ("environment.txt", "workspace"),
    ],
)
def test_each_path_has_the_zone_that_a_person_would_say(workspace: Path, path: str, zone: str) -> None:
    assert read_zone(workspace, path) == zone


def test_a_policy_adds_secret_places_and_names_of_its_own(workspace: Path) -> None:
    mine = ("~/private", "keys/prod", "*.token")
    assert [read_zone(workspace, p, mine) for p in ("~/private/x", "keys/prod/a", "a/b.token", "keys/test")] == ["secret"] * 3 + [
        "workspace"
    ]


def test_writing_over_what_holds_the_records_is_writing_them(workspace: Path) -> None:
    (workspace / "out").mkdir()
    assert [write_zone(workspace, p) for p in (".", "..", "/", "~", ".modelwright")] == ["secret"] * 5
    assert [write_zone(workspace, p) for p in ("out", "out/new/deep", ".modelwright/runs/r1")] == ["workspace", "workspace", "modelwright"]


def test_a_workspace_whose_own_name_looks_secret_still_works(tmp_path: Path) -> None:
    folder = tmp_path / ".env" / "work"
    folder.mkdir(parents=True)
    assert read_zone(folder, "a.jsonl") == "workspace"


def test_a_link_is_followed_to_where_it_leads(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (workspace / "door").symlink_to(tmp_path / "elsewhere")
    (workspace / "loop").symlink_to("loop")
    (workspace / "innocent.txt").symlink_to(workspace / ".env")
    (workspace / "chain").symlink_to("door")
    (workspace / "dangling").symlink_to(tmp_path / "nothing" / "here")
    assert [read_zone(workspace, p) for p in ("door/a", "chain/a", "innocent.txt", "dangling")] == [
        "outside",
        "outside",
        "secret",
        "outside",
    ]
    assert [write_zone(workspace, p) for p in ("door/new/file", "dangling/new")] == ["outside"] * 2
    assert read_zone(workspace, "loop") == "workspace"


def test_dots_behind_a_link_are_cut_both_ways_and_the_worse_counts(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (workspace / "door").symlink_to(tmp_path / "far" / "away")
    assert read_zone(workspace, "door/../a") == "outside"


def test_a_link_out_of_a_not_yet_existing_name_is_found_once_it_exists(workspace: Path) -> None:
    assert write_zone(workspace, "later") == "workspace"
    (workspace / "later").symlink_to("/usr/share")
    assert write_zone(workspace, "later") == "outside"


PARTS = st.lists(st.sampled_from(["a", "b", "in", "out", "..", ".", "up", ""]), min_size=1, max_size=7)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PARTS)
def test_no_mix_of_links_and_dots_reaches_out_of_a_workspace_unseen(workspace: Path, parts: list[str]) -> None:
    if not (workspace / "a").exists():
        (workspace / "a" / "b").mkdir(parents=True)
        (workspace / "a" / "in").symlink_to(workspace)
        (workspace / "a" / "up").symlink_to("../..")
        (workspace / "out").symlink_to("/usr")
    path = "/".join(parts).lstrip("/") or "."
    reached = os.path.realpath(workspace / path)
    inside = reached == str(workspace) or reached.startswith(f"{workspace}/")
    assert inside or read_zone(workspace, path) == "outside"
    assert inside or write_zone(workspace, path) in ("outside", "secret")
