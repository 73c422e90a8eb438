"""Our trainer beside a plain TRL script: same rows, labels, LoRA, threads and steps, each in a process of its own, in turn.

    python benchmarks/finetune_vs_trl.py [--rows 96] [--steps 24] [--rounds 2] [--threads 2]

The side `trl` is what TRL's documentation shows: SFTTrainer on tokens and labels, its default settings, float32, the
same learning rate, rows in TRL's own random order. The side `trl+` is given what ours does on its own: rows in the same
order and no gradient checkpointing; if its loss were far from ours, the two would not train the same. All are judged by
the same held-out loss, computed by plain transformers. What other processes took of the processor stands beside every
number: above 0.2 cores the seconds say little, the processor seconds more.
Not covered: GPUs, packing, and models other than the built-in one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from modelwright.engines.child import Job

ROOT = Path(__file__).parents[1]
TONE = ROOT / "examples" / "tone"
RATE, RANK, BATCH = 1e-3, 16, 8
Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 96), ("steps", 24), ("rounds", 2), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print("RESULT " + json.dumps(SIDES[options.side](options)))
        return
    results = [measure(side, options) for _ in range(options.rounds) for side in SIDES]
    show(results, options)


def measure(side: str, options: argparse.Namespace) -> Json:
    """Run one side in a fresh process; add what that process took, and what others took meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            __file__,
            "--side",
            side,
            "--folder",
            folder,
            *(f"--{name}={getattr(options, name)}" for name in ("rows", "steps", "rounds", "threads")),
        ]
        busy, started = _busy_seconds(), time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "GOMP_SPINCOUNT": "1000", "HF_HUB_OFFLINE": "1"}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        output = child.communicate()[0]
        wall = time.monotonic() - started
        lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
        if not lines:
            sys.exit(f"{side} ended with {child.returncode} and no result")
        result: Json = json.loads(lines[-1].removeprefix("RESULT "))
    own = result["process_cpu_seconds"]
    return {"side": side, **result, "others_cores": max(0.0, (_busy_seconds() - busy - own) / wall)}


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice)


def rows_of(name: str, count: int) -> Path:
    """The first `count` rows of an example file, as a file."""
    path = Path(tempfile.mkdtemp()) / name
    path.write_text("".join((TONE / name).read_text(encoding="utf-8").splitlines(keepends=True)[:count]), encoding="utf-8")
    return path


def encoded(path: Path) -> tuple[Any, Any, list[Json]]:
    """Model, tokenizer and rows as tokens and labels: the same for both sides."""
    from modelwright import config
    from modelwright.engines import hf
    from modelwright.engines.chat_template import stop_tokens
    from modelwright.engines.train_data import encode_rows, load_rows
    from modelwright.modelrefs import resolve

    model, tokenizer = hf.load_for_training(resolve("builtin", ROOT), config.load(ROOT).cache_dir)
    examples, _ = encode_rows(load_rows(path, None), tokenizer, stop_tokens(tokenizer, model), path, 512)
    return model, tokenizer, [{"input_ids": e.input_ids, "labels": e.labels} for e in examples]


def ours(options: argparse.Namespace) -> Json:
    from dataclasses import asdict

    from modelwright import config
    from modelwright.canonical import sha256_of_path
    from modelwright.engines import train
    from modelwright.modelrefs import resolve

    data = rows_of("train.jsonl", options.rows)
    spec = {
        "model": asdict(resolve("builtin", ROOT)),
        "dataset": str(data),
        "dataset_sha256": sha256_of_path(data),
        "method": "lora",
        "epochs": 1,
        "max_steps": options.steps,
        "learning_rate": RATE,
        "lora_rank": RANK,
        "lora_alpha": 2 * RANK,
        "batch_size": BATCH,
        "max_length": 512,
        "seed": 7,
        "threads": options.threads,
        "cache_dir": str(config.load(ROOT).cache_dir),
        "sample_tokens": 1,
        "output": str(options.folder / "adapter"),
        "checkpoint_steps": 10**6,
    }
    job = TimedJob(options.folder, spec)
    result = train.run(spec, job)
    tokens = result["tokens_per_second"] * result["train_seconds"]
    return report(options, tokens, result["train_seconds"], job.trained - job.prepared)


