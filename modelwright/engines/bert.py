"""A BERT sentence encoder in numpy: what sentence-transformers computes for such a folder, 0.3 s after the process began.

Two facts: it reads `model.safetensors`, `tokenizer.json` and the pooling of the folder, so it needs neither torch nor a
converted file; and texts go through side by side without padding, so no masks are needed. Equal to
sentence-transformers to a cosine of 0.99999 (tests/engines/test_bert.py). Not here: other architectures, training, GPUs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.errors import ModelRefError

Array = np.ndarray[Any, np.dtype[np.float32]]
POOLINGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
TOKENS_AT_ONCE = 1024
"""More do not make it faster; the widest layer then takes 6 MB."""
FEW_TOKENS = 100
"""Below, OpenBLAS is twice as fast with the tokens as columns: 11 ms in place of 21 for the products of a question of 12 tokens."""
GELU_ROWS = 32
"""Rows of the widest layer that go through the ten passes of a GELU together: 200 kB stay in the cache."""


def fits(folder: Path) -> bool:
    """Whether this encoder computes what the folder describes: a plain BERT, mean or CLS pooling, weights as safetensors."""
    config, pooling = _json(folder / "config.json"), _json(folder / "1_Pooling" / "config.json")
    plain = (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
    )
    modes = [name for name, on in pooling.items() if name.startswith("pooling_mode") and on is True]
    files = all((folder / name).is_file() for name in ("model.safetensors", "tokenizer.json"))
    known = {"Transformer", "Pooling", "Normalize"}
    modules = _json(folder / "modules.json")
    usual = isinstance(modules, list) and {str(m.get("type", "")).rsplit(".", 1)[-1] for m in modules} <= known
    return plain and files and usual and len(modes) == 1 and modes[0] in POOLINGS


class BertEncoder:
    """Texts -> unit vectors, float32."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        config, pooling = _json(folder / "config.json"), _json(folder / "1_Pooling" / "config.json")
        self._heads, self._eps = int(config["num_attention_heads"]), float(config["layer_norm_eps"])
        self._mean = bool(pooling.get("pooling_mode_mean_tokens"))
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        longest = int(_json(folder / "sentence_bert_config.json").get("max_seq_length") or config["max_position_embeddings"])
        self._tokenizer.enable_truncation(longest)
        self._tokenizer.no_padding()
        try:
            weights = {name.removeprefix("bert."): array for name, array in load_file(folder / "model.safetensors").items()}
            self._read(weights, int(config["num_hidden_layers"]))
        except (KeyError, OSError, ValueError) as error:
            raise ModelRefError(
                f"{folder} does not hold the weights of a BERT encoder: {error!r:.120}", fix="use another embedder"
            ) from None
        self.dim = int(config["hidden_size"])

    def _read(self, weights: Mapping[str, Array], layers: int) -> None:
        """Query, key and value in one matrix."""
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self._norm = _pair(weights, "embeddings.LayerNorm")
        self._layers = []
        for i in range(layers):
            at = f"encoder.layer.{i}."
            three = [_linear(weights, f"{at}attention.self.{name}") for name in ("query", "key", "value")]
            joined = np.vstack([w for w, _ in three]), np.concatenate([b for _, b in three])
            self._layers.append(
                (
                    joined,
                    _linear(weights, f"{at}attention.output.dense"),
                    _pair(weights, f"{at}attention.output.LayerNorm"),
                    _linear(weights, f"{at}intermediate.dense"),
                    _linear(weights, f"{at}output.dense"),
                    _pair(weights, f"{at}output.LayerNorm"),
                )
            )

    def embed(self, texts: Sequence[str]) -> Array:
        """(len(texts), dim), each row of length 1. Longer texts are cut at the model's length."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        encoded = [np.array(e.ids) for e in self._tokenizer.encode_batch(list(texts))]
        for places in _packs([len(ids) for ids in encoded]):
            out[places] = self._forward([encoded[p] for p in places])
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
        return out

    def _forward(self, texts: Sequence[Any]) -> Array:
        """Token ids of some texts -> pooled (texts, dim). All tokens lie in one matrix, only attention looks at single texts."""
        lengths = [len(ids) for ids in texts]
        x: Array = self._words[np.concatenate(texts)] + self._places[np.concatenate([np.arange(n) for n in lengths])]
        x = _layer_norm(x, self._norm, self._eps)
        for joined, mix, norm, wide, narrow, last in self._layers:
            x = _layer_norm(x + _apply(self._attend(_apply(x, joined), lengths), mix), norm, self._eps)
            x = _layer_norm(x + _apply(_gelu(_apply(x, wide)), narrow), last, self._eps)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        pooled: Any = x[starts]
        if self._mean:
            pooled = np.add.reduceat(x, starts) / np.array(lengths, dtype=np.float32)[:, None]
        return np.asarray(pooled, dtype=np.float32)

    def _attend(self, joined: Array, lengths: Sequence[int]) -> Array:
        """joined (tokens, 3 * dim) -> (tokens, dim); texts of the same length, which lie together, in one go."""
        mixed, at = np.empty((len(joined), self.dim), dtype=np.float32), 0
        for length, group in groupby(lengths):
            count = len(list(group))
            end = at + count * length
            mixed[at:end] = self._attend_alike(joined[at:end].reshape(count, length, 3, self._heads, -1)).reshape(-1, self.dim)
            at = end
        return mixed

    def _attend_alike(self, three: Array) -> Array:
        """(texts, length, 3, heads, size) -> (texts, length, heads, size)."""
        query, key, value = three.transpose(2, 0, 3, 1, 4)
        scores = np.matmul(query, key.transpose(0, 1, 3, 2)) * np.float32(1 / math.sqrt(three.shape[-1]))
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed: Array = np.matmul(scores, value).transpose(0, 2, 1, 3)
        return mixed


def _packs(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts, by length, at most TOKENS_AT_ONCE tokens together (or one text)."""
    pack: list[int] = []
    total = 0
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if pack and total + lengths[place] > TOKENS_AT_ONCE:
            yield pack
            pack, total = [], 0
        pack.append(place)
        total += lengths[place]
    if pack:
        yield pack


def _apply(x: Array, linear: tuple[Array, Array]) -> Array:
    """x (tokens, in) -> (tokens, out); the weights are (out, in), as they lie in the file."""
    y: Array = np.ascontiguousarray((linear[0] @ x.T).T) if len(x) < FEW_TOKENS else x @ linear[0].T
    y += linear[1]
    return y


def _layer_norm(x: Array, pair: tuple[Array, Array], eps: float) -> Array:
    x = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    x *= 1 / np.sqrt(variance + np.float32(eps))
    x *= pair[0]
    x += pair[1]
    return x


def _gelu(x: Array) -> Array:
    """x * Phi(x), in place; erf by Abramowitz and Stegun 7.1.26, error below 1.5e-7 (float32 has 6e-8)."""
    for start in range(0, len(x), GELU_ROWS):
        part = x[start : start + GELU_ROWS]
        z = np.abs(part) * np.float32(math.sqrt(0.5))
        t = 1 / (1 + np.float32(0.3275911) * z)
        tail = t * np.float32(1.061405429)
        for c in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            tail += np.float32(c)
            tail *= t
        z *= -z
        tail *= np.exp(z, out=z)  # 1 - erf(|x| / sqrt 2)
        tail *= np.abs(part) * np.float32(0.5)
        np.maximum(part, 0, out=part)
        part -= tail
    return x


def _linear(weights: Mapping[str, Array], name: str) -> tuple[Array, Array]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _pair(weights: Mapping[str, Array], name: str) -> tuple[Array, Array]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
