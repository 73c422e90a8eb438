"""The importance matrix: for each column of each weight, the mean square of what flows into it on the user's own text.

llama.cpp's low-bit types round the important columns better with it. It is collected from the same weights run by
transformers (hooks on every linear layer); the order of columns is the same in GGUF, only rows of q and k are not.
16,000 tokens at most: more change little, and take a minute each on two cores.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from modelwright.data import reader
from modelwright.engines import gguf_write, hf, llama
from modelwright.engines.child import Job
from modelwright.errors import DataError
from modelwright.modelrefs import Model

MAX_TOKENS = 16_000
MIN_TOKENS = 128
WINDOW = 512


@dataclass(frozen=True)
class Imatrix:
    means: dict[str, np.ndarray[Any, np.dtype[np.float32]]]
    """llama.cpp's name of the weight -> mean square of each column."""
    tokens: int

    def as_native(self) -> Any:
        """An array for llama_model_quantize_params.imatrix, ended by an empty entry. Keeps its memory alive itself."""
        array = (llama_cpp.llama_model_imatrix_data * (len(self.means) + 1))()
        for entry, (name, values) in zip(array, self.means.items(), strict=False):
            entry.name = name.encode()
            entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            entry.size = values.size
        return array


def collect(model: Model, dataset: Path, cache_dir: Path, threads: int, job: Job) -> Imatrix:
    """Run the model over `dataset` and keep the means. Raises DataError when there is too little text."""
    import torch

    torch.set_num_threads(llama.thread_count(threads))
    job.progress("read the calibration data")
    folder = hf.folder_of(model, cache_dir, job.progress)
    network, tokenizer = hf.load(Model(str(folder), "hf", str(folder)), cache_dir)
    ids = _tokens(tokenizer, dataset)
    sums = _run(network, [ids[i : i + WINDOW] for i in range(0, len(ids), WINDOW)], job)
    to_gguf = gguf_write.tensor_names(network.config)
    tied = network.config.tie_word_embeddings
    means = {
        to_gguf(f"{name}.weight"): np.ascontiguousarray(total / len(ids), dtype=np.float32)
        for name, total in sums.items()
        if not (tied and name == "lm_head")
    }
    return Imatrix(means, len(ids))


def _tokens(tokenizer: Any, dataset: Path) -> list[int]:
    ids: list[int] = []
    for text in texts(tokenizer, dataset):
        ids += tokenizer(text, add_special_tokens=False).input_ids
        if len(ids) >= MAX_TOKENS:
            break
    if len(ids) < MIN_TOKENS:
        raise DataError(f"{dataset} has {len(ids)} tokens, an importance matrix needs {MIN_TOKENS}", fix="give more rows")
    return ids[:MAX_TOKENS]


def texts(tokenizer: Any, dataset: Path) -> Iterator[str]:
    """Each row as the model would see it."""
    for row in reader.read(dataset).rows:
        example = row.example
        if "text" in example:
            yield example["text"]
            continue
        messages = example["messages"] if "messages" in example else [*example["prompt"], *example["chosen"]]
        if tokenizer.chat_template:
            yield tokenizer.apply_chat_template(messages, tokenize=False)
        else:
            yield "\n".join(message["content"] for message in messages)


def _run(network: Any, windows: list[list[int]], job: Job) -> dict[str, Any]:
    """The sum of squares that flowed into every linear layer, by the layer's name."""
    import torch

    sums: dict[str, Any] = {}

    def watch(name: str) -> Any:
        def add(_: Any, inputs: tuple[Any, ...]) -> None:
            squares = inputs[0].detach().reshape(-1, inputs[0].shape[-1]).double().square().sum(dim=0).cpu().numpy()
            sums[name] = sums.get(name, 0.0) + squares

        return add

    layers = [(name, module) for name, module in network.named_modules() if isinstance(module, torch.nn.Linear)]
    hooks = [module.register_forward_pre_hook(watch(name)) for name, module in layers]
    with torch.inference_mode():
        for step, window in enumerate(windows, 1):
            network(torch.tensor([window], device=network.device))
            job.progress("measure what is important", step=step, steps=len(windows))
    for hook in hooks:
        hook.remove()
    return sums
