"""`finetune`: teach a model by example, with supervised fine-tuning. LoRA, DoRA, QLoRA or all weights.

Two facts to know. The loss counts the assistant's words and the token that ends its turn, nothing else, and that is
checked before training starts. And what was approved is what is trained: when memory runs out, fewer rows are taken at
once, never fewer tokens, other data or another method.

Not here: preference pairs (align), continued pretraining from scratch (pretrain), several GPUs.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from modelwright.canonical import sha256_of_path
from modelwright.contract import ToolContext, tool
from modelwright.data.reader import Dataset, read
from modelwright.engines import train_memory
from modelwright.errors import BadRequest, DataError, EngineMissing, ModelRefError
from modelwright.files import artifact
from modelwright.modelrefs import Model, resolve
from modelwright.text import counted, human_seconds, one_line
from modelwright.types import Check, DatasetPath, Effect, Estimate, Json, ModelRef, OutputPath, ToolArgs, ToolResult

Method = Literal["lora", "qlora", "dora", "full"]
LEARNING_RATES: dict[str, float] = {"lora": 1e-3, "qlora": 1e-3, "dora": 1e-3, "full": 5e-5}
FEWEST_STEPS, MOST_EPOCHS = 24, 10
"""25 steps of 4 rows teach a tone as well as 26 steps of 8 (held-out loss 2.523 and 2.525), in half the time"""
FIXED_SECONDS = 35
"""to load the model and to sample answers before and after, on two cores"""


class Args(ToolArgs):
    model: ModelRef = Field("builtin", description="what to start from: builtin, a Hugging Face folder or a GGUF file")
    dataset: DatasetPath = Field(description="chat, instruction or text rows to imitate (JSONL, JSON, CSV, Parquet)")
    method: Method = Field("lora", description="lora: small adapter; dora: with magnitudes; qlora: on 4-bit weights; full: all weights")
    epochs: float | None = Field(None, gt=0, le=100, description="times that every row is seen; if unset once, more often for few rows")
    max_steps: int | None = Field(None, ge=1, le=1_000_000, description="optimizer steps; if set, it decides instead of epochs")
    learning_rate: float | None = Field(None, gt=0, le=1, description="peak of the schedule; 1e-3, for full 5e-5, if unset")
    lora_rank: int = Field(16, ge=1, le=512, description="rank of the adapter's matrices; not used by full")
    lora_alpha: int | None = Field(None, ge=1, le=2048, description="the adapter counts alpha/rank times; twice the rank if unset")
    batch_size: int = Field(4, ge=1, le=1024, description="rows of one optimizer step")
    max_length: int = Field(512, ge=8, le=131_072, description="tokens; longer rows are cut")
    eval_dataset: DatasetPath | None = Field(None, description="rows that are not trained on, for the loss and samples before and after")
    output: OutputPath | None = Field(None, description="folder to write; in the run's folder if unset")
    seed: int | None = Field(None, ge=0, le=2**32 - 1, description="of batches and adapter; the settings' if unset")


class Result(ToolResult):
    model: ModelRef = Field(description="absolute path of the adapter or model folder")
    method: Method = Field(description="as trained")
    losses: list[float] = Field(description="training loss of each step, nats per trained token")
    loss_first: float = Field(description="mean of the first third of the steps, nats per trained token")
    loss_last: float = Field(description="mean of the last third of the steps, nats per trained token")
    eval_loss_before: float | None = Field(description="on eval_dataset before training, nats per trained token")
    eval_loss_after: float | None = Field(description="on eval_dataset after training, nats per trained token")
    steps: int = Field(description="optimizer steps done")
    trained_tokens: int = Field(description="tokens that the loss counted, over all steps")
    tokens_per_second: float = Field(description="all tokens of the rows over the training time; 0 if nothing was left to train")
    seconds: float = Field(description="wall-clock seconds of loading, training and sampling, of all tries")
    samples: list[dict[str, str]] = Field(description="prompt, before and after: greedy answers to the same prompts")
    mask: Json = Field(description="what the loss counted: rows, tokens, trained tokens and share, rows cut, rows dropped by line")
    notes: list[str] = Field(description="what went another way than planned")
    scope: Json = Field(description="what was trained on what: hashes of base, data and weights, method, length, steps, seed")


def estimate(args: Args, workspace: Path) -> Estimate:
    """From the file's words and the model's shape; training speed as measured on two cores, float32."""
    shape = train_memory.shape_of(resolve(args.model, workspace))
    rows, tokens, longest = _count(workspace / Path(args.dataset).expanduser(), args.max_length)
    seen = tokens * (args.max_steps * args.batch_size if args.max_steps else _epochs(args, rows) * rows)
    slower = shape.parameters / train_memory.REFERENCE_PARAMETERS
    speed = train_memory.tokens_per_second(shape, args.method, train_memory.cores(0))
    return Estimate(
        seconds=round(FIXED_SECONDS * slower + (seen + _held_out(args, workspace)) / speed),
        memory_bytes=train_memory.memory_bytes(shape, args.method, longest * min(args.batch_size, rows), rank=args.lora_rank),
        disk_bytes=train_memory.disk_bytes(shape, args.method, args.lora_rank),
        cost=0,
    )


def settle(args: Args, workspace: Path) -> Json:
    """What unset epochs and learning rate come to; with max_steps there are no epochs, without an adapter no rank."""
    rows, _, _ = _count(workspace / Path(args.dataset).expanduser(), args.max_length)
    return {
        "epochs": None if args.max_steps else _epochs(args, rows),
        "learning_rate": LEARNING_RATES[args.method],
        "lora_rank": None if args.method == "full" else args.lora_rank,
    }


def _held_out(args: Args, workspace: Path) -> float:
    """Tokens of eval_dataset as tokens of training: read before and after, and reading is a third of a step."""
    if not args.eval_dataset:
        return 0.0
    rows, tokens, _ = _count(workspace / Path(args.eval_dataset).expanduser(), args.max_length)
    return rows * tokens * 2 / 3


def _epochs(args: Args, rows: int) -> float:
    """As asked; else once, or for few rows as often as makes enough steps to learn a manner."""
    return args.epochs or min(MOST_EPOCHS, max(1, -(-FEWEST_STEPS * args.batch_size // rows)))


def _count(path: Path, max_length: int) -> tuple[int, float, int]:
    """Rows, tokens a row and of the longest: 1.4 for a word, 30 for the chat template. From the first 4 MB."""
    if not path.is_file():
        raise DataError(f"{path} is not a file", fix="name a file with training rows")
    with path.open("rb") as stream:
        head = stream.read(4_000_000)
    size, seen = path.stat().st_size, max(len(head), 1)
    words = [count for line in head.splitlines() if (count := len(line.split()))] or [0]
    mean, longest = (min(count * 1.4 + 30, max_length) for count in (sum(words) / len(words), max(words)))
    return max(1, round(len(words) * size / seen)), mean, round(longest)


def checks(args: Args, result: Result) -> Sequence[Check]:
    """The files are there, the weights moved and are finite, the loss fell, and nothing but what was asked was done."""
    folder, scope = Path(result.model), result.scope
    names = ["adapter_model.safetensors", "adapter_config.json"] if args.method != "full" else ["config.json"]
    missing = [name for name in [*names, "tokenizer_config.json", "README.md", "finetune.json"] if not (folder / name).is_file()]
    fell = result.loss_last < result.loss_first or result.steps < 3
    return [
        Check(name="files", passed=not missing, detail=f"missing: {', '.join(missing)}" if missing else str(folder)),
        Check(name="weights", passed=bool(scope["weights_finite"] and scope["weights_changed"]), detail="finite, and not what they were"),
        Check(
            name="loss fell",
            passed=fell,
            detail=f"{result.loss_first:.3f} to {result.loss_last:.3f}{_of_steps(result.losses)}",
        ),
        _scope_check(args, result),
    ]


def _scope_check(args: Args, result: Result) -> Check:
    """What the job says it did, and what its adapter says of itself, against what was asked."""
    done, data = {**result.scope, **_written_adapter(Path(result.model))}, Path(result.scope["dataset"])
    asked = {"base_model": args.model, "method": args.method, "max_length": args.max_length, "batch_size": args.batch_size}
    asked |= {"steps": args.max_steps} if args.max_steps else {}
    asked |= {"seed": args.seed} if args.seed is not None else {}
    asked["learning_rate"] = args.learning_rate or LEARNING_RATES[args.method]
    if args.method != "full":
        asked |= {"lora_rank": args.lora_rank, "lora_alpha": _alpha(args), "dora": args.method == "dora"}
    wrong = [f"{name} {done[name]!r} instead of {value!r}" for name, value in asked.items() if name in done and done[name] != value]
    if result.mask["longest"] > args.max_length:
        wrong.append(f"a row of {result.mask['longest']} tokens instead of at most {args.max_length}")
    if not data.is_file() or sha256_of_path(data) != result.scope["dataset_sha256"]:
        wrong.append(f"{data} is not the file that was trained on any more")
    return Check(name="as approved", passed=not wrong, detail="; ".join(wrong) or "same base, data, method and length")


def _written_adapter(folder: Path) -> Json:
    """Rank, alpha and kind as the saved adapter's own configuration has them; empty for a whole model."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        return {"lora_rank": config["r"], "lora_alpha": config["lora_alpha"], "dora": bool(config.get("use_dora"))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _alpha(args: Args) -> int:
    return args.lora_alpha or 2 * args.lora_rank


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "builtin", "dataset": "examples/tone/train.jsonl", "method": "lora"},
    estimate=estimate,
    checks=checks,
    decisive=("model", "method", "epochs", "learning_rate", "lora_rank", "batch_size", "max_length"),
    settle=settle,
    keywords=("fine-tune", "finetune", "train", "teach", "adapt", "tune", "sft", "lora", "qlora", "dora", "adapter", "style", "tone"),
)
def finetune(args: Args, ctx: ToolContext) -> Result:
    """Fine-tune a model on examples with LoRA, DoRA, QLoRA or all its weights, with loss on the answers only."""
    model = _trainable(args, ctx.workspace)
    dataset = _readable(args.dataset, ctx.workspace)
    held_out = _readable(args.eval_dataset, ctx.workspace) if args.eval_dataset else None
    gib = ctx.settings.job_memory_gib
    done = ctx.job(
        "train",
        {
            "model": asdict(model),
            "dataset": str(dataset.path),
            "dataset_sha256": dataset.sha256,
            "method": args.method,
            "epochs": _epochs(args, len(dataset.rows)),
            "max_steps": args.max_steps,
            "learning_rate": args.learning_rate or LEARNING_RATES[args.method],
            "lora_rank": args.lora_rank,
            "lora_alpha": _alpha(args),
            "batch_size": args.batch_size,
            "max_length": args.max_length,
            "seed": ctx.settings.seed if args.seed is None else args.seed,
            "output": str(_place(args, ctx)),
            "replace": args.output is None,
            "eval_dataset": str(held_out.path) if held_out else None,
            "eval_sha256": held_out.sha256 if held_out else None,
            "memory_bytes": int(gib * 2**30) if gib else None,
            "cache_dir": str(ctx.settings.cache_dir),
            "threads": ctx.settings.threads,
            "args": args.model_dump(mode="json", exclude_none=True),
        },
    )
    return _result(done, dataset)


