"""What TRL, PEFT and bitsandbytes are told, from the specification of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.engines import hf
from modelwright.engines.train_spec import TrainSpec
from modelwright.errors import EngineMissing


def training_arguments(spec: TrainSpec, folder: Path, steps: int) -> Any:
    """TRL's SFTConfig of `steps` optimizer steps with checkpoints in `folder`."""
    import torch
    from trl import SFTConfig

    gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=spec.batch_size,
        learning_rate=spec.learning_rate,
        seed=spec.seed,
        use_cpu=not gpu,
        bf16=gpu and torch.cuda.is_bf16_supported(),
        gradient_checkpointing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=spec.max_length,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        save_strategy="steps",
        save_steps=spec.checkpoint_steps,
        save_total_limit=2,
    )


def adapter(spec: TrainSpec) -> Any:
    """PEFT's LoraConfig on every linear layer."""
    from peft import LoraConfig

    return LoraConfig(
        r=spec.lora_rank,
        lora_alpha=spec.lora_alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        use_dora=spec.method == "dora",
    )


def four_bit() -> Any:
    """NF4 with double quantization. Raises EngineMissing without bitsandbytes."""
    import importlib.util

    from transformers import BitsAndBytesConfig

    if importlib.util.find_spec("bitsandbytes") is None:
        raise EngineMissing("method qlora needs the package bitsandbytes, which is not installed", fix="pip install 'modelwright[qlora]'")
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=hf.best_dtype()
    )
