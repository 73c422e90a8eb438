"""SIGKILL at each write point of the memory store, with many seeds: what is searchable is what is live, every time.

    python benchmarks/memory_kill_matrix.py [--seeds 50] [--points store.between,generation.renamed]

A child does a fixed kind of random work (adding, replacing, removing, hiding, saving, reindexing) and kills itself at a
point; which occurrence of it depends on the seed. Then the store is opened anew, and three sets of ids are compared:
the live rows, what vectors find, what words find. The store is checked, work goes on in it and the sets are compared again.
After that the same work is done under other mishaps: flipped bits, cut and missing files, two writers at once, a reader
while files are replaced, a full disk, another embedder of the same length.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import card

from modelwright.memory import NewItem, Store

POINTS = [
    "store.between",
    "store.before_commit",
    "store.after_commit",
    "generation.written",
    "generation.renamed",
    "generation.entered",
    "generation.tidied",
    "reindex.before_switch",
    "reindex.after_switch",
]
MOST_OFTEN = {
    "store.between": 20,
    "store.before_commit": 20,
    "store.after_commit": 20,
    "reindex.before_switch": 1,
    "reindex.after_switch": 1,
}
"""Occurrences of a point that a child of 16 steps surely reaches; of the others three."""
STEPS, DIM, C = 16, 32, "c"


class Words:
    """A random direction per word; `salt` makes another space of the same length."""

    dim = DIM

    def __init__(self, salt: str = "a") -> None:
        self.name = self.fingerprint = f"words {salt}"
        self._salt = salt

    def embed(self, texts: Sequence[str]) -> Any:
        out = np.zeros((len(texts), DIM), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                seed = int.from_bytes(hashlib.sha256(f"{self._salt} {word}".encode()).digest()[:4], "little")
                out[row] += np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    def close(self) -> None:
        pass


def work(database: Path, seed: int, steps: int = STEPS) -> None:
    """Random changes, the same for a seed."""
    rng = random.Random(seed)
    with Store.open(database, Words()) as store:
        for step in range(steps):
            ids = [item.id for item in store.find(C, limit=1000)]
            new = [
                NewItem(f"all word{rng.randrange(50)} more{rng.randrange(9)}", key=f"k{rng.randrange(60)}")
                for _ in range(rng.randrange(1, 5))
            ]
            store.write(C, list({item.key: item for item in new}.values()), remove=rng.sample(ids, min(len(ids), rng.randrange(3))))
            if ids and rng.random() < 0.2:
                store.hide([rng.choice(ids)], hidden=rng.random() < 0.7)
            if step % 8 == 7:
                store.save(C)
        with_other = Store.open(database, Words("b"))
        with_other.reindex(C)
        with_other.close()


def ids_of(database: Path) -> tuple[set[int], set[int], set[int], list[str]]:
    """(live rows, found by vectors, found by words, notices)."""
    with Store.open(database, Words()) as store:
        live = {item.id for item in store.find(C, limit=100_000)}
        vector = store.embed_query(C, "all")
        if vector is None:  # the kill came after the switch: the other embedder is the right one now
            with Store.open(database, Words("b")) as other:
                vector = other.embed_query(C, "all")
        dense = {hit.item.id for hit in store.search_dense(C, vector, 100_000)} if vector is not None else set()
        words = {hit.item.id for hit in store.search_lexical(C, "all", 100_000)}
        return live, dense, words, store.notices


def wrong(database: Path) -> str:
    """ "" when searchable and live ids are equal."""
    if not Store.present(database):
        return ""
    live, dense, words, _ = ids_of(database)
    if live == dense == words:
        return ""
    return f"live {len(live)}, dense -{len(live - dense)} +{len(dense - live)}, words -{len(live - words)} +{len(words - live)}"


def child(database: Path, seed: int, fault: str = "") -> int:
    env = {**os.environ, "MODELWRIGHT_FAULT": fault} if fault else {**os.environ}
    command = [sys.executable, __file__, "--work", str(database), "--seed", str(seed)]
    return subprocess.run(command, env=env, capture_output=True, check=False).returncode


def killed(folder: Path, point: str, seed: int) -> tuple[bool, str]:
    database = folder / f"{point}-{seed}" / "m.db"
    occurrence = seed % MOST_OFTEN.get(point, 3) + 1
    hit = child(database, seed, f"{point}:{occurrence}") == -9
    problem = wrong(database)
    if not problem:
        work(database, seed + 1000, steps=6)
        problem = wrong(database)
    return hit, problem


# other mishaps ---------------------------------------------------------------------------------------------------


def damaged(how: str) -> Callable[[Path, int], str]:
    def mishap(folder: Path, seed: int) -> str:
        database = folder / "m.db"
        work(database, seed)
        rng, expected = random.Random(seed), ids_of(database)[:3]
        files = sorted(p for p in (database.parent / "indexes").iterdir() if p.suffix != ".lock")
        for path in files:
            data = bytearray(path.read_bytes())
            if how == "flip":
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
                path.write_bytes(data)
            elif how == "cut":
                path.write_bytes(data[: rng.randrange(len(data))])
            else:
                path.unlink()
        *found, notices = ids_of(database)
        unseen = [p.name for p in files if not any(p.name in n for n in notices)]
        return (f"not noticed: {unseen}" if unseen else "") or ("" if tuple(found) == expected else "other answers")

    return mishap


def two_writers(folder: Path, seed: int) -> str:
    database = folder / "m.db"
    running = [
        subprocess.Popen([sys.executable, __file__, "--work", str(database), "--seed", str(seed + n)], stderr=subprocess.PIPE)
        for n in (0, 500)
    ]
    said = [process.communicate()[1] for process in running]
    return f"a writer failed: {b' '.join(said)[-300:]!r}" if any(p.returncode for p in running) else wrong(database)


def reader_during_replacement(folder: Path, seed: int) -> str:
    """A reader with files open asks all the time while a writer replaces them: never an id that is neither old nor new."""
    database = folder / "m.db"
    work(database, seed)
    writer = subprocess.Popen([sys.executable, __file__, "--work", str(database), "--seed", str(seed + 7)])
    with Store.open(database) as reader:
        while writer.poll() is None:
            for hit in reader.search_lexical(C, "all", 1000):
                if "all" not in hit.item.text:
                    return "a hit that does not hold the word"
    return wrong(database)


def full_disk(folder: Path, seed: int) -> str:
    """No file may grow beyond a limit (RLIMIT_FSIZE): index files fail, then the database; what was committed stays."""
    database = folder / "m.db"
    work(database, seed, steps=12)
    limit = database.stat().st_size + 4096 * (1 + seed % 20)
    command = [sys.executable, __file__, "--work", str(database), "--seed", str(seed + 3), "--limit", str(limit)]
    subprocess.run(command, capture_output=True, check=False)
    live, dense, words, _ = ids_of(database)  # what came after the last switch of embedders has no vector yet: that is told, not wrong
    return "" if dense <= live == words else f"live {len(live)}, dense +{len(dense - live)}, words {len(words)}"


def embedder_swap(folder: Path, seed: int) -> str:
    database = folder / "m.db"
    work(database, seed)
    with Store.open(database, Words("a")) as store:
        if store.embed_query(C, "all") is not None or not store.notices:
            return "vectors of two spaces were compared"
        live = {item.id for item in store.find(C, limit=1000)}
        return "" if {h.item.id for h in store.search_lexical(C, "all", 1000)} == live else "words lost items"


MISHAPS: dict[str, Callable[[Path, int], str]] = {
    "flipped bit in each file": damaged("flip"),
    "each file cut short": damaged("cut"),
    "files missing": damaged("missing"),
    "two writers": two_writers,
    "reader during replacement": reader_during_replacement,
    "full disk": full_disk,
    "embedder swap, equal length": embedder_swap,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=50)
    options.add_argument("--points", type=lambda text: text.split(","), default=POINTS)
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    options.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (chosen.limit, chosen.limit))
    if chosen.work:
        work(chosen.work, chosen.seed)
        return
    print(card("faiss-cpu", "numpy", "sqlite-utils"), flush=True)
    began, failures = time.monotonic(), list[str]()
    with tempfile.TemporaryDirectory() as base:
        print(f"{'killed at':<28} {'seeds':>6} {'kills':>6} {'equal ids':>10}", flush=True)
        for point in chosen.points:
            count = Counter[str]()
            for seed in range(chosen.seeds):
                hit, problem = killed(Path(base), point, seed)
                count["kills"] += hit
                count["equal"] += not problem
                failures += [f"{point} seed {seed}: {problem}"] if problem else []
            print(f"{point:<28} {chosen.seeds:>6} {count['kills']:>6} {count['equal']:>10}", flush=True)
        print(f"{'mishap':<28} {'seeds':>6} {'':>6} {'equal ids':>10}", flush=True)
        for name, mishap in MISHAPS.items():
            problems = [mishap(folder(Path(base), name, seed), seed) for seed in range(chosen.seeds)]
            failures += [f"{name} seed {seed}: {p}" for seed, p in enumerate(problems) if p]
            print(f"{name:<28} {chosen.seeds:>6} {'':>6} {problems.count(''):>10}", flush=True)
    print(f"{time.monotonic() - began:.0f} s; {len(failures)} failures", *failures[:20], sep="\n")
    sys.exit(bool(failures))


def folder(base: Path, name: str, seed: int) -> Path:
    made = base / f"{name.replace(' ', '-')}-{seed}"
    made.mkdir()
    return made


if __name__ == "__main__":
    main()
