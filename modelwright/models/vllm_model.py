"""A model folder in vLLM, in a child process of ours: `--model vllm:FOLDER`.

Two facts to know. vLLM brings its own torch, so the child is run by the Python that the setting `vllm_python` names (`make
vllm` makes one for CPUs); without it by this one. And loading takes half a minute on two cores; for a server
that is there already, `openai:http://host:port/v1#name` is the way.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from modelwright.engines import complete_vllm
from modelwright.engines.warm_child import WarmChild
from modelwright.errors import EngineMissing, ToolFailed
from modelwright.models.chat import Messages, Reply
from modelwright.models.failures import CallFailed
from modelwright.types import Json

START_SECONDS = 600.0
"""Importing vLLM, loading and profiling: 60 s for 135M parameters on two cores, far more for a big model."""
CPU_KV_CACHE_GIB = "1"


class VllmChat:
    """A ChatModel; models/chat_planner.py makes a planning model of it."""

    def __init__(self, path: str, *, python: str | None = None, answer_seconds: float = 300.0) -> None:
        self.name = f"vllm:{Path(path).name}"
        command = [python or sys.executable, "-P", complete_vllm.__file__, path]
        self._child = WarmChild(
            command, what=self.name, start_seconds=START_SECONDS, answer_seconds=answer_seconds, environment=_environment()
        )

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def complete(self, messages: Messages, schema: Json, *, max_tokens: int) -> Reply:
        try:
            reply = self._child.ask({"messages": messages, "schema": schema, "max_tokens": max_tokens})
        except (EngineMissing, ToolFailed) as error:
            raise CallFailed(error.message, fix=error.fix) from None
        return Reply(**reply)

    def close(self) -> None:
        self._child.close()


def _environment() -> dict[str, str]:
    """This environment's paths must not reach another Python; nothing is reported to anyone."""
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_LOGGING_LEVEL": "WARNING", "PYTHONPATH": ""}
    return {**quiet, "VLLM_CPU_KVCACHE_SPACE": os.environ.get("VLLM_CPU_KVCACHE_SPACE", CPU_KV_CACHE_GIB)}
