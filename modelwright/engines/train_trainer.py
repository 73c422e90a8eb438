"""TRL's SFTTrainer with four changes: fixed batches, logits only where the loss looks, less memory when there is none, and
bfloat16 where the processor multiplies in it.

Two facts to know. TRL on a CPU computes the logits of every token, also of those that the loss leaves out: with the
example data that is half of them, and leaving them out saves a quarter of the processor time. And a step that does not
fit into memory is tried again in smaller parts whose gradients add up to the same: the batch that is learnt from, the
data, the length and the method stay what was approved.

Not here: several processes (the batches are not sharded).
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader
from trl import SFTTrainer

from modelwright.engines.loss_mask import IGNORED
from modelwright.engines.memory_bound import MemoryBound
from modelwright.engines.train_data import LABELS, TOKENS, Batches, collate, rounded
from modelwright.engines.train_memory import is_out_of_memory, multiplies_bfloat16
from modelwright.errors import ToolFailed

MOST_LOGITS = 2**27
"""logits held at once (512 MB in float32); more are computed in parts"""


SHORT_ROW = 256
"""Tokens up to which attention is spelt out: torch's own takes 7 times as long in bfloat16, a quarter of a step of 58 tokens
a row. Longer rows keep torch's own, which does not hold all pairs of tokens in memory."""


