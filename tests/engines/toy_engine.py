"""An engine for tests of the client: does in the child what its spec says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from modelwright.engines.child import Job
from modelwright.errors import TrainingFailed


def run(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    with Path(spec["counter"]).open("a") as stream:
        stream.write("x")
    job.progress("start", step=0, steps=3)
    print("a line for the log")
    kind = spec["do"]
    if kind == "fail":
        raise TrainingFailed("the loss is NaN at step 3", fix="lower the learning rate")
    if kind == "bug":
        raise KeyError("surprise")
    if kind == "import":
        __import__("no_such_package_anywhere")
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "eat":
        hoard = [bytearray(20_000_000) for _ in range(40)]
        time.sleep(30)
        return {"hoard": len(hoard)}
    if kind == "escape":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    if kind == "escape_and_die":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for step in range(1, 4):
        time.sleep(spec.get("seconds", 0) / 3)
        job.progress("work", step=step, steps=3)
    return {"answer": 42}
