"""Price files: what tokens of hosted models cost, as the user looked it up. TOML, one [[price]] an entry, the first that fits counts.

Hosted prices are not packaged: they change, and a wrong one is worse than none. What has no entry has an unknown price,
never zero.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from modelwright.errors import ConfigError
from modelwright.types import Strict


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


def read(path: Path) -> list[Price]:
    """The entries of `path`, in order. Raises ConfigError naming file and field."""
    try:
        return PriceFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).price
    except FileNotFoundError:
        raise ConfigError(f"setting prices: {path} does not exist", fix="see docs/models.md for its form") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}, got {first['input']!r:.60}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not readable as prices: {error}") from None
