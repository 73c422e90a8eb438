"""llama.cpp behind its wrapper: the same logits however they are batched, and damaged files as one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.engines import gguf_write, llama
from modelwright.errors import ModelRefError
from modelwright.modelrefs import builtin_gguf
from tests.engines import tiny


@pytest.fixture(scope="module")
def llm() -> Iterator[Any]:
    with contextlib.closing(llama.load(str(builtin_gguf()), n_ctx=768, threads=1)) as opened:
        yield opened


def test_logits_of_every_position_do_not_depend_on_what_ran_before(llm: Any) -> None:
    ids = llama.tokenize(llm, "The capital of France is", add_bos=True, special=True)
    first = llama.all_logits(llm, ids)
    llama.all_logits(llm, ids[::-1])
    assert first.shape == (len(ids), llm.n_vocab())
    assert np.array_equal(first, llama.all_logits(llm, ids))


def test_a_text_longer_than_a_batch_gives_the_same_logits(tmp_path: Path) -> None:
    gguf_write.write(
        tiny.make(tmp_path / "model", max_position_embeddings=1024),
        tiny.tokenizer_for("llama"),
        tmp_path / "tiny.gguf",
        dtype="f32",
        name="tiny",
        progress=lambda *a, **k: None,
    )
    ids = [100 + i % 700 for i in range(600)]
    with contextlib.closing(llama.load(str(tmp_path / "tiny.gguf"), n_ctx=768, threads=1)) as one:
        assert one.n_batch < len(ids)
        expected = [llama.all_logits(one, ids[:n])[-1] for n in (1, one.n_batch, one.n_batch + 1, 600)]
        whole = llama.all_logits(one, ids)
    for n, row in zip((1, 512, 513, 600), expected, strict=True):
        assert whole[n - 1] == pytest.approx(row, abs=0.05)


def test_logits_say_what_generation_says(llm: Any) -> None:
    ids = llama.tokenize(llm, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", add_bos=False, special=True)
    best = int(llama.all_logits(llm, ids)[-1].argmax())
    answer = llm.create_completion(ids, max_tokens=1, temperature=0)["choices"][0]["text"]
    assert llm.detokenize([best]).decode() == answer


def test_too_many_tokens_are_refused(llm: Any) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        llama.all_logits(llm, [5] * 800)


def test_special_tokens_are_read_only_when_asked(llm: Any) -> None:
    assert llama.tokenize(llm, "<|im_end|>", add_bos=False, special=True) == [2]
    assert len(llama.tokenize(llm, "<|im_end|>", add_bos=False, special=False)) > 1
    assert llama.ends_generation(llm, 2)
    assert not llama.ends_generation(llm, 500)


def test_the_vocabulary_alone_opens_quickly() -> None:
    with contextlib.closing(llama.load(str(builtin_gguf()), n_ctx=64, threads=1, vocab_only=True)) as llm:
        assert llama.tokenize(llm, "Hello", add_bos=False, special=False) == [19556]


@pytest.mark.parametrize("length", [3, 500, 1_000_000, 50_000_000])
def test_a_cut_file_is_refused_before_native_code_sees_it(length: int, tmp_path: Path) -> None:
    with builtin_gguf().open("rb") as stream:
        (tmp_path / "cut.gguf").write_bytes(stream.read(length))
    with pytest.raises(ModelRefError, match=r"cut\.gguf"):
        llama.load(str(tmp_path / "cut.gguf"), n_ctx=64, threads=1)


def test_a_model_of_an_unknown_kind_is_refused_with_llama_cpps_reason(tmp_path: Path) -> None:
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "nonesuch")
    writer.add_tensor("a", np.ones((4, 4), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelRefError, match="nonesuch"):
        llama.load(str(tmp_path / "odd.gguf"), n_ctx=64, threads=1)


def test_nothing_is_printed_on_loading(capfd: pytest.CaptureFixture[str]) -> None:
    llama.load(str(builtin_gguf()), n_ctx=256, threads=1).close()
    assert "llama_model_loader" not in "".join(capfd.readouterr())
