"""Price files: what tokens of hosted models cost, as the user looked it up. TOML, one [[price]] an entry, the first that fits counts.

Two facts to know. The user's own file (setting `prices`) is read before the packaged `prices.toml` beside this one, which knows
this machine only. And hosted prices are not packaged: they change, and a wrong one is worse than none, so what has no entry has
an unknown price (None), never zero.

NOT here: electricity and hardware (the tool `cost`), and models in a process of ours, which cost nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path

from pydantic import Field, ValidationError

from modelwright.errors import ConfigError
from modelwright.types import Strict

FORM = "see docs/models.md for its form"


class Price(Strict):
    """One entry of a price file."""

    model: str = Field(description="pattern over host:port/path#model; * is any text")
    prompt: float = Field(ge=0, allow_inf_nan=False, description="US dollars per million tokens read")
    answer: float = Field(ge=0, allow_inf_nan=False, description="US dollars per million tokens written")
    as_of: str = Field("", description="the day on which it was looked up")

    def cost(self, prompt_tokens: int, output_tokens: int) -> float:
        """US dollars."""
        return (prompt_tokens * self.prompt + output_tokens * self.answer) / 1e6


class PriceFile(Strict):
    price: list[Price] = Field(default_factory=list)


def entries(own: Path | None = None) -> list[Price]:
    """Those of the user's file, then the packaged ones. Raises ConfigError naming file and field."""
    packaged = Path(str(files("modelwright"))) / "prices.toml"
    return [*(read(own) if own else []), *read(packaged)]


def find(prices: Sequence[Price], name: str) -> Price | None:
    """The first entry whose pattern fits host:port/path#model; None when the price is unknown."""
    return next((entry for entry in prices if fnmatchcase(name, entry.model) or name == entry.model), None)


def read(path: Path) -> list[Price]:
    """The entries of `path`, in order. Raises ConfigError naming file and field."""
    try:
        return PriceFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).price
    except FileNotFoundError:
        raise ConfigError(f"setting prices: {path} does not exist", fix=FORM) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {where}: {first['msg']}, got {first['input']!r:.60}", fix=FORM) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not readable as prices: {error}", fix=FORM) from None
