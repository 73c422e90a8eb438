"""A proxy that goes wrong when it is told to, before a real server or alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.models import fault_proxy


@pytest.fixture
def proxy(llama_server: str) -> Iterator[fault_proxy.Proxy]:
    """Passes on to the real server unless it is told to go wrong."""
    with fault_proxy.running(llama_server) as running:
        yield running


@pytest.fixture
def toy_server() -> Iterator[fault_proxy.Proxy]:
    """Only says what it is told to; nothing stands behind it."""
    with fault_proxy.running() as running:
        yield running
