"""The warm child of an embedder: `python -m modelwright.engines.embed FOLDER`.

A server, not a job: {"texts": […]} a line on stdin; on stdout a line {"shape": [rows, dim], "bytes": n} and then
rows * dim float32 values, little-endian, each row of length 1; until stdin ends. A plain BERT (all-MiniLM-L6-v2) runs in numpy (bert.py),
0.3 s after the start; every other folder with sentence-transformers, which takes 8 s to import.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from modelwright.engines import bert
from modelwright.errors import EngineMissing, ModelRefError, ModelwrightError, ToolFailed

Array = np.ndarray[Any, np.dtype[np.float32]]


class Encoder(Protocol):
    def embed(self, texts: Sequence[str]) -> Array: ...


class SentenceTransformersEncoder:
    """Any folder that sentence-transformers can read, on the processor."""

    def __init__(self, folder: Path) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise EngineMissing(f"{folder.name} needs sentence-transformers", fix="pip install 'modelwright[rag]'") from None
        try:
            self._model: Any = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise ModelRefError(f"sentence-transformers cannot load {folder}: {str(error)[:160]}", fix="use another embedder") from None

    def embed(self, texts: Sequence[str]) -> Array:
        made: Array = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return made.astype(np.float32, copy=False)


def open_encoder(folder: Path) -> Encoder:
    return bert.BertEncoder(folder) if bert.fits(folder) else SentenceTransformersEncoder(folder)


def serve(encoder: Encoder, lines: BinaryIO, out: BinaryIO) -> int:
    """Answer until `lines` ends. A question that fails is answered with its error."""
    _say(out, {"ready": True})
    for line in lines:
        try:
            made = encoder.embed([str(text) for text in json.loads(line)["texts"]])
        except (ValueError, LookupError, TypeError) as error:
            _say(out, {"error": ToolFailed(f"not a question: {error!r:.200}").as_json()})
            continue
        data = made.astype("<f4", copy=False).tobytes()
        _say(out, {"shape": list(made.shape), "bytes": len(data)}, data)
    return 0


def _say(out: BinaryIO, message: dict[str, Any], data: bytes = b"") -> None:
    out.write(json.dumps(message).encode() + b"\n" + data)
    out.flush()


def main() -> int:
    """What libraries print goes to stderr; stdout is the protocol's alone."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            encoder = open_encoder(Path(sys.argv[1]))
        except ModelwrightError as error:
            _say(out, {"error": error.as_json()})
            return 1
        return serve(encoder, sys.stdin.buffer, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
