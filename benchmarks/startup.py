"""How long the door takes: whole processes, several runs each, in turn.

python benchmarks/startup.py [RUNS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import card

PROGRAM = str(Path(sys.executable).parent / "modelwright")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "modelwright --help": [PROGRAM, "--help"],
    "modelwright tools": [PROGRAM, "tools"],
    "modelwright tools finetune": [PROGRAM, "tools", "finetune"],
    "modelwright policy check": [PROGRAM, "policy", "check"],
    "modelwright doctor": [PROGRAM, "doctor"],
}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(card("click", "pydantic"))
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs + 1):  # the first round warms the file cache and is not counted
            for name, command in COMMANDS.items():
                started = time.perf_counter()
                subprocess.run(command, cwd=folder, capture_output=True, check=True)
                if number:
                    seconds[name].append(time.perf_counter() - started)
    print(f"{'command':<28} {'min s':>8} {'median s':>9} {'max s':>8}   ({runs} runs each)")
    for name, values in seconds.items():
        print(f"{name:<28} {min(values):>8.3f} {statistics.median(values):>9.3f} {max(values):>8.3f}")


if __name__ == "__main__":
    main()
