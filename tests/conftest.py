"""What every test gets: a home, cache and working folder of its own, no sockets to the outside, and a real tool context."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from modelwright.config import Settings
from modelwright.graphs.context import RunContext
from tests import llama_server as llama_cpp_server

with contextlib.suppress(ImportError):
    import readline  # noqa: F401  once imported (by pdb, say) it puts a size of its own into the environment of children
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)
    os.unsetenv(name)

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SHARED_CACHE = Path(tempfile.gettempdir()) / "modelwright-test-cache"
"""The built-in model in float32 (540 MB): converted once for all tests."""


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(SHARED_CACHE))
    monkeypatch.delenv("MODELWRIGHT_FAULT", raising=False)


@pytest.fixture(autouse=True)
def no_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return


@pytest.fixture(scope="session")
def llama_server() -> Iterator[str]:
    """host:port of a real OpenAI-compatible server with the built-in model on loopback, one for all tests of a process."""
    if not llama_cpp_server.installed():
        pytest.skip("llama_cpp.server is not installed: pip install 'llama-cpp-python[server]'")
    with llama_cpp_server.running(interrupt_requests="true") as address:
        yield address


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder a test stands in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def tool_context(workspace: Path) -> RunContext:
    """A real ToolContext: its jobs run in child processes. `context.said` holds what was reported."""
    return make_context(workspace)


@pytest.fixture
def make_tool_context(workspace: Path) -> Callable[..., RunContext]:
    """As tool_context, with a name for each, when a test needs several calls."""
    return lambda name="s1": make_context(workspace, name)


def make_context(workspace: Path, name: str = "s1") -> RunContext:
    said: list[dict[str, Any]] = []
    context = RunContext(
        workspace=workspace,
        output_dir=workspace / ".modelwright" / "runs" / "test" / name,
        job_dir=workspace / ".modelwright" / "jobs" / name,
        settings=Settings(cache=str(SHARED_CACHE)),
        report=said.append,
    )
    context.said = said  # type: ignore[attr-defined]
    return context
