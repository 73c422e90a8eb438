"""The fields of a `config.json`, each access of which names the field that is missing or impossible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.errors import BadRequest
from modelwright.sizing.shapes import whole

Config = Mapping[str, Any]


class Fields:
    """A config and the name that errors call it by."""

    def __init__(self, config: Config, name: str) -> None:
        if not isinstance(config, Mapping):
            raise BadRequest(f"{name}: the config is no JSON object")
        self.values, self.name = config, name

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def need(self, key: str, *, most: int = 1 << 32) -> int:
        if not self.has(key):
            raise BadRequest(f"{self.name}: its config has no {key}", fix="give layers, kv_heads and head_dim instead")
        return whole(self.values[key], f"{self.name}: {key}", most=most)

    def number(self, key: str, otherwise: int) -> int:
        return whole(self.values[key], f"{self.name}: {key}", least=0) if self.has(key) else otherwise
