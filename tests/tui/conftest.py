"""An app on a workspace of its own, with a worker that talks from a list; time stands still where it is drawn."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import train_memory
from modelwright.tui import clock, data
from modelwright.tui.app import Modelwright
from modelwright.tui.widgets import held, plan_card
from tests.tui import lines

Json = dict[str, Any]
TALKING = Path(__file__).with_name("talking.py")


@pytest.fixture(autouse=True)
def drawn_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks stand still, a place's name and a processor are the same everywhere, and the terminal has colours."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(clock, "now", lambda: lines.START + 60)
    monkeypatch.setattr(data, "memory_of", lambda pid: 2_100_000_000)
    monkeypatch.setattr(train_memory, "in_bfloat16", lambda method: False)
    monkeypatch.setattr(train_memory, "cores", lambda threads: 2)
    monkeypatch.setattr(plan_card, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(held, "HOLD_SECONDS", 0.001)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def script(workspace: Path, tmp_path: Path) -> Path:
    (workspace / "train.jsonl").write_text('{"messages": []}\n')
    (workspace / "eval.jsonl").write_text('{"messages": []}\n')
    return tmp_path / "script.json"


@pytest.fixture
def make_app(script: Path) -> Callable[..., Modelwright]:
    """An app whose worker says these turns."""

    def make(*turns: list[Json]) -> Modelwright:
        script.write_text(json.dumps(turns), encoding="utf-8")
        return Modelwright("larkfield", command=[sys.executable, "-S", str(TALKING), str(script)])

    return make


@pytest.fixture
def heard(script: Path) -> Callable[[], list[Json]]:
    """What the app told its worker."""
    return lambda: [json.loads(line) for line in script.with_suffix(".heard").read_text(encoding="utf-8").splitlines()]
