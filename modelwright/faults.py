"""Named points where a test can kill the process, as real as from outside: SIGKILL to itself.

`MODELWRIGHT_FAULT=execute.after_effect` kills there, `:3` the third time, `@FILE` only once: the file is made first,
and while it is there nothing happens. Without the variable a point costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_seen: dict[str, int] = {}


def point(name: str) -> None:
    wanted = os.environ.get("MODELWRIGHT_FAULT")
    if wanted:
        _maybe_die(name, wanted)


def _maybe_die(name: str, wanted: str) -> None:
    place, _, mark = wanted.partition("@")
    target, _, nth = place.partition(":")
    if target != name or (mark and Path(mark).exists()):
        return
    _seen[name] = _seen.get(name, 0) + 1
    if _seen[name] == int(nth or 1):
        if mark:
            Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