def _trainable(args: Args, workspace: Path) -> Model:
    """The model, if it can be trained as asked. Raises what is missing."""
    model = resolve(args.model, workspace)
    if model.kind == "endpoint":
        raise ModelRefError(f"{args.model} is an endpoint: its weights are not here", fix="name builtin, a folder or a .gguf file")
    if model.kind == "adapter":
        fix = "merge it first with export_model format=hf, then fine-tune that folder"
        raise ModelRefError(f"{args.model} is an adapter already", fix=fix)
    if args.method == "qlora" and importlib.util.find_spec("bitsandbytes") is None:
        raise EngineMissing("method qlora needs the package bitsandbytes, which is not installed", fix="pip install 'modelwright[qlora]'")
    context = train_memory.shape_of(model).context
    if args.max_length > context:
        message = f"max_length {args.max_length} is more than the {context} tokens that {model.name} can read"
        raise BadRequest(message, fix=f"use at most {context}")
    return model


def _readable(path: str, workspace: Path) -> Dataset:
    dataset = read((workspace / Path(path).expanduser()).absolute())
    if dataset.format == "preference":
        raise DataError(f"{path} holds preference pairs, not answers to imitate", fix="use the tool align with method=dpo")
    return dataset


def _place(args: Args, ctx: ToolContext) -> Path:
    """Where the result goes. The job refuses a folder that it did not make itself."""
    if args.output is None:
        return (ctx.output_dir / f"{Path(args.dataset).stem}-{args.method}").absolute()
    return (ctx.workspace / Path(args.output).expanduser()).absolute()


