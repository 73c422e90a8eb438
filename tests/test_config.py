from __future__ import annotations

from pathlib import Path

import pytest

from modelwright import config
from modelwright.errors import ConfigError


def test_the_nearest_file_wins(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "modelwright.toml").write_text("threads = 1\nseed = 1\n")
    (tmp_path / "a" / "modelwright.toml").write_text("threads = 2\n")
    settings = config.load(inner, environ={})
    assert (settings.threads, settings.seed) == (2, 7)


def test_the_environment_wins_over_the_file_and_arguments_over_both(tmp_path: Path) -> None:
    (tmp_path / "modelwright.toml").write_text('model = "a.gguf"\n[limits]\nsteps = 5\n')
    settings = config.load(tmp_path, environ={"MODELWRIGHT_MODEL": "b.gguf", "MODELWRIGHT_LIMITS__STEPS": "9"})
    assert (settings.model, settings.limits.steps) == (str(tmp_path / "b.gguf"), 9)
    assert config.load(tmp_path, environ={"MODELWRIGHT_MODEL": "b.gguf"}, model="c.gguf").model == str(tmp_path / "c.gguf")


def test_paths_start_where_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, elsewhere = tmp_path / "project" / "inner", tmp_path / "elsewhere"
    inner.mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (tmp_path / "project" / "modelwright.toml").write_text('policy = "p.toml"\ncache = "c"\nmodel = "scripted:s.toml"\n')
    settings = config.load(inner, environ={})
    project = tmp_path / "project"
    assert (settings.policy, settings.cache, settings.model) == (str(project / "p.toml"), str(project / "c"), f"scripted:{project}/s.toml")
    changed = config.load(inner, environ={"MODELWRIGHT_CACHE": "d"}, policy="q.toml", model="m.gguf")
    assert (changed.policy, changed.cache, changed.model) == (str(inner / "q.toml"), str(inner / "d"), str(inner / "m.gguf"))
    assert config.load(inner, environ={}, policy="~/p.toml").policy == str(Path.home() / "p.toml")


def test_a_model_that_is_no_path_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    for model in ("builtin", "openai:http://127.0.0.1:8080/v1#m", "org/name"):
        assert config.load(tmp_path, environ={}, model=model).model == model
    assert config.load(tmp_path, environ={}, model="tuned").model == str(tmp_path / "tuned")


def test_a_home_folder_that_nobody_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cache: there is no home folder for '~nobody-here/x'"):
        config.load(tmp_path, environ={"MODELWRIGHT_CACHE": "~nobody-here/x"})


def test_limits_that_are_no_table_are_refused_also_beside_a_variable(tmp_path: Path) -> None:
    (tmp_path / "modelwright.toml").write_text("limits = 3\n")
    with pytest.raises(ConfigError, match=r"modelwright.toml: limits is 3, not a table"):
        config.load(tmp_path, environ={"MODELWRIGHT_LIMITS__STEPS": "9"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("thread = 2", "did you mean threads?"),
        ("[limits]\nstep = 2", "did you mean limits.steps?"),
        ("threads = 'many'", "threads"),
        ("threads = -1", "threads"),
        ("threads = ", "not readable as TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "modelwright.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, environ={})
    assert named in str(caught.value)
    assert "modelwright.toml" in str(caught.value)


def test_a_mistyped_variable_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MODELWRIGHT_THREDS"):
        config.load(tmp_path, environ={"MODELWRIGHT_THREDS": "2"})


def test_all_unknown_keys_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "modelwright.toml").write_text("modle = 'builtin'\n[limits]\nstep = 2\n")
    with pytest.raises(ConfigError, match=r"unknown keys modle, limits\.step") as caught:
        config.load(tmp_path, environ={})
    assert caught.value.fix == "modle: did you mean model?; limits.step: did you mean limits.steps?"


@pytest.mark.parametrize(("raw", "fix"), [(b"model = builtin", "text in quotes"), (b"model = '\xff'", "UTF-8")])
def test_a_file_that_is_no_toml_comes_with_a_fix(tmp_path: Path, raw: bytes, fix: str) -> None:
    (tmp_path / "modelwright.toml").write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, environ={})
    assert fix in caught.value.fix
