"""What a call costs, from files that the user can edit (prices.toml beside this one, and the setting `prices`).

Hosted prices are not packaged: they change, and a wrong one is worse than none. What has no entry has an unknown price
(None), never zero. Models in a process of ours cost nothing here; their electricity is not counted.
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


class Price(Strict):
    """One entry of a price file."""

    model: str = Field(description="pattern over host:port/path#model; * is any text")
    prompt: float = Field(ge=0, allow_inf_nan=False, description="US dollars per million tokens read")
    answer: float = Field(ge=0, allow_inf_nan=False, description="US dollars per million tokens written")
    as_of: str = Field("", description="the day on which it was looked up")

    def cost(self, prompt_tokens: int, output_tokens: int) -> float:
        """US dollars."""
        return (prompt_tokens * self.prompt + output_tokens * self.answer) / 1e6


FREE = Price(model="*", prompt=0, answer=0)
"""Of what runs in a process of ours."""


class PriceFile(Strict):
    price: list[Price] = Field(default_factory=list)


class Prices:
    """The entries of the user's file, then the packaged ones."""

    def __init__(self, entries: Sequence[Price]) -> None:
        self._entries = tuple(entries)

    @classmethod
    def read(cls, own: Path | None = None) -> Prices:
        """Raises ConfigError naming file and field."""
        packaged = _entries(Path(str(files(__package__))) / "prices.toml")
        return cls([*(_entries(own) if own else []), *packaged])

    def of(self, model: str) -> Price | None:
        """The price of a model as traces name it; None when it is unknown."""
        return next((entry for entry in self._entries if fnmatchcase(model, entry.model)), None)


def _entries(path: Path) -> list[Price]:
    try:
        return PriceFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).price
    except FileNotFoundError:
        raise ConfigError(f"setting prices: {path} does not exist", fix="see docs/models.md for its form") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}, got {first['input']!r:.60}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not readable as prices: {error}") from None
