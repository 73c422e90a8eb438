"""The KV cache as reckoned beside what llama.cpp itself allocates, to the byte.

    python benchmarks/kv_exact.py [--quick]

Ground truth is llama.cpp's own account of a context (`llama_get_memory_breakdown`, without allocating), of the built-in model's file
and of files that have other families' shapes and no weights. Exits 1 when one configuration differs.
Not covered: GPUs, and llama.cpp's caches with an indexer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from machine import card

from modelwright.engines import gguf_header, measure_memory, shape_gguf
from modelwright.modelrefs import builtin_gguf
from modelwright.sizing import known, kv
from modelwright.sizing.gguf_keys import from_keys
from modelwright.sizing.shapes import ModelShape, Weight

FAMILIES = (
    "Qwen2.5-0.5B",
    "Qwen3-0.6B",
    "Llama-3.1-8B",
    "Mistral-7B-v0.1",
    "Gemma-2-9B",
    "Gemma-3-1B",
    "Gemma-3-27B",
    "DeepSeek-V2-Lite",
    "DeepSeek-V3",
    "gpt-oss-20b",
    "Mixtral-8x7B",
    "Mamba-130M",
    "LFM2-350M",
    "Phi-4",
)
"""grouped queries, wide heads, sliding windows, latent attention, experts, recurrent and hybrid layers"""
SETTINGS: list[dict[str, Any]] = [
    {"n_ctx": 8192},
    {"n_ctx": 1000, "type_k": "q8_0", "type_v": "q8_0"},
    {"n_ctx": 8192, "sequences": 3, "swa_full": True},
    {"n_ctx": 5000, "sequences": 4, "unified": True, "ubatch": 128},
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the built-in model and two families")
    options = parser.parse_args()
    print(card("llama-cpp-python"), "\n")
    print("| model | settings | reckoned bytes | llama.cpp's bytes | |\n| --- | --- | --- | --- | --- |")
    rows = list(compare(FAMILIES[:2] if options.quick else FAMILIES))
    for name, settings, reckoned, real in rows:
        print(f"| {name} | {settings} | {reckoned:,} | {real:,} | {'equal' if reckoned == real else 'DIFFERS'} |")
    wrong = sum(reckoned != real for _, _, reckoned, real in rows)
    print(f"\n{len(rows)} configurations, {len(rows) - wrong} equal to the byte")
    sys.exit(1 if wrong else 0)


def compare(families: tuple[str, ...]) -> Iterator[tuple[str, str, int, int]]:
    """(model, settings, reckoned bytes, llama.cpp's bytes)"""
    yield from _of_file(builtin_gguf(), builtin_settings())
    with tempfile.TemporaryDirectory() as folder:
        for name in families:
            path = shape_gguf.write(known.get(name), Path(folder) / f"{name}.gguf")
            yield from _of_file(path, SETTINGS)
            path.unlink()


def builtin_settings() -> list[dict[str, Any]]:
    """Every cache type, and several sequences in one pool or in parts."""
    types = [{"n_ctx": 2048, "type_k": kind, "type_v": kind} for kind in kv.CACHE_TYPES]
    mixed = [{"n_ctx": 4096, "type_k": "q8_0", "type_v": "f16"}, {"n_ctx": 4096, "flash_attention": False}]
    several = [{"n_ctx": 8192, "sequences": n, "unified": unified} for n, unified in product((2, 3, 7), (False, True))]
    return [*types, *mixed, *several]


def _of_file(path: Path, settings: list[dict[str, Any]]) -> Iterator[tuple[str, str, int, int]]:
    shape = shape_of(path)
    with measure_memory.Model(path) as model:
        for one in settings:
            real = model.context(**one)
            if not real["exact"]:
                sys.exit("this build of llama.cpp does not export llama_get_memory_breakdown: its log has only hundredths of a MiB")
            rest = {name: value for name, value in one.items() if name != "n_ctx"}
            yield (
                path.stem,
                " ".join(f"{k}={v}" for k, v in one.items()),
                kv.llama_cpp(shape, one["n_ctx"], kv.LlamaCpp(**rest)).bytes,
                real["cache"],
            )


def shape_of(path: Path) -> ModelShape:
    header = gguf_header.read(path)
    return from_keys(path.stem, header.keys, header.lists, tuple(Weight(t.name, t.shape, t.type) for t in header.tensors))


if __name__ == "__main__":
    main()
