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
    assert (settings.model, settings.limits.steps) == ("b.gguf", 9)
    assert config.load(tmp_path, environ={"MODELWRIGHT_MODEL": "b.gguf"}, model="c.gguf").model == "c.gguf"


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
