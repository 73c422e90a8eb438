"""Window by window against a slow reference, dominance only where it is measured, and windows cut as llama.cpp cuts them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.engines import low_bit, quality, quality_measure, quality_sides
from modelwright.engines.quality_measure import Opener, compare_rows, groups
from modelwright.engines.quality_pareto import Candidate, dominated_by, dominates
from modelwright.errors import BadRequest, DataError, EngineMissing
from modelwright.modelrefs import Model
from tests.engines import tiny


def test_a_window_is_compared_as_the_slow_definition_says() -> None:
    random = np.random.default_rng(1)
    expected, got = (random.normal(0, 3, (70, 11)).astype(np.float32) for _ in range(2))
    chosen = random.integers(0, 11, 70).tolist()
    found = compare_rows(expected, got, chosen)
    kl, nll, same = [], 0.0, 0
    for row, other, token in zip(expected.tolist(), got.tolist(), chosen, strict=True):
        p, q = ([math.exp(x) / sum(math.exp(y) for y in values) for x in values] for values in (row, other))
        kl.append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
        nll -= math.log(q[token])
        same += row.index(max(row)) == other.index(max(other))
    assert found.kl == pytest.approx(kl, abs=1e-9)
    assert (found.nll, found.same) == (pytest.approx(nll), same)
    assert compare_rows(expected, expected, chosen).kl.max() == 0


def test_models_are_opened_together_as_far_as_memory_goes_and_at_least_one() -> None:
    openers = [Opener(name, size, lambda: pytest.fail("opened")) for name, size in (("a", 4), ("b", 4), ("c", 20), ("d", 1))]
    assert [[one.name for one in group] for group in groups(openers, 10)] == [["a", "b"], ["c"], ["d"]]
    assert [list(group) for group in groups([], 10)] == [[]]


NEAR, FAR = [0.01, 0.012, 0.011, 0.013, 0.01, 0.012], [0.05, 0.06, 0.04, 0.055, 0.05, 0.06]


def test_smaller_and_measurably_nearer_dominates_unless_it_is_slower() -> None:
    good, bad = Candidate("good", 90, NEAR, 100), Candidate("bad", 93, FAR, 100)
    assert dominated_by(bad, [good, bad], 7) == "good"
    assert dominated_by(good, [good, bad], 7) is None
    assert not dominates(Candidate("slow", 90, NEAR, 80), bad, 7)
    assert not dominates(Candidate("large", 94, NEAR, 100), bad, 7)


def test_what_the_text_cannot_tell_apart_stays() -> None:
    noisy = [value + shift for value, shift in zip(NEAR, (0.001, -0.002, 0.002, -0.001, 0.001, -0.001), strict=True)]
    assert not dominates(Candidate("a", 90, NEAR, 100), Candidate("b", 100, noisy, 100), 7)


def test_a_short_text_is_cut_into_shorter_windows_and_a_tiny_one_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Letters:
        context, adds_bos = 512, True

        def encode(self, text: str, *, plain: bool = False) -> list[int]:
            return [999, *map(ord, text)]

    monkeypatch.setattr(quality.runtimes, "open_runtime", lambda *a, **k: Letters())
    file = tmp_path / "text.txt"
    spec: dict[str, Any] = {"texts": [str(file)], "window": 512, "windows": 3, "cache_dir": "", "threads": 1}
    file.write_text("x" * 1500, encoding="utf-8")
    text = quality.windows_of(Model("m", "gguf", "m"), spec)
    assert (text.size, text.found, len(text.windows)) == (128, 11, 3)
    assert all((len(tokens), tokens[0], first) == (128, 999, 65) for tokens, first in text.windows)
    file.write_text("x" * 100, encoding="utf-8")
    with pytest.raises(DataError, match="only 101 tokens"):
        quality.windows_of(Model("m", "gguf", "m"), spec)


def test_gptq_and_awq_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_bit.importlib.util, "find_spec", lambda name: None)
    for kind in ("gptq", "awq"):
        with pytest.raises(EngineMissing, match=f"{kind} needs the package GPTQModel"):
            low_bit.require([kind])
    with pytest.raises(EngineMissing, match="nf4 needs the package bitsandbytes"):
        low_bit.require(["nf4"])


def test_awqs_group_divides_every_width_of_the_model(tmp_path: Path) -> None:
    def group(hidden: int, inner: int, heads: int = 0, head_dim: int | None = None) -> int:
        config = {"hidden_size": hidden, "intermediate_size": inner, "num_attention_heads": heads, "head_dim": head_dim}
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return low_bit.whole_group(tmp_path)

    assert group(4096, 14336, 32, 128) == 128
    assert group(576, 1536) == 64
    assert group(2048, 8192, 33, 32) == 32
    with pytest.raises(BadRequest, match="these have 72 and 256"):
        group(72, 256)


def test_a_quantized_folder_is_smaller_and_near_its_original(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from modelwright.engines import hf

    folder = tiny.make(tmp_path / "tiny", hidden=128)
    model = Model("tiny", "hf", str(folder))
    network, _ = hf.load(model, tmp_path)
    original = quality_sides.FolderSide("f32", network)
    small = quality_sides.Folders(model, tmp_path, tmp_path, [], original.weights).open("nf4")
    tokens = list(range(3, 40))
    expected, got = original.logits(tokens, 20), small.logits(tokens, 20)
    assert expected.shape == (17, original.vocabulary)
    found = compare_rows(expected, got, tokens[20:])
    assert 0 < found.kl.mean() < 3
    assert small.bits_per_weight < 20
    assert original.bits_per_weight == 32
    assert small.write(tokens[:4]) > 0


def test_another_vocabulary_is_refused() -> None:
    class Side:
        name, bytes, bits_per_weight, vocabulary = "other", 1, 1.0, 7

        def close(self) -> None:
            self.closed = True

    original, other = Side(), Side()
    original.vocabulary = 8
    with pytest.raises(BadRequest, match="7 tokens in its vocabulary"):
        quality_measure._refuse_other_vocabulary(original, other)  # type: ignore[arg-type]
