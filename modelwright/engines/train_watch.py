"""What looks at a run while it trains: a probe of its first steps, progress, a loss that is no number or does not fall, whole checkpoints.

Two facts to know. A checkpoint counts as whole only when its record, written last, agrees with its files: a kill in
the middle of writing leaves none. And a flat loss is judged only over 12 steps or more, and on the same rows before and
after too, as losses of different batches fall or rise by chance.
"""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from modelwright.errors import TrainingFailed
from modelwright.files import discard, write_json
from modelwright.text import human_bytes, human_seconds

FEWEST_STEPS = 12
PROBE_STEPS = 3
SMALLEST_FALL = 1e-3
"""Share by which the loss of the first batch has to fall; 25 steps on the example data make it 0.3."""
FIX_FLAT = "raise learning_rate or train longer; if it grew, lower learning_rate"
RECORD = "whole.json"


class Watch(TrainerCallback):  # type: ignore[misc]
    """Says how far it is after each step, and stops a run that went wrong."""

    def __init__(
        self,
        say: Callable[..., None],
        tokens: Sequence[int],
        trained: Sequence[int],
        *,
        seconds_left: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.say, self.tokens, self.trained, self.seconds_left = say, tokens, trained, seconds_left
        self.started, self.first = 0.0, 0
        self.seconds = self.first_step_seconds = 0.0
        self.probe: dict[str, Any] = {}
        """What the first steps showed; empty for a run of fewer."""
        self.notes: list[str] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.started, self.first = time.monotonic(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        step, norm = state.global_step, (logs or {}).get("grad_norm")
        check_finite(step, loss, norm)
        self.seconds = time.monotonic() - self.started
        if step - self.first == 1:
            self.first_step_seconds = self.seconds
        if step - self.first == PROBE_STEPS < state.max_steps - self.first:
            self._look_ahead(step, state.max_steps, round(loss, 4))
        self.say(
            f"train step {step} of {state.max_steps}",
            step=step,
            steps=state.max_steps,
            loss=round(loss, 4),
            tokens_per_second=round(self._rate(self.tokens, step), 1),
            trained_tokens_per_second=round(self._rate(self.trained, step), 1),
            eta_seconds=self._eta(step) or None,  # samples, evaluation and saving follow the last step
        )

    def _eta(self, step: int) -> float:
        """Seconds to go, by the tokens that are left; the first step is slower and counts only while there is no other."""
        done = sum(self.tokens[self.first + 1 : step])
        seconds = self.seconds - self.first_step_seconds if done else self.seconds
        return round(seconds / max(done or sum(self.tokens[self.first : step]), 1) * sum(self.tokens[step:]), 1)

    def _look_ahead(self, step: int, steps: int, loss: float) -> None:
        """Time and memory as the first steps have them, instead of estimates. The longest rows come first: the peak is known.

        What is told of the step is told here too: where lines of progress are thinned, this one can be the only one of its moment.
        """
        left, eta, peak = self.seconds_left(), self._eta(step), peak_bytes()
        self.probe = {"steps": PROBE_STEPS, "eta_seconds": eta, "peak_memory_bytes": peak}
        told = {"step": step, "steps": steps, "loss": loss, "eta_seconds": eta}
        message = f"probe: {human_seconds(eta)} to go after {PROBE_STEPS} steps, peak {human_bytes(peak)}"
        self.say(message, **told, probe_steps=PROBE_STEPS, peak_memory_bytes=peak)
        if left is not None and eta > left:
            self.notes.append(f"after {PROBE_STEPS} steps it would have taken {human_seconds(eta)} more, with {human_seconds(left)} left")
            self.say("probe: this will not end within its limit of time; it can be resumed", **told, seconds_left=round(left, 1))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def _rate(self, per_step: Sequence[int], step: int) -> float:
        return sum(per_step[self.first : step]) / max(self.seconds, 1e-9)

    def tokens_per_second(self, step: int) -> float:
        """All tokens, of the steps that this process trained; 0 when it trained none."""
        return self._rate(self.tokens, step) if step > self.first else 0.0


def peak_bytes() -> int:
    """The most memory that this process had so far (Linux counts it in kB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def check_finite(step: int, loss: float, norm: float | None) -> None:
    for name, value in (("loss", loss), ("gradient norm", norm)):
        if value is not None and not math.isfinite(value):
            fix = "use a lower learning_rate, or look for damaged rows with inspect_dataset"
            raise TrainingFailed(f"the {name} became {value} at step {step}", fix=fix)


def check_falls(losses: Sequence[float], before: float, after: float) -> None:
    """Raise TrainingFailed when the last third of the losses is not below the first third, or the same rows cost as much as before."""
    if len(losses) < FEWEST_STEPS:
        return
    if not after < before * (1 - SMALLEST_FALL):
        raise TrainingFailed(f"the loss stayed flat: {before:.4f} on the first batch before training, {after:.4f} after", fix=FIX_FLAT)
    third = len(losses) // 3
    first, last = (sum(part) / third for part in (losses[:third], losses[-third:]))
    if last >= first:
        raise TrainingFailed(
            f"the loss did not fall: {first:.3f} in the first {third} steps, {last:.3f} in the last {third}",
            fix=FIX_FLAT,
        )


def mark_whole(folder: Path) -> None:
    sizes = {p.name: p.stat().st_size for p in folder.iterdir() if p.is_file() and p.name != RECORD}
    write_json(folder / RECORD, {"bytes": sizes})


def is_whole(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / RECORD).read_text(encoding="utf-8"))["bytes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def newest_whole(folder: Path) -> Path | None:
    """The checkpoint to go on from; what is torn is thrown away."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.rpartition("-")[2]), reverse=True)
    for checkpoint in found:
        if is_whole(checkpoint):
            return checkpoint
        discard(checkpoint)
    return None