class AssistantTrainer(SFTTrainer):  # type: ignore[misc]
    """Trains on rows that bring their labels."""

    def __init__(
        self,
        *args: Any,
        batches: Batches,
        rows_at_once: int,
        say: Callable[[str], None],
        bound: MemoryBound | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.batches = batches
        self.micro_size = rows_at_once
        self.say = say
        self.bound = bound
        self._widen_adapter()
        self.plain_head = head_is_plain(self.bare_model())
        quantized = getattr(self.bare_model(), "is_loaded_in_4bit", False)
        self.in_bfloat16 = self.model.device.type == "cpu" and not quantized and multiplies_bfloat16()
        """Of the products in training steps; weights, gradients, optimizer and the measured losses stay in float32."""
        if self.in_bfloat16 and max(len(row["input_ids"]) for row in self.train_dataset) <= SHORT_ROW:
            self.bare_model().set_attn_implementation("eager")

    def _widen_adapter(self) -> None:
        """TRL puts the adapter of a quantized model in bfloat16, which a CPU multiplies 14 times slower than float32."""
        if self.model.device.type == "cpu":
            for parameter in self.model.parameters():
                if parameter.requires_grad:
                    parameter.data = parameter.data.float()

    def bare_model(self) -> Any:
        """The model without its PEFT wrapper; the adapter's layers are inside it."""
        return self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model

    def get_train_dataloader(self) -> Any:
        pad = self.processing_class.pad_token_id
        return DataLoader(self.train_dataset, batch_sampler=self.batches, collate_fn=partial(collate, pad=pad))

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Cosine after a short warm-up whose first step counts: transformers' own begins with a learning rate of 0."""
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, lambda step: share_of_peak(step, num_training_steps))
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Ours is written at the end."""

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
        """Forward and backward of one batch, in as many parts as memory asks for."""
        model.train()
        inputs = self._prepare_inputs(inputs)
        while True:
            try:
                return self._accumulate(model, inputs)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._use_less_memory(model)

    def _accumulate(self, model: Any, inputs: dict[str, Any]) -> Any:
        wanted = (inputs["labels"][:, 1:] != IGNORED).sum()
        total = torch.zeros((), device=wanted.device)
        for part in micro_batches(inputs, self.micro_size):
            with self.compute_loss_context_manager(), torch.autocast("cpu", torch.bfloat16, enabled=self.in_bfloat16):
                loss = self.compute_loss(model, part, num_items_in_batch=wanted)
            self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def _use_less_memory(self, model: Any) -> None:
        """Half as many rows at once; with one row, recompute activations; then there is nothing left to try."""
        model.zero_grad(set_to_none=True)
        if self.bound is None:
            gc.collect()
            torch.cuda.empty_cache()
        else:
            self.bound.begin_again()
        if self.micro_size > 1:
            self.micro_size = (self.micro_size + 1) // 2
            self.say(f"retry: out of memory, so each step takes {self.micro_size} rows at once and adds up the gradients")
        elif not self.bare_model().is_activation_checkpointing:
            self.model.gradient_checkpointing_enable()
            if hasattr(self.model, "enable_input_require_grads"):
                self.model.enable_input_require_grads()
            self.say("retry: out of memory with one row at once, so activations are computed twice instead of kept")
        else:
            raise ToolFailed("out of memory with one row at once", fix="use a smaller max_length, a smaller model, or free some memory")

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        """Mean negative log-likelihood of the labels; over `num_items_in_batch` labels if given."""
        if self.aux_loss_enabled:  # a mixture of experts has a second loss that TRL adds
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs["labels"][:, 1:]
        chosen = labels != IGNORED
        total = self._summed_loss(inputs, chosen, labels[chosen])
        return total / (chosen.sum() if num_items_in_batch is None else num_items_in_batch).clamp(min=1)

    def _summed_loss(self, inputs: dict[str, Any], chosen: Any, labels: Any) -> Any:
        bare = self.bare_model()
        given = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"], "use_cache": False}
        if not self.plain_head:
            return functional.cross_entropy(bare(**given).logits[:, :-1][chosen].float(), labels, reduction="sum")
        hidden = bare.base_model(**given).last_hidden_state[:, :-1][chosen]
        head = bare.get_output_embeddings()
        hidden, labels = filled_up(hidden, labels)
        rows = max(1, MOST_LOGITS // head.weight.shape[0])
        if len(labels) <= rows:
            return _nll(hidden, head, labels)
        parts = zip(hidden.split(rows), labels.split(rows), strict=True)
        return torch.stack([checkpoint(_nll, h, head, wanted, use_reentrant=False) for h, wanted in parts]).sum()

    def mean_loss(self, examples: Any, seen: Callable[[int], None] = lambda rows: None) -> float:
        """Mean loss over every trained token of `examples`. `seen` is told after each part how many rows were looked at."""
        with torch.no_grad():
            return self._mean_loss(examples, seen)

    def _mean_loss(self, examples: Any, seen: Callable[[int], None]) -> float:
        self.model.eval()
        total, count = 0.0, 0
        pad = self.processing_class.pad_token_id
        order = sorted(range(len(examples)), key=lambda i: len(examples[i]["input_ids"]))
        for at in range(0, len(order), self.micro_size):
            inputs = self._prepare_inputs(collate([examples[i] for i in order[at : at + self.micro_size]], pad))
            with self.compute_loss_context_manager():
                count_here = int((inputs["labels"][:, 1:] != IGNORED).sum())
                total += float(self.compute_loss(self.model, inputs)) * count_here
            count += count_here
            seen(min(at + self.micro_size, len(order)))
        return total / max(count, 1)


def share_of_peak(step: int, steps: int) -> float:
    """Of the learning rate, at `step` counted from 0: up over 5% of the steps, then along a half cosine towards 0."""
    warm = round(0.05 * steps)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _nll(hidden: Any, head: Any, labels: Any) -> Any:
    return functional.cross_entropy(head(hidden).float(), labels, reduction="sum")


def filled_up(hidden: Any, labels: Any) -> tuple[Any, Any]:
    """Both to a multiple of LABELS rows, with what the loss leaves out."""
    spare = rounded(len(labels), LABELS) - len(labels)
    return functional.pad(hidden, (0, 0, 0, spare)), functional.pad(labels, (0, spare), value=IGNORED)


def micro_batches(inputs: dict[str, Any], size: int) -> list[dict[str, Any]]:
    """`inputs` in parts of `size` rows, each without the padding that its rows do not need."""
    parts = []
    for at in range(0, len(inputs["input_ids"]), size):
        part = {name: tensor[at : at + size] for name, tensor in inputs.items()}
        longest = rounded(int(part["attention_mask"].sum(dim=1).max()), TOKENS)
        parts.append({name: tensor[:, :longest] for name, tensor in part.items()})
    return parts


def head_is_plain(bare: Any) -> bool:
    """Whether the model's logits are its last hidden state times its head (some architectures scale or cap them)."""
    head = bare.get_output_embeddings()
    ids = torch.arange(1, 9, device=bare.device)[None]
    if head is None or bare.base_model is bare:
        return False
    was_training, _ = bare.training, bare.eval()
    with torch.no_grad():
        theirs = bare(input_ids=ids, use_cache=False).logits
        ours = head(bare.base_model(input_ids=ids, use_cache=False).last_hidden_state)
    bare.train(was_training)
    return bool(torch.allclose(theirs.float(), ours.float(), rtol=1e-3, atol=1e-3))
