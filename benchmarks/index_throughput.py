"""Indexing against the encoder alone on the same chunks and batch, and memory from 1,000 to 100,000 chunks.

    python benchmarks/index_throughput.py [CHUNKS] [--memory N,N,…]

First table: CHUNKS (default 1000) chunks of 100 tokens. The encoder's own time is that of the same child process on the same texts
in the same batches; wanted is at least 90%. Second table, with --memory: peak resident memory of the indexing process for so
many chunks with the hashing embedder (the encoder's child is another process), and what of it the vectors take. Give the machine
nothing else to do.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from machine import card

from modelwright.config import Settings
from modelwright.graphs.context import RunContext
from modelwright.memory import open_embedder
from modelwright.memory.documents.build import BATCH
from modelwright.memory.embedders import HASH_DIM

WORDS = [
    f"{a}{b}" for a in ("pump", "tank", "cable", "valve", "motor", "panel", "hinge", "filter") for b in ("", "s", " head", " box", " line")
]
CHUNK_WORDS = 70
PER_FILE = 50


def write(folder: Path, chunks: int) -> None:
    random.seed(7)
    for number in range(0, chunks, PER_FILE):
        pieces = [" ".join(random.choices(WORDS, k=CHUNK_WORDS)) + f" {number + n}." for n in range(min(PER_FILE, chunks - number))]
        (folder / f"{number:06d}.md").write_text(
            "\n\n".join(f"# Part {number + n}\n\n{piece}" for n, piece in enumerate(pieces)), encoding="utf-8"
        )


def index(chunks: int, embedder: str) -> tuple[dict[str, float], list[str]]:
    """What the job says of itself, and the texts that it embedded."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "docs").mkdir()
        write(root / "docs", chunks)
        context = RunContext(root, root / "out", root / ".modelwright" / "jobs" / "1", Settings(embedder=embedder), lambda numbers: None)
        spec = {"root": str(root / "docs"), "pattern": "", "index": "default", "chunker": "auto", "chunk_tokens": 200, "overlap": 0}
        done = context.documents.index({**spec, "access": [], "max_file_bytes": 10**8})
        import sqlite3

        with sqlite3.connect(root / ".modelwright" / "modelwright.db") as db:
            texts = [row[0] for row in db.execute("select text from items order by id")]
        return done, texts


def throughput(chunks: int) -> None:
    done, texts = index(chunks, "builtin")
    embedder = open_embedder(Settings())
    embedder.embed(texts[:8])  # starts the child
    began = time.perf_counter()
    for start in range(0, len(texts), BATCH):
        embedder.embed(texts[start : start + BATCH])
    alone = time.perf_counter() - began
    embedder.close()
    print(f"{'':<24} {'chunks':>8} {'seconds':>9} {'chunks/s':>9}")
    print(f"{'encoder alone':<24} {len(texts):>8} {alone:>9.2f} {len(texts) / alone:>9.1f}")
    print(f"{'rag_index':<24} {done['chunks']:>8} {done['seconds']:>9.2f} {done['chunks'] / done['seconds']:>9.1f}")
    print(f"{'share of the encoder':<24} {alone / done['seconds']:>27.1%}\n")


def memory(counts: list[int]) -> None:
    print(f"{'chunks':>8} {'peak MB':>9} {'vectors MB':>11} {'without them':>13} {'seconds':>9}")
    for count in counts:
        done, _ = index(count, "hashing")
        vectors = done["chunks"] * HASH_DIM * 4 / 1e6
        peak = done["peak_memory_bytes"] / 1e6
        print(f"{done['chunks']:>8} {peak:>9.0f} {vectors:>11.1f} {peak - vectors:>13.0f} {done['seconds']:>9.1f}")


def main() -> None:
    print(card("faiss-cpu", "numpy", "tokenizers"))
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()]
    throughput(numbers[0] if numbers else 1000)
    if "--memory" in sys.argv:
        memory([int(one) for one in sys.argv[sys.argv.index("--memory") + 1].split(",")])


if __name__ == "__main__":
    main()