class TimedJob(Job):
    """Notes the process's processor seconds at the last word before training and at the last step."""

    prepared = trained = 0.0

    def progress(self, message: str, **numbers: Any) -> None:
        if message.startswith("train"):
            self.trained = time.process_time()
        elif not self.trained:
            self.prepared = time.process_time()
        super().progress(message, **numbers)


def plain_trl(options: argparse.Namespace) -> Json:
    return trl(options, in_our_order=False)


def matched_trl(options: argparse.Namespace) -> Json:
    return trl(options, in_our_order=True, train_sampling_strategy="sequential", gradient_checkpointing=False)


def trl(options: argparse.Namespace, *, in_our_order: bool, **settings: Any) -> Json:
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(options.threads)
    model, tokenizer, rows = encoded(rows_of("train.jsonl", options.rows))
    if in_our_order:
        rows = [rows[i] for i in our_order(rows, options.steps)]
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
        peft_config=LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"),
        args=SFTConfig(
            output_dir=str(options.folder / "trl"),
            max_steps=options.steps,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE,
            lr_scheduler_type="cosine",
            use_cpu=True,
            bf16=False,
            seed=7,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            **settings,
        ),
    )
    began, cpu = time.monotonic(), time.process_time()
    trainer.train()
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    trainer.model.save_pretrained(options.folder / "adapter")
    tokens = max(line.get("num_tokens", 0) for line in trainer.state.log_history)
    return report(options, tokens, seconds, cpu)


def our_order(rows: list[Json], steps: int) -> list[int]:
    from modelwright.engines.train_data import make_batches

    lengths = [len(row["input_ids"]) for row in rows]
    return [i for batch in make_batches(lengths, batch_size=BATCH, epochs=1, max_steps=steps, seed=7) for i in batch]


def report(options: argparse.Namespace, tokens: float, seconds: float, cpu: float) -> Json:
    import resource

    peak, process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, time.process_time()
    return {
        "tokens": tokens,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_bytes": peak,
        "process_cpu_seconds": process,
        "held_out_loss": held_out_loss(options.folder / "adapter"),
    }


def held_out_loss(adapter: Path) -> float:
    """Mean loss of the trained adapter on rows it has not seen, by plain transformers and peft."""
    import torch
    from peft import PeftModel

    from modelwright.engines.train_data import collate

    model, tokenizer, rows = encoded(rows_of("eval.jsonl", 16))
    model = PeftModel.from_pretrained(model, adapter).eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for row in rows:
            wanted = sum(label != -100 for label in row["labels"])
            total += float(model(**collate([row], tokenizer.pad_token_id)).loss) * wanted
            count += wanted
    return total / count


SIDES = {"ours": ours, "trl": plain_trl, "trl+": matched_trl}


def show(results: list[Json], options: argparse.Namespace) -> None:
    from importlib.metadata import version

    print(f"{options.rows} rows, {options.steps} steps of {BATCH}, LoRA rank {RANK}, {options.threads} threads, in turn")
    print(f"{platform.machine()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.platform()}")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "trl", "peft")))
    print("side  tokens/s  tokens per cpu s  seconds  held-out loss  peak GB  others (cores)")
    for r in results:
        print(
            f"{r['side']:5} {r['tokens'] / r['seconds']:9.1f} {r['tokens'] / r['cpu_seconds']:17.1f} {r['seconds']:8.1f} "
            f"{r['held_out_loss']:14.4f} {r['peak_bytes'] / 1e9:8.2f} {r['others_cores']:15.2f}"
        )


if __name__ == "__main__":
    main()
