"""What a running tool is given: the real ToolContext. Its jobs run in children through engines.client."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from modelwright import faults
from modelwright.config import Settings
from modelwright.contract import Documents
from modelwright.engines import client
from modelwright.types import Json


@dataclass
class RunContext:
    """A ToolContext. `job_dir` is the same whenever the same call is made again, so finished jobs in it are reused."""

    workspace: Path
    output_dir: Path
    job_dir: Path
    settings: Settings
    report: Callable[[Json], None]
    """Takes {message, …numbers}."""
    seconds_left: float | None = None
    """Of the run's budget when the call began; all jobs of the call share it."""
    peak_memory_bytes: int = 0
    joined: bool = False
    _jobs: int = field(default=0)
    _began: float = field(default_factory=time.monotonic)

    @cached_property
    def documents(self) -> Documents:
        """Opened when a tool first asks for it."""
        from modelwright.memory.documents.service import DocumentIndexes

        return DocumentIndexes(self.workspace, self.settings, self.job)

    def progress(self, message: str, **numbers: Any) -> None:
        self._heard({"message": message, **numbers})

    def _heard(self, numbers: Json) -> None:
        faults.point("execute.progress")
        self.report(numbers)

    def job(self, engine: str, spec: Json) -> Json:
        self._jobs += 1
        folder = self.job_dir / f"{self._jobs}-{re.sub('[^a-z0-9_]', '_', engine)}"
        usage = client.Usage()
        try:
            return client.run_job(engine, spec, folder, limits=self._limits(), progress=self._heard, usage=usage)
        finally:
            self.peak_memory_bytes = max(self.peak_memory_bytes, usage.peak_memory_bytes)
            self.joined = self.joined or usage.joined

    def _limits(self) -> client.JobLimits:
        gib = self.settings.job_memory_gib
        seconds = self.settings.job_seconds
        if self.seconds_left is not None:
            seconds = min(seconds, max(0.1, self.seconds_left - (time.monotonic() - self._began)))
        return client.JobLimits(seconds=seconds, memory_bytes=int(gib * 2**30) if gib else None)
