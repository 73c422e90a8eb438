"""Embedders for tests: quick, deterministic, and of the same length in two different spaces."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

DIM = 32


class StubEmbedder:
    """The mean of a random direction per word. `salt` makes another space; `drift` another embedder under the same fingerprint."""

    dim = DIM

    def __init__(self, salt: str = "a", *, drift: str = "") -> None:
        self.name, self.fingerprint, self._seed = f"stub {salt}", f"stub:{salt}", salt + drift
        self.asked = 0

    def embed(self, texts: Sequence[str]) -> Any:
        self.asked += len(texts)
        out = np.zeros((len(texts), DIM), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                seed = int.from_bytes(hashlib.sha256(f"{self._seed} {word}".encode()).digest()[:4], "little")
                out[row] += np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    def close(self) -> None:
        pass
