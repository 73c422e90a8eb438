"""What a training run is told: every number is settled before the child starts. Plain data, no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.modelrefs import Model

Json = dict[str, Any]


@dataclass(frozen=True)
class TrainSpec:
    """One fine-tuning run. Paths are absolute."""

    model: Model
    dataset: Path
    dataset_sha256: str
    method: str
    epochs: float
    max_steps: int | None
    learning_rate: float
    lora_rank: int
    lora_alpha: int
    batch_size: int
    max_length: int
    seed: int
    threads: int
    cache_dir: Path
    output: Path
    eval_dataset: Path | None = None
    eval_sha256: str | None = None
    memory_bytes: int | None = None
    checkpoint_steps: int = 10
    sample_tokens: int = 80
    replace: bool = False
    """The place was chosen by the program, so what stands there is from an earlier try."""
    args: Json | None = None
    """the arguments as the user gave them, to run it again"""

    @classmethod
    def from_json(cls, spec: Json) -> TrainSpec:
        paths = {name: Path(spec[name]) for name in ("dataset", "cache_dir", "output")}
        evaluation = Path(spec["eval_dataset"]) if spec.get("eval_dataset") else None
        return cls(**{**spec, **paths, "eval_dataset": evaluation, "model": Model(**spec["model"])})

    @property
    def makes_adapter(self) -> bool:
        return self.method != "full"
