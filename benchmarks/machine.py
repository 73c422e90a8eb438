"""The card that stands above every table: machine, versions, and what else used the processor."""

from __future__ import annotations

import os
import platform
import signal
import sys
from importlib.metadata import PackageNotFoundError, version

import psutil


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next(line.split(":", 1)[1].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def others_cpu(seconds: float = 1.0) -> float:
    """Cores that other processes keep busy, measured over `seconds` while this one sleeps."""
    return psutil.cpu_percent(seconds) / 100 * (os.cpu_count() or 1)


def card(*packages: str) -> str:
    """Ctrl-C from here on ends the benchmark without a traceback; its temporary folders are removed."""
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    found = [f"python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    memory = psutil.virtual_memory().total / 2**30
    return f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {', '.join(found)}; other processes use {others_cpu():.1f} cores"
