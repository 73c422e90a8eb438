"""Supervised fine-tuning: TRL's SFTTrainer and PEFT on rows whose loss mask was checked first.

Two facts to know. Everything random is settled from the seed before the first step (batches, adapter), and a whole
checkpoint in the job's folder is gone on from, so a run that was killed ends with the same adapter as one that was
not. And the result folder appears whole, after its weights were read back and found finite.

Not here: preference training, several GPUs, models whose folder brings its own code.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelwright.canonical import sha256_of_path
from modelwright.engines import hf
from modelwright.engines.chat_template import stop_tokens
from modelwright.engines.child import Job
from modelwright.engines.leftovers import drop_foreign, fingerprint
from modelwright.engines.loss_mask import Example, MaskReport
from modelwright.engines.memory_bound import MemoryBound
from modelwright.engines.outputs import place, refuse_existing
from modelwright.engines.train_card import write_records
from modelwright.engines.train_clock import KEPT, Clock
from modelwright.engines.train_data import encode_rows, load_rows, make_batches
from modelwright.engines.train_memory import cores, is_out_of_memory, rows_that_fit, shape_of
from modelwright.engines.train_proof import first_values, moved_since, prove_weights
from modelwright.engines.train_settings import adapter, four_bit, training_arguments
from modelwright.engines.train_spec import TrainSpec
from modelwright.errors import ModelRefError, ToolFailed
from modelwright.files import clear_os_errors, write_json
from modelwright.text import human_bytes, human_seconds

Json = dict[str, Any]
SAID_EVERY = 8
"""tokens of the sampled answers between two lines of progress"""


def run(spec: Json, job: Job) -> Json:
    """Train as `spec` says (see TrainSpec) and give the record of what was done."""
    wanted = TrainSpec.from_json(spec)
    refuse_existing(wanted.output, job, replace=wanted.replace)
    drop_foreign(job.folder, fingerprint(spec, wanted.model), ("checkpoints", "before.json", KEPT))
    try:
        return Training(wanted, job).run()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ToolFailed("out of memory", fix="use a smaller batch_size or max_length, a smaller model, or free some memory") from error


class Training:
    """One run, from rows to a published folder."""

    def __init__(self, spec: TrainSpec, job: Job) -> None:
        self.spec, self.job = spec, job
        self.clock = Clock(job.folder)
        self.notes: list[str] = []
        self.bound: MemoryBound | None = None

    def say(self, message: str, **numbers: Any) -> None:
        self.job.progress(message, **numbers)
        self.clock.keep()

    def run(self) -> Json:
        self._prepare_process()
        rows = load_rows(self.spec.dataset, self.spec.dataset_sha256)
        held_out = load_rows(self.spec.eval_dataset, self.spec.eval_sha256) if self.spec.eval_dataset else []
        self.say("load the model")
        model, self.tokenizer = self._load()
        self.say(f"tokenize {len(rows)} rows")
        examples, mask = self._encode(rows, self.spec.dataset, model)
        evaluation = self._encode(held_out, self.spec.eval_dataset, model)[0] if self.spec.eval_dataset else []
        self._note_mask(mask)
        result = self._train(model, examples, evaluation, held_out or rows)
        result |= {
            "mask": mask.as_json(),
            "seconds": round(self.clock.seconds, 1),
            "notes": self.notes,
            "samples_from": "eval_dataset" if held_out else "dataset",
        }
        return self._publish(result)

    def _prepare_process(self) -> None:
        warnings.filterwarnings("ignore")  # libraries' advice to their own developers; the child's log is for errors
        import torch

        torch.set_num_threads(cores(self.spec.threads))
        if not torch.cuda.is_available():
            self.bound = MemoryBound(self.spec.memory_bytes)

    def _load(self) -> tuple[Any, Any]:
        import torch

        if self.spec.model.kind == "adapter":
            raise ModelRefError(
                f"{self.spec.model.ref} is an adapter, which cannot be fine-tuned again",
                fix="merge it first: modelwright call export_model format=hf",
            )
        loading: Json = {}
        if self.spec.method == "qlora":
            loading["quantization_config"] = four_bit()
        elif self.spec.method == "full":
            loading["dtype"] = torch.float32  # the weights that the optimizer moves; bfloat16 loses small steps
        return hf.load_for_training(self.spec.model, self.spec.cache_dir, self.say, **loading)

    def _encode(self, rows: Any, path: Path, model: Any) -> tuple[list[Example], MaskReport]:
        self.stops = stop_tokens(self.tokenizer, model)
        return encode_rows(rows, self.tokenizer, self.stops, path, self.spec.max_length)

    def _note_mask(self, mask: MaskReport) -> None:
        if mask.dropped_lines:
            count, shown = len(mask.dropped_lines), ", ".join(map(str, mask.dropped_lines[:20]))
            self.notes.append(f"max_length {self.spec.max_length} left nothing to train in {count} rows, not used: lines {shown}")
        if mask.truncated_rows:
            self.notes.append(f"{mask.truncated_rows} rows were cut at {self.spec.max_length} tokens")
        if mask.rows_without_stop:
            self.notes.append(f"{mask.rows_without_stop} rows train no stop token")

    def _train(self, model: Any, examples: list[Example], evaluation: list[Example], prompts_from: Any) -> Json:
        from modelwright.engines.train_samples import answers, pick_prompts
        from modelwright.engines.train_watch import check_falls, newest_whole

        batches = make_batches(
            [len(e.input_ids) for e in examples],
            batch_size=self.spec.batch_size,
            epochs=self.spec.epochs,
            max_steps=self.spec.max_steps,
            seed=self.spec.seed,
        )
        trainer, watch = self._trainer(model, examples, batches)
        self.trainer = trainer
        held_out = [_as_row(e) for e in evaluation]
        first_batch = [_as_row(examples[i]) for i in batches[0]]
        prompts = pick_prompts(prompts_from, self.tokenizer, self.spec.max_length)

        def sample(when: str) -> list[str]:
            def made(tokens: int) -> None:
                if tokens % SAID_EVERY == 0:
                    self.say(f"sample answers {when} training, token", step=tokens, steps=self.spec.sample_tokens)

            made(0)
            return answers(trainer.model, self.tokenizer, prompts, self.spec.sample_tokens, made)

        def evaluate(when: str) -> float | None:
            if not held_out:
                return None

            def seen(rows: int) -> None:
                self.say(f"evaluate {when} training, row", step=rows, steps=len(held_out))

            seen(0)
            return float(trainer.mean_loss(held_out, seen))

        def look() -> Json:
            return {"answers": sample("before"), "loss": evaluate("before"), "first_batch": trainer.mean_loss(first_batch)}

        before = self._once("before", look)
        start = first_values(trainer.model)
        checkpoint = newest_whole(self.job.folder / "checkpoints")
        if checkpoint:
            step = checkpoint.name.rpartition("-")[2]
            self.say(f"resume from step {step}")
            self.notes.append(f"went on from step {step}; {human_seconds(self.clock.earlier)} of the time were before")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
        after_batch = trainer.mean_loss(first_batch)
        check_falls(losses, before["first_batch"], after_batch)
        self.moved = moved_since(start, trainer.model)
        self.notes += watch.notes
        after = sample("after")
        steps = trainer.state.global_step
        return {
            "losses": losses,
            "log": trainer.state.log_history,
            "steps": steps,
            "epochs": round(sum(map(len, batches)) / len(examples), 3),
            "trained_tokens": sum(examples[i].trained_tokens for batch in batches for i in batch),
            "rows_at_once": trainer.micro_size,
            "tokens_per_second": round(watch.tokens_per_second(steps), 1),
            "train_seconds": round(watch.seconds, 1),
            "probe": watch.probe,
            "first_batch_loss_before": before["first_batch"],
            "first_batch_loss_after": after_batch,
            "eval_loss_before": before["loss"],
            "eval_loss_after": evaluate("after"),
            "samples": [{"prompt": p["shown"], "before": b, "after": a} for p, b, a in zip(prompts, before["answers"], after, strict=True)],
        }

    def _once(self, name: str, work: Callable[[], Json]) -> Json:
        """`work`'s result, kept in the job's folder so that a resumed run does not do it again."""
        kept = self.job.folder / f"{name}.json"
        if not kept.is_file():
            write_json(kept, work())
        found: Json = json.loads(kept.read_text(encoding="utf-8"))
        return found

    def _trainer(self, model: Any, examples: list[Example], batches: list[list[int]]) -> tuple[Any, Any]:
        from datasets import Dataset
        from transformers import PrinterCallback

        from modelwright.engines.train_trainer import AssistantTrainer
        from modelwright.engines.train_watch import Watch

        tokens = [sum(len(examples[i].input_ids) for i in batch) for batch in batches]
        trained = [sum(examples[i].trained_tokens for i in batch) for batch in batches]
        watch = Watch(self.say, tokens, trained, seconds_left=self._seconds_left)
        trainer = AssistantTrainer(
            model=model,
            args=training_arguments(self.spec, self.job.folder / "checkpoints", len(batches)),
            train_dataset=Dataset.from_list([_as_row(e) for e in examples]),
            processing_class=self.tokenizer,
            peft_config=adapter(self.spec) if self.spec.makes_adapter else None,
            callbacks=[watch],
            batches=batches,
            rows_at_once=self._rows_at_once(max(len(e.input_ids) for e in examples), max(map(len, batches))),
            bound=self.bound,
            say=self._retry,
        )
        trainer.remove_callback(PrinterCallback)
        return trainer, watch

    def _rows_at_once(self, longest: int, rows: int) -> int:
        """Of a whole batch, by the estimate; a device of its own says when it is full."""
        if self.bound is None:
            return rows
        fits = rows_that_fit(shape_of(self.spec.model), self.spec.method, rows, longest, self.bound.most, rank=self.spec.lora_rank)
        if fits < rows:
            note = f"{rows} rows of {longest} tokens do not fit into {human_bytes(self.bound.most)}"
            self._retry(f"{note}: each step takes {fits} at once and adds up the gradients")
        return fits

    def _seconds_left(self) -> float | None:
        """Until this job is stopped; None when nobody set a limit."""
        try:
            return float((self.job.folder / "deadline").read_text(encoding="utf-8")) - time.time()
        except (OSError, ValueError):
            return None

    def _retry(self, message: str) -> None:
        self.say(message)
        self.notes.append(message.removeprefix("retry: "))

    def _publish(self, result: Json) -> Json:
        self.say("save the result")
        final, log = self.spec.output, result.pop("log")
        with place(final, self.job, replace=self.spec.replace) as partial, clear_os_errors(final):
            partial.mkdir()
            self._save_weights(partial)
            proof = prove_weights(partial, adapter=self.spec.makes_adapter, moved=self.moved)
            result |= proof | {"scope": self._scope(result, proof), "method": self.spec.method, "output": str(final)}
            write_records(partial, self.spec, result, log)
        return result

    def _save_weights(self, folder: Path) -> None:
        model = self.trainer.model
        if self.spec.makes_adapter:
            model.peft_config["default"].base_model_name_or_path = _base_name(self.spec)
        model.save_pretrained(folder, safe_serialization=True)
        self.tokenizer.save_pretrained(folder)

    def _scope(self, result: Json, proof: Json) -> Json:
        """What was approved, as it was carried out."""
        spec = self.spec
        return {
            "base_model": spec.model.ref,
            "base_name": _base_name(spec),
            "base_sha256": sha256_of_path(Path(spec.model.path)),
            "dataset": str(spec.dataset),
            "dataset_sha256": spec.dataset_sha256,
            "method": spec.method,
            "max_length": spec.max_length,
            "rows_trained": result["mask"]["rows"],
            "epochs": result["epochs"],
            "steps": result["steps"],
            "batch_size": spec.batch_size,
            "learning_rate": spec.learning_rate,
            "lora_rank": spec.lora_rank if spec.makes_adapter else None,
            "lora_alpha": spec.lora_alpha if spec.makes_adapter else None,
            "seed": spec.seed,
            "dtype": str(self.trainer.bare_model().get_input_embeddings().weight.dtype).removeprefix("torch."),
            "products": "bfloat16" if self.trainer.in_bfloat16 else "as the weights",
            "weights_sha256": proof["weights_sha256"],
        }


def _as_row(example: Example) -> Json:
    return {"input_ids": example.input_ids, "labels": example.labels}


def _base_name(spec: TrainSpec) -> str:
    """How the result names its base: `builtin`, a name on the hub, or an absolute path."""
    named = spec.model.is_builtin or (spec.model.ref.count("/") == 1 and "snapshots" in spec.model.path)
    return spec.model.ref if named else spec.model.path
