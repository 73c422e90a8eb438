"""llama_cpp.server with the project's own way of loading: `python tests/llama_server.py --model FILE --port N …`

`python -m llama_cpp.server` dies at its first question where llama.cpp was compiled with AMX by GCC before 14; importing
`modelwright.engines.llama` leaves those kernels out. `running` starts it with the built-in model on a free port of loopback.
"""

from __future__ import annotations

import runpy
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 120
READ_FROM_ENVIRONMENT = frozenset({"CACHE", "CHAT_FORMAT", "CONFIG_FILE", "HOST", "MODEL", "PORT", "SEED", "VERBOSE"})
"""Settings of the server that a shell may have for something else."""
PARTS = ("llama_cpp", "uvicorn", "fastapi", "sse_starlette", "starlette_context")


def installed() -> bool:
    return all(find_spec(name) for name in PARTS)


@contextmanager
def running(context: int = 2048, **options: str) -> Iterator[str]:
    """host:port, once it answers. One thread; it is killed at the end. RuntimeError if it does not start."""
    from modelwright.engines.client import child_environment
    from modelwright.modelrefs import builtin_gguf

    port = _free_port()
    flags = {"model": builtin_gguf(), "model_alias": "smollm2", "host": "127.0.0.1", "port": port, "n_ctx": context}
    threads = {"n_threads": 1, "n_threads_batch": 1}
    command = [sys.executable, str(Path(__file__).resolve())]
    for name, value in (flags | threads | options).items():
        command += [f"--{name}", str(value)]
    env = {name: value for name, value in child_environment().items() if name.upper() not in READ_FROM_ENVIRONMENT}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=env)
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/models", child)
        yield f"127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if child.poll() is not None:
            raise RuntimeError(f"llama_cpp.server ended with {child.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"llama_cpp.server was not ready after {START_SECONDS} s")


if __name__ == "__main__":
    import modelwright.engines.llama  # noqa: F401

    sys.path.pop(0)  # this folder, which holds tests only
    runpy.run_module("llama_cpp.server", run_name="__main__")
