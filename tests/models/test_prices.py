from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.errors import ConfigError
from modelwright.models.prices import Prices


def test_this_machine_costs_nothing_and_a_stranger_is_unknown() -> None:
    prices = Prices.read()
    for address in ("127.0.0.1:8000/v1#m", "localhost:11434/v1#m", "[::1]:8000/v1#m"):
        price = prices.of(address)
        assert price
        assert price.cost(10**6, 10**6) == 0
    assert prices.of("api.example.com/v1#m") is None


def test_the_users_file_comes_first(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text('[[price]]\nmodel = "api.example.com/v1#big-*"\nprompt = 2.0\nanswer = 10.0\nas_of = "2026-11-01"\n')
    price = Prices.read(own).of("api.example.com/v1#big-1")
    assert price
    assert price.cost(500_000, 100_000) == pytest.approx(2.0)


@pytest.mark.parametrize(("text", "named"), [('[[price]]\nmodel = "m"\nprompt = -1\nanswer = 0', "prompt"), ("x = ", "not readable")])
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(text)
    with pytest.raises(ConfigError, match=rf"prices\.toml.*{named}"):
        Prices.read(own)
    with pytest.raises(ConfigError, match="does not exist"):
        Prices.read(tmp_path / "no.toml")
