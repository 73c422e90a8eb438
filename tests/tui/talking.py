"""A worker for tests: speaks the real worker's lines from a list of answers, without an agent behind it; notes what it was told.

    python talking.py SCRIPT SESSION

SCRIPT is JSON: a list of turns, each a list of lines to say; {"wait": true} waits for a reply. What it hears goes to SCRIPT.heard,
a null at its end.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    script = Path(sys.argv[1])
    turns = json.loads(script.read_text(encoding="utf-8"))
    say({"ready": sys.argv[2], "model": "scripted", "policy": None, "unfinished": None})
    for turn in turns:
        if not hear(script):
            return
        for line in turn:
            if "wait" in line:
                hear(script)
            else:
                say(line)
    while hear(script):
        pass


def say(line: object) -> None:
    print(json.dumps(line), flush=True)


def hear(script: Path) -> bool:
    line = sys.stdin.readline()
    with script.with_suffix(".heard").open("a", encoding="utf-8") as stream:
        stream.write(line or "null\n")  # the end of what the app says
    return bool(line)


if __name__ == "__main__":
    main()
