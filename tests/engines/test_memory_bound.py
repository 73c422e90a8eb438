"""The bound fails an allocation instead of the process, and forgets what only the heap still holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

FILL = """
import sys
import numpy as np
from modelwright.engines.memory_bound import MemoryBound

def fits(numbers):
    try:
        return bool(np.ones(numbers).any())
    except MemoryError:
        return False

bound = MemoryBound(600_000_000)
kept = []
try:
    while True:
        kept.append(np.ones(12_500))  # 100 kB, which malloc takes from its heap
except MemoryError:
    pass
pinned = kept[::100]
kept.clear()
if sys.argv[1] == "again":
    bound.begin_again()
print(fits(25_000_000), fits(90_000_000))  # 200 MB, 720 MB
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the bound is Linux's RLIMIT_DATA")
@pytest.mark.parametrize(("how", "said"), [("as it is", "False False"), ("again", "True False")])
def test_after_a_failed_allocation_what_was_freed_may_be_used_again_and_the_bound_still_holds(how: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", FILL, how], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said
