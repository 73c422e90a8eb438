"""How many tokens each row of a data set has, by the model's own tokenizer and chat template.

A GGUF file's vocabulary alone is loaded (0.1 s, no weights); folders and adapters go through transformers. A row counts
as long as its longest sequence; a conversation that the template refuses is counted by its contents alone. Knows
nothing of truncation or packing.

    spec   {"model": {...}, "dataset": path, "cache_dir": path}
    result {"counts": [int per usable row], "without_template": int, "engine": "llama.cpp" | "transformers"}
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from modelwright.data.reader import read
from modelwright.data.shape import Sequence, plain, sequences
from modelwright.engines.child import Job
from modelwright.errors import BadRequest
from modelwright.modelrefs import Model

Json = dict[str, Any]
Render = Callable[[list[dict[str, str]]], str]
Count = Callable[[str], int]
PROGRESS_EVERY = 2000


def run(spec: Json, job: Job) -> Json:
    model = Model(**spec["model"])
    rows = read(Path(spec["dataset"])).rows
    render, count, engine = _tokenizer(model, Path(spec["cache_dir"]))
    counts, refused = [], 0
    for number, row in enumerate(rows, 1):
        texts, plain_ones = zip(*(_text_of(sequence, render) for sequence in sequences(row.example)), strict=True)
        refused += any(plain_ones)
        counts.append(max(count(text) for text in texts))
        if number % PROGRESS_EVERY == 0:
            job.progress("counting tokens", step=number, steps=len(rows))
    return {"counts": counts, "without_template": refused, "engine": engine}


def _tokenizer(model: Model, cache_dir: Path) -> tuple[Render, Count, str]:
    if model.kind == "endpoint":
        raise BadRequest(f"{model.ref} is an endpoint, its tokenizer is not here", fix="name the same model as a folder or a .gguf file")
    return (*_of_gguf(model), "llama.cpp") if model.kind == "gguf" else (*_of_folder(model, cache_dir), "transformers")


def _of_gguf(model: Model) -> tuple[Render, Count]:
    from modelwright.engines import llama, proof

    llm = llama.load(model.path, n_ctx=512, threads=1, vocab_only=True)
    source = llm.metadata.get("tokenizer.chat_template")
    specials = {"bos": _special(llm, "bos"), "eos": _special(llm, "eos")}

    def count(text: str) -> int:
        return len(llama.tokenize(llm, text, add_bos=False, special=True))

    if not source:
        return _no_template, count

    def render(messages: list[dict[str, str]]) -> str:
        text = proof.render_stored(source, messages, False, **specials)
        if text is None:
            raise jinja2.TemplateError("the chat template refuses this conversation")
        return text

    return render, count


def _of_folder(model: Model, cache_dir: Path) -> tuple[Render, Count]:
    from modelwright.engines import hf

    tokenizer = hf.load_tokenizer(model, cache_dir)

    def render(messages: list[dict[str, str]]) -> str:
        return str(tokenizer.apply_chat_template(messages, tokenize=False))

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return render if tokenizer.chat_template else _no_template, count


def _special(llm: Any, name: str) -> str:
    """The text of the BOS or EOS token, "" when the vocabulary has none."""
    index = llm.metadata.get(f"tokenizer.ggml.{name}_token_id")
    return "" if index is None else llm.detokenize([int(index)], special=True).decode("utf-8", "replace")


def _no_template(messages: list[dict[str, str]]) -> str:
    raise jinja2.TemplateError("the model has no chat template")


def _text_of(sequence: Sequence, render: Render) -> tuple[str, bool]:
    """What is tokenized, and whether it had to do without the template."""
    if isinstance(sequence, str):
        return sequence, False
    try:
        return render(sequence), False
    except jinja2.TemplateError:
        return plain(sequence), True
