"""Tools by name and arguments alone, for planning without running: what is not installed is planned for as if it were.

`with_stubs(tools)` adds those that are missing, and `plugins(count)` invents as many more as wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model

from modelwright.contract import Tool, no_checks
from modelwright.types import DatasetPath, Effect, Estimate, FilePath, ModelRef, OutputPath, ToolArgs, ToolResult

NEEDED: Any = ...
Cache = Literal["f32", "f16", "bf16", "fp8", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
Fields = dict[str, tuple[Any, Any, str]]
"""argument -> (type, default, description)"""


def _some(kind: Any) -> Any:
    return kind | None


INT, FLOAT, TEXT = _some(int), _some(float), _some(str)

STUBS: dict[str, tuple[str, Fields, dict[str, Any], tuple[str, ...]]] = {
    "prepare_dataset": (
        "Clean, deduplicate, shuffle and split a data set into new files.",
        {
            "dataset": (DatasetPath, NEEDED, "rows to prepare"),
            "output": (_some(OutputPath), None, "folder for the new files"),
            "seed": (INT, None, "seed of the shuffle"),
        },
        {"dataset": DatasetPath},
        ("deduplicate", "split", "clean", "shuffle"),
    ),
    "align": (
        "Train a model on preference pairs with DPO, IPO, KTO or ORPO.",
        {
            "model": (ModelRef, "builtin", "what to start from"),
            "dataset": (DatasetPath, NEEDED, "preference pairs: prompt, chosen, rejected"),
            "method": (Literal["dpo", "ipo", "kto", "orpo"], "dpo", "loss"),
            "beta": (FLOAT, None, "strength of the pull to the reference model"),
            "epochs": (FLOAT, None, "times that every row is seen"),
            "max_steps": (INT, None, "optimizer steps"),
            "learning_rate": (FLOAT, None, "peak of the schedule"),
            "output": (_some(OutputPath), None, "folder to write"),
        },
        {"model": ModelRef},
        ("dpo", "preference", "alignment", "chosen", "rejected"),
    ),
    "benchmark": (
        "Measure how fast a model answers: time to first token, tokens per second, throughput under load.",
        {
            "model": (ModelRef, "builtin", "model or endpoint to measure"),
            "engine": (_some(Literal["llama.cpp", "transformers", "endpoint"]), None, "what runs the model"),
            "prompt_tokens": (INT, None, "tokens of each prompt"),
            "output_tokens": (INT, None, "tokens of each answer"),
            "concurrency": (list[int], [1], "requests at the same time, one measurement each"),
            "requests": (INT, None, "requests of each measurement"),
        },
        {"tokens_per_second": float},
        ("speed", "latency", "throughput", "tokens per second"),
    ),
    "kv_cache": (
        "Reckon the size of the key-value cache, and the largest context and batch that fit.",
        {
            "model": (_some(ModelRef), None, "model whose shape counts"),
            "layers": (INT, None, "layers of the model"),
            "kv_heads": (INT, None, "key-value heads"),
            "head_dim": (INT, None, "numbers of one head"),
            "context_length": (INT, None, "tokens of one sequence"),
            "batch_size": (INT, None, "sequences at the same time"),
            "dtype": (_some(Cache), None, "type of the cache's numbers"),
            "engine": (_some(Literal["llama.cpp", "vllm", "sglang", "tensorrt-llm", "transformers"]), None, "engine whose layout counts"),
            "memory_gib": (FLOAT, None, "memory that is there, GiB"),
        },
        {"bytes": int},
        ("cache", "kv"),
    ),
    "memory_fit": (
        "Tell whether a model fits into memory or on a GPU, for running or for training.",
        {
            "model": (ModelRef, NEEDED, "model to fit"),
            "task": (_some(Literal["inference", "lora", "qlora", "full"]), None, "what is to be done with it"),
            "quantization": (TEXT, None, "type of the weights: Q4_K_M, f16 …"),
            "context_length": (INT, None, "tokens of one sequence"),
            "batch_size": (INT, None, "sequences at the same time"),
            "memory_gib": (FLOAT, None, "memory that is there, GiB"),
            "gpu": (TEXT, None, "name of the graphics card"),
        },
        {"fits": bool},
        ("fit", "memory", "vram"),
    ),
    "speculate": (
        "Measure speculative decoding with a draft model or prompt lookup against plain decoding.",
        {
            "model": (ModelRef, NEEDED, "model that decides"),
            "draft_model": (_some(ModelRef), None, "small model that guesses; prompt lookup if unset"),
            "dataset": (_some(DatasetPath), None, "prompts"),
        },
        {"speedup": float},
        ("speculative", "draft"),
    ),
    "choose_engine": (
        "Say which serving engine suits: llama.cpp, vLLM, SGLang, TensorRT-LLM, Ollama or transformers.",
        {
            "model": (_some(ModelRef), None, "model to serve"),
            "users": (INT, None, "users at the same time"),
            "hardware": (TEXT, None, "graphics card or processor"),
        },
        {"engine": str},
        ("engine", "vllm", "sglang"),
    ),
    "quantization_quality": (
        "Measure what quantizing costs: perplexity, KL divergence and same top token against the original.",
        {
            "model": (_some(ModelRef), None, "full-precision model"),
            "models": (list[ModelRef], [], "quantized files to measure"),
            "types": (list[str], [], "quantization types"),
            "dataset": (_some(DatasetPath), None, "text to measure on"),
        },
        {"table": list[str]},
        ("kl divergence", "pareto"),
    ),
    "compare_tokenizers": (
        "Count tokens per word by language or domain for several models.",
        {
            "models": (list[ModelRef], NEEDED, "models whose tokenizers are compared"),
            "texts": (_some(DatasetPath), None, "texts to count on"),
        },
        {"table": list[str]},
        ("tokenizer", "tokens per word"),
    ),
    "cost": (
        "Reckon what a model costs per request and per month, on own hardware or by price list.",
        {
            "model": (_some(ModelRef), None, "model that answers"),
            "requests_per_day": (FLOAT, None, "requests a day"),
            "input_tokens": (INT, None, "tokens read per request"),
            "output_tokens": (INT, None, "tokens written per request"),
            "price": (FLOAT, None, "US dollars per million tokens, or per hour of the hardware"),
        },
        {"cost_per_month": float},
        ("price", "money", "budget"),
    ),
    "rag_index": (
        "Read documents of a folder, a file or a glob into a search index.",
        {"path": (FilePath, NEEDED, "documents: folder, file or glob"), "index": (str, "default", "name of the index")},
        {"index": str},
        ("documents", "index"),
    ),
    "rag_search": (
        "Find passages in an index.",
        {
            "query": (str, NEEDED, "what to look for"),
            "index": (str, "default", "name of the index"),
            "top_k": (int, 5, "passages to give"),
            "mode": (Literal["lexical", "dense", "hybrid"], "hybrid", "how to search"),
        },
        {"passages": list[str]},
        ("passages", "search"),
    ),
    "rag_answer": (
        "Answer a question from the indexed documents, with citations.",
        {"question": (str, NEEDED, "the question"), "index": (str, "default", "name of the index")},
        {"answer": str},
        ("documents", "answer"),
    ),
    "pretrain": (
        "Train a tiny model from scratch.",
        {
            "dataset": (DatasetPath, NEEDED, "text"),
            "max_steps": (INT, None, "optimizer steps"),
            "output": (_some(OutputPath), None, "folder"),
        },
        {"model": ModelRef},
        ("scratch",),
    ),
    "serve": (
        "Start an OpenAI-compatible server for a model.",
        {"model": (ModelRef, "builtin", "model to serve"), "port": (int, 8000, "TCP port")},
        {"address": str},
        ("server", "endpoint", "api"),
    ),
}


def made(name: str, summary: str, fields: Fields, result: Mapping[str, Any], keywords: tuple[str, ...]) -> Tool:
    """A tool of this name that cannot run."""
    args: Any = {k: (kind, Field(default, description=text)) for k, (kind, default, text) in fields.items()}
    results: Any = {k: (kind, Field(description=k)) for k, kind in result.items()}
    return Tool(
        name=name,
        summary=summary,
        doc=summary,
        args=create_model(f"{name}_args", __base__=ToolArgs, **args),
        result=create_model(f"{name}_result", __base__=ToolResult, **results),
        effects=frozenset({Effect.READS_FILES}),
        run=_never,
        estimate=lambda args, workspace: Estimate(),
        checks=no_checks,
        example={},
        keywords=keywords,
    )


def _never(args: Any, ctx: Any) -> ToolResult:
    raise AssertionError("a stub is planned with, not run")


def with_stubs(tools: Mapping[str, Tool]) -> dict[str, Tool]:
    """The tools, and a stub for each that is not among them."""
    return {**{name: made(name, *stub) for name, stub in STUBS.items()}, **tools}


VERBS = ("translate", "summarise", "publish", "monitor", "schedule", "render", "encrypt", "archive", "label", "anonymise")
THINGS = ("invoices", "tickets", "photos", "meetings", "sensor logs", "contracts", "playlists")


def plugins(count: int) -> dict[str, Tool]:
    """Invented tools of other trades, as packages might bring."""
    names = [(verb, thing) for thing in THINGS for verb in VERBS][:count]
    found = {}
    for verb, thing in names:
        name = f"{verb}_{thing.replace(' ', '_')}"
        fields: Fields = {"source": (FilePath, NEEDED, f"the {thing}"), "limit": (INT, None, f"{thing} at most")}
        found[name] = made(name, f"{verb.capitalize()} {thing} for the office.", fields, {"count": int}, (f"{verb} {thing}",))
    return found


def stand_in(path: Path, kind: str) -> None:
    """Something of that kind at this place: model, folder, or a file."""
    if kind in ("model", "folder"):
        path.mkdir(parents=True, exist_ok=True)
        (path / ("config.json" if kind == "model" else "page.md")).write_text("{}\n")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
