"""Settings: defaults, then a TOML file, then environment variables, then the command line.

The nearest `modelwright.toml` wins: the folder you stand in, then its parents, then
`~/.config/modelwright/config.toml`. Environment: `MODELWRIGHT_MODEL`, `MODELWRIGHT_LIMITS__SECONDS` …
Unknown keys are refused with the nearest match. Relative paths start at the folder of the file that names them; those of the
environment and of the command line at the workspace.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from modelwright.errors import ConfigError
from modelwright.types import Limits, Strict

FILE_NAME = "modelwright.toml"
PREFIX = "MODELWRIGHT_"
NOT_SETTINGS = frozenset({"MODELWRIGHT_FAULT", "MODELWRIGHT_JOB"})
PATHS = ("policy", "cache", "model")
SCRIPTED, ENDPOINT = "scripted:", "openai:"


class Settings(Strict):
    """Everything that can be set, with its default."""

    model: str = Field("builtin", description="what plans: builtin, a GGUF file, or scripted:FILE")
    policy: str | None = Field(None, description="policy file; the packaged default if unset")
    cache: str = Field("~/.cache/modelwright", description="where the built-in model is kept in float32 (540 MB)")
    threads: int = Field(0, ge=0, description="threads of training and evaluation; 0 is every core")
    planner_threads: int = Field(1, ge=1, description="threads of the planning model; two collapse when another process is busy")
    seed: int = Field(7, ge=0, description="seed of everything random")
    job_seconds: float = Field(6 * 3600, gt=0, allow_inf_nan=False, description="wall-clock limit of one child process")
    job_memory_gib: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="memory limit of one child; 90% of what is free if unset"
    )
    limits: Limits = Field(default_factory=Limits)

    @property
    def cache_dir(self) -> Path:
        return Path(self.cache).expanduser()


def load(start: Path, *, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings as seen from folder `start`. Raises ConfigError naming file, key and nearest match."""
    values: dict[str, Any] = {}
    path = find_file(start)
    if path:
        values = _read(path)
        _check_keys(values, str(path))
    here = start.absolute()
    bases = dict.fromkeys(PATHS, path.parent.absolute() if path else here)
    origin = _from_environment(values, os.environ if environ is None else environ)
    given = {key: value for key, value in overrides.items() if value is not None}
    values.update(given)
    bases.update(dict.fromkeys([*origin, *given], here))
    for key in PATHS:
        if isinstance(values.get(key), str) and values[key]:
            values[key] = _absolute(key, values[key], bases[key])
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        where = origin.get(key) or (str(path) if path else "settings")
        raise ConfigError(f"{where}: {key}: {first['msg']}, got {first['input']!r:.60}") from None


def _absolute(key: str, text: str, base: Path) -> str:
    """A path as seen from `base`; a model that is no path stays as it is."""
    prefix, name = (SCRIPTED, text.removeprefix(SCRIPTED)) if key == "model" and text.startswith(SCRIPTED) else ("", text)
    expanded = os.path.expanduser(name)
    if expanded.startswith("~"):
        raise ConfigError(f"{key}: there is no home folder for {name!r:.80}", fix="write the whole path")
    if key == "model" and not prefix and not _is_model_path(expanded, base):
        return text
    return prefix + str(base / expanded)


def _is_model_path(text: str, base: Path) -> bool:
    if text == "builtin" or text.startswith(ENDPOINT):
        return False
    return text.startswith((".", "/")) or text.endswith(".gguf") or os.path.exists(base / text)


def find_file(start: Path) -> Path | None:
    for folder in (start, *start.resolve().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    home = Path(os.environ.get("XDG_CONFIG_HOME", "~/.config")).expanduser() / "modelwright" / "config.toml"
    return home if home.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: not readable as TOML: {error}") from None


def _check_keys(values: Mapping[str, Any], where: str) -> None:
    _refuse_unknown(values, list(Settings.model_fields), where, "")
    if "limits" in values:
        limits = values["limits"]
        if not isinstance(limits, dict):
            raise ConfigError(f"{where}: limits is {limits!r:.60}, not a table", fix="write [limits] and below it steps = 50")
        _refuse_unknown(limits, list(Limits.model_fields), where, "limits.")


def _refuse_unknown(values: Mapping[str, Any], known: list[str], where: str, prefix: str) -> None:
    for key in values:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(known)}"
            raise ConfigError(f"{where}: unknown key {prefix}{key}", fix=hint)


def _from_environment(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put MODELWRIGHT_* into `values`; returns which variable each key came from."""
    origin = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        key = name.removeprefix(PREFIX).lower()
        section, _, leaf = key.partition("__")
        if leaf:
            _refuse_unknown({section: 0}, ["limits"], name, "")
            _refuse_unknown({leaf: 0}, list(Limits.model_fields), name, "limits.")
            values[section] = {**values.get(section, {}), leaf: text}
            origin[f"{section}.{leaf}"] = name
        else:
            _refuse_unknown({key: 0}, list(Settings.model_fields), name, "")
            values[key] = text
            origin[key] = name
    return origin
