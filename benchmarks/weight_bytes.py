"""Weight bytes as reckoned beside llama.cpp's own dry run of its quantizer.

    python benchmarks/weight_bytes.py [--quick]

The files have real models' shapes and no weights; the dry run reads no weights either. Every type of the quantizer that needs no
importance matrix, and those that do (a dry run does not ask for it). Exits 1 when one pair is off by more than 0.1%.
Not covered: mixes with an importance matrix at hand (it changes a few matrices), per-tensor overrides.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from machine import card

from modelwright.engines import measure_memory, shape_gguf
from modelwright.sizing import known, layout, weights
from modelwright.sizing.mixes import DEFAULTS

MODELS = (
    "SmolLM2-135M",
    "Qwen2.5-0.5B",
    "Qwen3-0.6B",
    "Llama-3.1-8B",
    "Gemma-2-9B",
    "Gemma-3-1B",
    "DeepSeek-V2-Lite",
    "gpt-oss-20b",
    "Mixtral-8x7B",
    "Mamba-130M",
    "LFM2-350M",
    "Llama-3.1-70B",
)
MOST_OFF = 0.001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two models, four types")
    options = parser.parse_args()
    print(card("llama-cpp-python"), "\n")
    print("| model | type | reckoned bytes | dry run | off |\n| --- | --- | --- | --- | --- |")
    types = ("Q8_0", "Q4_K_M", "Q2_K", "IQ4_XS") if options.quick else tuple(DEFAULTS)
    rows = list(compare(MODELS[:2] if options.quick else MODELS, types))
    for name, kind, reckoned, real in rows:
        print(f"| {name} | {kind} | {reckoned:,} | {real:,} | {abs(reckoned / real - 1):.4%} |")
    wrong = sum(abs(reckoned / real - 1) > MOST_OFF for _, _, reckoned, real in rows)
    equal = sum(reckoned == real for _, _, reckoned, real in rows)
    print(f"\n{len(rows)} pairs, {equal} equal to the byte, {len(rows) - wrong} within {MOST_OFF:.1%}")
    sys.exit(1 if wrong else 0)


def compare(models: Sequence[str], types: Sequence[str]) -> Iterator[tuple[str, str, int, int]]:
    """(model, type, reckoned bytes, bytes of the dry run)"""
    with tempfile.TemporaryDirectory() as folder:
        for name in models:
            shape = known.get(name)
            path = shape_gguf.write(shape, Path(folder) / "shape.gguf")
            for kind in types:
                yield (
                    name,
                    kind,
                    weights.stored(layout.weights(shape), weights.traits_of(shape), kind).bytes,
                    measure_memory.dry_run(path, kind),
                )


if __name__ == "__main__":
    main()
