"""Settings: defaults, then a TOML file, then environment variables, then the command line.

The nearest `modelwright.toml` wins: the folder you stand in, then its parents, then
`~/.config/modelwright/config.toml`. Environment: `MODELWRIGHT_MODEL`, `MODELWRIGHT_LIMITS__SECONDS` …
Unknown keys are refused with the nearest match. Relative paths start at the folder of the file that names them; those of the
environment and of the command line at the workspace. What sends a secret somewhere or starts a program (`gateway.keys`,
`vllm_python`) is read from your own `config.toml` only: a folder that you were given must not say it.
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
PATHS = ("policy", "cache", "model", "embedder", "prices", "record", "vllm_python")
FILE_PREFIXES, VLLM, ENDPOINT = ("scripted:", "recorded:"), "vllm:", "openai:"


class GatewaySettings(Strict):
    """What stands in front of models that are asked over a network or in vLLM: fallbacks, patience, budgets."""

    fallbacks: list[str] = Field(
        default_factory=list, description="models that are asked in this order when the one before gives no answer"
    )
    retries: int = Field(3, ge=0, le=20, description="more tries of the same model after a rate limit, an overload or a dropped connection")
    longest_wait_seconds: float = Field(30, ge=0, allow_inf_nan=False, description="a server that asks for a longer wait is passed over")
    connect_seconds: float = Field(5, gt=0, allow_inf_nan=False, description="to connect")
    first_token_seconds: float = Field(120, gt=0, allow_inf_nan=False, description="from the question to the first token")
    between_tokens_seconds: float = Field(30, gt=0, allow_inf_nan=False, description="between two tokens")
    total_seconds: float = Field(300, gt=0, allow_inf_nan=False, description="of one answer")
    max_output_tokens: int = Field(800, ge=16, description="of one answer")
    request_cost: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars that planning one request may cost")
    day_cost: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars a day (UTC), in this workspace")
    request_tokens: int | None = Field(None, gt=0, description="tokens that planning one request may take")
    day_tokens: int | None = Field(None, gt=0, description="tokens a day (UTC), in this workspace")
    keys: dict[str, str] = Field(
        default_factory=dict, description="host -> the environment variable that holds its key; your own file only"
    )


SECTIONS: dict[str, type[Strict]] = {"limits": Limits, "gateway": GatewaySettings}


class Settings(Strict):
    """Everything that can be set, with its default."""

    model: str = Field(
        "builtin",
        description="what plans: builtin, a GGUF file, a model folder, openai:http://host:port/v1#name, vllm:FOLDER, scripted:FILE or "
        "recorded:FILE",
    )
    embedder: str = Field(
        "builtin", description="what makes vectors: builtin (all-MiniLM-L6-v2), a model folder, openai:URL#NAME, or hashing"
    )
    policy: str | None = Field(None, description="policy file; the packaged default if unset")
    cache: str = Field("~/.cache/modelwright", description="where the built-in model is kept in float32 (540 MB)")
    threads: int = Field(0, ge=0, description="threads of training and evaluation; 0 is every core")
    planner_threads: int = Field(1, ge=1, description="threads of the planning model; two collapse when another process is busy")
    planner_adapter: bool = Field(True, description="whether the built-in model plans with the adapter that was trained for it")
    seed: int = Field(7, ge=0, description="seed of everything random")
    job_seconds: float = Field(6 * 3600, gt=0, allow_inf_nan=False, description="wall-clock limit of one child process")
    job_memory_gib: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="memory limit of one child; 90% of what is free if unset"
    )
    prices: str | None = Field(None, description="price file that is read before the packaged one, TOML")
    record: str | None = Field(
        None, description="file to which every answer of the planning model is added, to be replayed as recorded:FILE"
    )
    vllm_python: str | None = Field(
        None, description="the Python that has vLLM, if it is not this one; your own file or the environment only"
    )
    limits: Limits = Field(default_factory=Limits)
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)

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
        _take_own(values, path)
    here = start.absolute()
    bases = dict.fromkeys(PATHS, path.parent.absolute() if path else here)
    origin = _from_environment(values, os.environ if environ is None else environ)
    given = {key: value for key, value in overrides.items() if value is not None}
    values.update(given)
    bases.update(dict.fromkeys([*origin, *given], here))
    for key in PATHS:
        if isinstance(values.get(key), str) and values[key]:
            values[key] = _absolute(key, values[key], bases[key])
    _place_fallbacks(values, bases["model"] if "gateway.fallbacks" in origin or not path else path.parent.absolute())
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        where = origin.get(key) or (str(path) if path else "settings")
        raise ConfigError(f"{where}: {key}: {first['msg']}, got {first['input']!r:.60}") from None


def _place_fallbacks(values: dict[str, Any], base: Path) -> None:
    gateway = values.get("gateway")
    if isinstance(gateway, dict) and isinstance(gateway.get("fallbacks"), list):
        values["gateway"] = {**gateway, "fallbacks": [_absolute("model", str(ref), base) for ref in gateway["fallbacks"]]}


def _take_own(values: dict[str, Any], path: Path) -> None:
    """What only the user's own file may say: read from there, refused anywhere else."""
    own = own_file()
    if path == own:
        return
    for section, key in (("gateway", "keys"), ("", "vllm_python")):
        if key in (values.get(section, {}) if section else values):
            raise ConfigError(f"{path}: {section and section + '.'}{key} is read from your own file only", fix=f"move it to {own}")
    if own.is_file():
        mine = _read(own)
        _check_keys(mine, str(own))
        if "vllm_python" in mine:
            values["vllm_python"] = _absolute("vllm_python", str(mine["vllm_python"]), own.parent)
        if "keys" in mine.get("gateway", {}):
            values["gateway"] = {**values.get("gateway", {}), "keys": mine["gateway"]["keys"]}


