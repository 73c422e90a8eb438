"""A real OpenAI-compatible server with the built-in model on loopback, one for all tests here, and a proxy that goes wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from modelwright.engines.client import child_environment
from modelwright.modelrefs import builtin_gguf
from tests.models import fault_proxy

START_SECONDS = 120


@pytest.fixture(scope="session")
def llama_server() -> Iterator[str]:
    """host:port of `python -m llama_cpp.server`. It is killed at the end, with all that it started."""
    if not all(find_spec(name) for name in ("llama_cpp", "uvicorn", "fastapi", "sse_starlette", "starlette_context")):
        pytest.skip("llama_cpp.server is not installed: pip install 'llama-cpp-python[server]'")
    port = _free_port()
    options = {"model": builtin_gguf(), "model_alias": "smollm2", "host": "127.0.0.1", "port": port, "n_ctx": 2048}
    threads = {"n_threads": 1, "n_threads_batch": 1, "interrupt_requests": "true"}
    command = [sys.executable, "-m", "llama_cpp.server"]
    for name, value in (options | threads).items():
        command += [f"--{name}", str(value)]
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=child_environment() | _plain()
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/models", child)
        yield f"127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


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


def _plain() -> dict[str, str]:
    return {"PYTHONPATH": "", "PATH": os.environ["PATH"]}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if child.poll() is not None:
            pytest.fail(f"llama_cpp.server ended with {child.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"llama_cpp.server was not ready after {START_SECONDS} s")