def _result(done: dict[str, Any], dataset: Dataset) -> Result:
    losses, folder = done["losses"], Path(done["output"])
    third = max(1, len(losses) // 3)
    first, last = sum(losses[:third]) / third, sum(losses[-third:]) / third
    notes = list(done["notes"])
    if dataset.bad_rows:
        notes.append(f"{dataset.bad_rows} rows of {dataset.path.name} cannot be used; inspect_dataset names them")
    same = set(Result.model_fields) & set(done) - {"notes", "scope"}
    return Result(
        **{name: done[name] for name in same},
        model=str(folder),
        notes=notes,
        loss_first=round(first, 4),
        loss_last=round(last, 4),
        scope={**done["scope"], "weights_finite": done["weights_finite"], "weights_changed": done["weights_changed"]},
        summary=f"{done['method']} on {_rows(done['mask'], dataset)}: loss {first:.2f} to {last:.2f}{_of_steps(losses)}, "
        f"{human_seconds(done['seconds'])}; {folder.name}",
        artifacts=[
            artifact(folder, "model" if done["method"] == "full" else "adapter"),
            artifact(folder / "loss.png", "plot"),
            artifact(folder / "samples.json", "samples"),
            artifact(folder / "training_log.jsonl", "log"),
        ],
    )


def _of_steps(losses: Sequence[float]) -> str:
    """What the two losses that are told are: with fewer than six steps those of single steps, else means."""
    third, steps = max(1, len(losses) // 3), counted(len(losses), "step")
    return f" (means of the first and last {third} of {steps})" if third > 1 else f" (the first and the last of {steps})"


def _rows(mask: Json, dataset: Dataset) -> str:
    """ "30 rows"; "4 of 6 rows, 2 cannot be used: line 3 is not JSON …"."""
    used, there = mask["rows"], len(dataset.rows) + dataset.bad_rows
    if used == there:
        return counted(used, "row")
    why = [f"{len(mask['dropped_lines'])} are cut to nothing by max_length"] if mask["dropped_lines"] else []
    if dataset.bad_rows:
        first = next((one_line(str(problem), 100) for problem in dataset.problems if not problem.notice), "")
        why.insert(0, f"{dataset.bad_rows} cannot be used" + (f" ({first}{', …' if dataset.bad_rows > 1 else ''})" if first else ""))
    return f"{used} of {counted(there, 'row')}, {' and '.join(why)}"