def _absolute(key: str, text: str, base: Path) -> str:
    """A path as seen from `base`; a model that is no path stays as it is."""
    if key == "model" and text.startswith(VLLM):
        return VLLM + _absolute("model", text.removeprefix(VLLM), base)
    prefix = next((prefix for prefix in FILE_PREFIXES if key == "model" and text.startswith(prefix)), "")
    name = text.removeprefix(prefix)
    expanded = os.path.expanduser(name)
    if expanded.startswith("~"):
        raise ConfigError(f"{key}: there is no home folder for {name!r:.80}", fix="write the whole path")
    if key in ("model", "embedder") and not prefix and not _is_model_path(expanded, base):
        return text
    return prefix + str(base / expanded)


def _is_model_path(text: str, base: Path) -> bool:
    if text in ("builtin", "hashing") or text.startswith(ENDPOINT):
        return False
    return text.startswith((".", "/")) or text.endswith(".gguf") or os.path.exists(base / text)


def find_file(start: Path) -> Path | None:
    for folder in (start, *start.resolve().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    home = own_file()
    return home if home.is_file() else None


def own_file() -> Path:
    """The user's own settings."""
    return Path(os.environ.get("XDG_CONFIG_HOME", "~/.config")).expanduser() / "modelwright" / "config.toml"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path}: not readable as TOML: {error}", fix='write one key = value a line, text in quotes: model = "builtin"'
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not readable as TOML: byte {error.start} is not UTF-8", fix="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix="change its rights, or move it away") from None


def _check_keys(values: Mapping[str, Any], where: str) -> None:
    unknown = _unknown(values, list(Settings.model_fields), "")
    for name, section in SECTIONS.items():
        found = values.get(name, {})
        if not isinstance(found, dict):
            first = next(iter(section.model_fields.items()))
            fix = f"write [{name}] and below it {first[0]} = {first[1].get_default(call_default_factory=True)}"
            raise ConfigError(f"{where}: {name} is {found!r:.60}, not a table", fix=fix)
        unknown |= _unknown(found, list(section.model_fields), f"{name}.")
    _refuse(unknown, where)


def _unknown(values: Mapping[str, Any], known: list[str], prefix: str) -> dict[str, str]:
    """Each key that is none, with what was meant by it."""
    found = {}
    for key in values:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            found[prefix + key] = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(known)}"
    return found


def _refuse(unknown: Mapping[str, str], where: str) -> None:
    if len(unknown) == 1:
        ((key, hint),) = unknown.items()
        raise ConfigError(f"{where}: unknown key {key}", fix=hint)
    if unknown:
        raise ConfigError(f"{where}: unknown keys {', '.join(unknown)}", fix="; ".join(f"{key}: {hint}" for key, hint in unknown.items()))


def _from_environment(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put MODELWRIGHT_* into `values`; returns which variable each key came from."""
    origin = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        key = name.removeprefix(PREFIX).lower()
        section, _, leaf = key.partition("__")
        if leaf:
            _refuse(_unknown({section: 0}, list(SECTIONS), ""), name)
            _refuse(_unknown({leaf: 0}, list(SECTIONS[section].model_fields), f"{section}."), name)
            values[section] = {**values.get(section, {}), leaf: text}
            origin[f"{section}.{leaf}"] = name
        else:
            _refuse(_unknown({key: 0}, list(Settings.model_fields), ""), name)
            values[key] = text
            origin[key] = name
    return origin
