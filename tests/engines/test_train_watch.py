"""Losses that mean that training went wrong, and checkpoints that are whole or not."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelwright.engines.train_watch import Watch, check_falls, check_finite, mark_whole, newest_whole
from modelwright.errors import TrainingFailed


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_training_and_names_the_step(loss: float) -> None:
    with pytest.raises(TrainingFailed, match="at step 4"):
        check_finite(4, loss, 1.0)


def test_a_gradient_that_is_no_number_stops_training_too() -> None:
    with pytest.raises(TrainingFailed, match="gradient norm became nan"):
        check_finite(1, 2.0, math.nan)
    check_finite(1, 2.0, None)


def test_a_loss_that_does_not_fall_is_refused() -> None:
    with pytest.raises(TrainingFailed, match=r"did not fall: 2\.000 in the first 4 steps"):
        check_falls([2.0] * 12, 2.0, 1.9)
    with pytest.raises(TrainingFailed):
        check_falls([1.0 + 0.1 * step for step in range(30)], 2.0, 1.9)


def test_a_noisy_loss_that_falls_passes() -> None:
    check_falls([3.0 - 0.05 * step + 0.3 * (-1) ** step for step in range(20)], 3.0, 2.0)


def test_losses_that_fall_by_the_luck_of_their_batches_are_flat() -> None:
    with pytest.raises(TrainingFailed, match=r"stayed flat: 3\.0000 on the first batch before training, 2\.9990 after"):
        check_falls([3.0 - 0.05 * step for step in range(20)], 3.0, 2.999)


def test_fewer_than_twelve_steps_say_nothing() -> None:
    check_falls([2.0] * 11, 2.0, 2.0)


def test_a_torn_checkpoint_is_thrown_away_and_the_one_before_it_used(tmp_path: Path) -> None:
    for step in (9, 10):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(b"weights")
        mark_whole(folder)
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-10"
    (tmp_path / "checkpoint-10" / "adapter_model.safetensors").write_bytes(b"wei")
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-9"
    assert not (tmp_path / "checkpoint-10").exists()


def test_a_checkpoint_without_its_record_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-5").mkdir()
    assert newest_whole(tmp_path) is None


def test_after_the_last_step_nothing_is_said_to_be_left_as_samples_follow() -> None:
    told: list[dict[str, Any]] = []
    watch = Watch(lambda message, **numbers: told.append(numbers), [10, 10], [5, 5])
    watch.on_train_begin(None, SimpleNamespace(global_step=0), None)
    for step in (1, 2):
        watch.on_log(None, SimpleNamespace(global_step=step, max_steps=2), None, {"loss": 1.0})
    assert told[0]["eta_seconds"] is None or told[0]["eta_seconds"] > 0
    assert told[1]["eta_seconds"] is None


def test_the_line_of_the_probe_tells_of_the_step_and_of_all_steps_too() -> None:
    told: list[dict[str, Any]] = []
    watch = Watch(lambda message, **numbers: told.append({"message": message, **numbers}), [10] * 12, [5] * 12)
    watch.on_train_begin(None, SimpleNamespace(global_step=0), None)
    for step in (1, 2, 3):
        watch.on_log(None, SimpleNamespace(global_step=step, max_steps=12), None, {"loss": 2.5})
    probe = next(line for line in told if line["message"].startswith("probe"))
    assert (probe["step"], probe["steps"], probe["loss"], probe["probe_steps"]) == (3, 12, 2.5, 3)
