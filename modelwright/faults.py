"""Named points where a test can kill the process: `MODELWRIGHT_FAULT=execute.after_effect` (or `:3`, the third time).

The kill is SIGKILL, as real as from outside. Without the variable a point costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal

_seen: dict[str, int] = {}


def point(name: str) -> None:
    wanted = os.environ.get("MODELWRIGHT_FAULT")
    if not wanted:
        return
    target, _, nth = wanted.partition(":")
    if target != name:
        return
    _seen[name] = _seen.get(name, 0) + 1
    if _seen[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
