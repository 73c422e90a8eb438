"""What the agent's tests share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from modelwright.workspace import Workspace


@pytest.fixture
def db(place: Workspace) -> Iterator[sqlite3.Connection]:
    """The database of the test's own `place`."""
    opened = place.connect()
    yield opened
    opened.close()
