"""Which files a call would touch, and in which zone each really lies.

A tool marks its path arguments in its schema (`x-role`: dataset, model and file are read, output is written). Each path is
followed through its symbolic links to the end; of a file that does not exist yet, through those of its folders. Zones:
`secret` before `modelwright` (the folder .modelwright) before `workspace` before `outside`.

Not covered: hard links, a link that is swapped between this look and the tool's, and what lies inside a folder that is read.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from modelwright.modelrefs import BUILTIN
from modelwright.sizing import known
from modelwright.types import Json, ToolArgs

Zone = Literal["workspace", "outside", "secret", "modelwright"]
ZONES: tuple[Zone, ...] = ("workspace", "outside", "secret", "modelwright")
UNKNOWN: Literal["not known"] = "not known"
"""In place of a zone: an earlier step's result says where is written. What is read from an earlier step was written here."""
REFERENCE = re.compile(r"\$s[0-9]+(?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\])+")
"""The result of an earlier step, not known yet. Has no slash, so a path cannot be dressed up as one."""
ENDPOINT = "openai:"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_OWN_FOLDER = ".modelwright"

SECRET = (
    # places
    "~/.ssh", "~/.aws", "~/.azure", "~/.gnupg", "~/.kube", "~/.docker", "~/.password-store", "~/.config/gcloud", "~/.config/gh",
    "~/.config/modelwright", "~/.huggingface", "~/.cache/huggingface/token", "~/.cache/huggingface/stored_tokens", "~/.netrc", "~/.pgpass",
    "~/.bash_history", "~/.zsh_history", "/etc/shadow", "/etc/sudoers", "/etc/ssl/private", "/proc", ".modelwright/modelwright.db",
    # names
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "id_rsa*", "id_ed25519*", "id_ecdsa*", ".git-credentials", ".npmrc",
    ".pypirc", "modelwright.db*", "checkpoints.db*", "modelwright.toml", "policy.toml", "*.policy.toml",
)  # fmt: skip
"""With a slash: a place and all below it, relative ones in the workspace. Without: a name, wherever it stands."""


@dataclass(frozen=True)
class Touched:
    """One path of a call."""

    path: str
    zone: Zone | Literal["not known"]


@dataclass(frozen=True)
class Touches:
    reads: tuple[Touched, ...] = ()
    writes: tuple[Touched, ...] = ()
    endpoint: bool = False
    """Whether a model behind an address is used."""


def touches(args_type: type[ToolArgs], args: Json, workspace: Path, secret: tuple[str, ...] = ()) -> Touches:
    """What a call with these arguments reads and writes. `secret` adds places and names to the built-in ones."""
    zones = _zones(str(workspace), os.path.expanduser("~"), secret)
    reads: list[Touched] = []
    writes: list[Touched] = []
    endpoint = False
    for parts, role in roles_of(args_type):
        for value in values_at(args, parts):
            if role == "model" and isinstance(value, str) and value.startswith(ENDPOINT):
                endpoint = True
            elif isinstance(value, str) and is_path(value, role, workspace):
                place = Touched(value, zones.zone_of(value, writing=role == "output"))
                (writes if role == "output" else reads).append(place)
            elif isinstance(value, str) and role == "output":
                writes.append(Touched(value, UNKNOWN))
    return Touches(tuple(reads), tuple(writes), endpoint)


def is_path(value: str, role: str, workspace: Path) -> bool:
    """A model is a path unless it is built in, or a name of the hub or of the table of models that no file here bears."""
    if REFERENCE.fullmatch(value):
        return False
    if role != "model":
        return True
    named = _HUB_NAME.fullmatch(value) or ("/" not in value and known.find(value) is not None)
    return value != BUILTIN and (not named or os.path.lexists(os.path.join(workspace, value)))


@lru_cache(maxsize=256)
def roles_of(args_type: type[ToolArgs]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Where a tool's path arguments stand: (("models", "*"), "model") for a list. Read once a tool."""
    schema = args_type.model_json_schema()
    return tuple(dict.fromkeys(_walk(schema, schema.get("$defs", {}), (), frozenset())))


def _walk(schema: Json, defs: Json, at: tuple[str, ...], seen: frozenset[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    if "x-role" in schema:
        yield at, schema["x-role"]
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if name and name not in seen:
        yield from _walk(defs[name], defs, at, seen | {name})
    for choice in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(choice, ()):
            yield from _walk(inner, defs, at, seen)
    for key, inner in schema.get("properties", {}).items():
        yield from _walk(inner, defs, (*at, key), seen)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _walk(schema[key], defs, (*at, "*"), seen)
    for inner in schema.get("prefixItems", ()):
        yield from _walk(inner, defs, (*at, "*"), seen)


def values_at(value: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    """Every value at a place; `*` is each element of a list or a dict. Null is no value, a reference stays one."""
    if value is None:
        return
    if not parts or (isinstance(value, str) and REFERENCE.fullmatch(value)):
        yield value
    elif parts[0] == "*":
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        for item in inner:
            yield from values_at(item, parts[1:])
    elif isinstance(value, dict):
        yield from values_at(value.get(parts[0]), parts[1:])


class _Zones:
    """The map of one workspace, its places resolved once."""

    def __init__(self, workspace: str, home: str, secret: tuple[str, ...]) -> None:
        self.workspace = os.path.realpath(workspace)
        self.own = {os.path.join(self.workspace, _OWN_FOLDER), os.path.realpath(os.path.join(self.workspace, _OWN_FOLDER))}
        entries = (*SECRET, *secret)
        full = [os.path.join(self.workspace, home + entry[1:] if entry.startswith("~") else entry) for entry in entries if "/" in entry]
        self.places = [os.path.realpath(place).casefold() for place in full]
        self.names = re.compile("|".join(fnmatch.translate(entry.casefold()) for entry in entries if "/" not in entry))

    def zone_of(self, text: str, *, writing: bool) -> Zone:
        try:
            joined = os.path.join(self.workspace, os.path.expanduser(text))
            named = os.path.abspath(joined)
            # `..` behind a link: cut by the file system or by name, tools do either, so both are looked at
            real = {os.path.realpath(joined), os.path.realpath(named)}
        except (ValueError, OSError):  # a name with NUL: no file can have it
            return "outside"
        if any(self._is_secret(path, writing) for path in {named, *real}):
            return "secret"
        zones = {self._zone_of_real(path) for path in real}
        return next(zone for zone in ("outside", "modelwright", "workspace") if zone in zones)

    def _zone_of_real(self, path: str) -> Zone:
        if any(_inside(path, own) for own in self.own):
            return "modelwright"
        return "workspace" if _inside(path, self.workspace) else "outside"

    def _is_secret(self, path: str, writing: bool) -> bool:
        below = path.removeprefix(self.workspace) if _inside(path, self.workspace) else path
        folded = path.casefold()
        if any(self.names.match(part) for part in below.casefold().split(os.sep)):
            return True
        if any(_inside(folded, place) for place in self.places):
            return True
        # Writing replaces a whole folder, and with it what it holds: the workspace itself holds the records.
        return writing and any(_inside(place, folded) for place in self.places)


@lru_cache(maxsize=64)
def _zones(workspace: str, home: str, secret: tuple[str, ...]) -> _Zones:
    return _Zones(workspace, home, secret)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
