"""The machine under a benchmark: what it is, what else it did meanwhile, how much memory and energy the run took.

Two facts to know. Other processes' processor use stands beside every load, because the same code ran at 264 and at 47
tokens a second depending on one busy neighbour. And energy is told only where the machine counts it: Intel's and AMD's
RAPL counters (whole packages, idle power included), and NVIDIA's power reading, summed over time.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

Json = dict[str, Any]
SAMPLE_SECONDS = 0.2
RAPL = Path("/sys/class/powercap")
PACKAGES = ("modelwright", "llama-cpp-python", "torch", "transformers", "httpx", "numpy")
QUIET = 0.3
"""Cores that others may use before a note says so."""


def system_card() -> Json:
    found: Json = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "cores_allowed": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": _gpus(),
        "governor": _text(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")) or "not told",
        "system": platform.platform(),
        "versions": found,
        "energy": ", ".join(energy_sources()) or "this machine tells no energy",
        "other_cpu_cores_before": round(psutil.cpu_percent(0.5) / 100 * (os.cpu_count() or 1), 2),
    }


def _processor() -> str:
    lines = (_text(Path("/proc/cpuinfo")) or "").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _smi(query: str) -> list[str]:
    """One line a GPU; none without NVIDIA's tool."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    try:
        command = [tool, f"--query-gpu={query}", "--format=csv,noheader,nounits"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def _gpus() -> list[str]:
    return [line.strip() for line in _smi("name,memory.total,driver_version")]


def _rapl_counters() -> list[Path]:
    """The packages' counters that may be read; their parts are inside them."""
    return [path for path in sorted(RAPL.glob("*-rapl:[0-9]/energy_uj")) if _text(path) is not None]


def energy_sources() -> list[str]:
    return [*(str(path.parent.name) for path in _rapl_counters()), *(["nvidia-smi power.draw"] if _smi("power.draw") else [])]


@dataclass(frozen=True)
class Usage:
    """What one run took."""

    peak_memory_bytes: int | None
    """Resident, of the target's processes; None when they are on another machine."""
    other_cpu_cores: float
    energy_joules: float | None
    gpu_memory_bytes: int | None


class Meter:
    """Measures from `with` to its end; `usage` is there afterwards. `pids` are the target's processes."""

    def __init__(self, pids: list[int], *, gpu: bool) -> None:
        self._pids, self._gpu = pids, gpu
        self._peak, self._gpu_peak, self._gpu_joules = 0, 0, 0.0
        self._stop = threading.Event()
        self.usage = Usage(None, 0.0, None, None)

    def __enter__(self) -> Meter:
        self._began, self._cpu, self._own = time.monotonic(), _busy_seconds(), self._own_seconds()
        self._energy = [(path, int(_text(path) or 0)) for path in _rapl_counters()]
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        seconds = max(time.monotonic() - self._began, 1e-9)
        others = (_busy_seconds() - self._cpu) - (self._own_seconds() - self._own)
        joules = sum(_gained(path, before) for path, before in self._energy) + self._gpu_joules
        self.usage = Usage(
            peak_memory_bytes=self._peak or None,
            other_cpu_cores=max(0.0, others / seconds),
            energy_joules=joules if self._energy or self._gpu_joules else None,
            gpu_memory_bytes=self._gpu_peak or None,
        )

    def _watch(self) -> None:
        while True:
            self._peak = max(self._peak, sum(_resident(pid) for pid in self._pids))
            if self._gpu:
                self._sample_gpu()
            if self._stop.wait(1.0 if self._gpu else SAMPLE_SECONDS):
                return

    def _sample_gpu(self) -> None:
        rows = [line.split(",") for line in _smi("power.draw,memory.used")]
        with contextlib.suppress(ValueError, IndexError):
            self._gpu_joules += sum(float(row[0]) for row in rows)  # one sample a second: watts are joules
            self._gpu_peak = max(self._gpu_peak, int(sum(float(row[1]) for row in rows) * 2**20))

    def _own_seconds(self) -> float:
        """Of the target's processes and of this one, which sends the load."""
        return sum(_cpu_seconds(pid) for pid in {*self._pids, os.getpid()})


def _gained(path: Path, before: int) -> float:
    """Joules since `before`; the counter starts again at its highest value."""
    now, top = int(_text(path) or 0), int(_text(path.with_name("max_energy_range_uj")) or 0)
    return ((now - before) if now >= before else (now - before + top)) / 1e6


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))


def _resident(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def _cpu_seconds(pid: int) -> float:
    with contextlib.suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0
