"""The time of a training over all its tries."""

from __future__ import annotations

import json
from pathlib import Path

from modelwright.engines.train_clock import EVERY, KEPT, Clock


def test_a_later_try_counts_what_those_before_it_took(tmp_path: Path) -> None:
    assert Clock(tmp_path).earlier == 0
    (tmp_path / KEPT).write_text(json.dumps({"seconds": 110.0}), encoding="utf-8")
    again = Clock(tmp_path)
    assert again.earlier == 110
    assert again.seconds >= 110
    (tmp_path / KEPT).write_text('{"seco', encoding="utf-8")
    assert Clock(tmp_path).earlier == 0


def test_what_was_spent_is_written_down_once_a_second(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    clock.keep()
    assert not (tmp_path / KEPT).exists()
    clock.earlier = 100 + EVERY
    clock.keep()
    assert json.loads((tmp_path / KEPT).read_text(encoding="utf-8"))["seconds"] >= 101
