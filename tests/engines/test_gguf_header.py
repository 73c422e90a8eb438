"""The header reader believes nothing: whatever is wrong in a file becomes one ModelRefError, before native code sees it."""

from __future__ import annotations

import contextlib
import struct
import tempfile
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.engines import gguf_header
from modelwright.errors import ModelRefError


def small_file(path: Path) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_token_list(["a", "bc"])
    writer.add_array("some.numbers", [1, 2, 3])
    writer.add_tensor("token_embd.weight", np.ones((4, 64), dtype=np.float16))
    writer.add_tensor("output_norm.weight", np.ones(64, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return small_file(tmp_path_factory.mktemp("header") / "small.gguf").read_bytes()


def test_it_reads_keys_types_and_bits(tmp_path: Path) -> None:
    header = gguf_header.read(small_file(tmp_path / "a.gguf"))
    assert header.architecture == "llama"
    assert header.keys["llama.context_length"] == 128
    assert header.keys["tokenizer.ggml.tokens"] == 2
    assert header.types == {"F16": 1, "F32": 1}
    assert header.elements == 4 * 64 + 64
    assert header.bits_per_weight == pytest.approx((4 * 64 * 16 + 64 * 32) / (5 * 64))


def test_the_type_table_is_that_of_the_gguf_package() -> None:
    theirs = {int(kind): (kind.name, *sizes) for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    assert {number: theirs[number] for number in gguf_header.TYPES if number in theirs} == {
        number: entry for number, entry in gguf_header.TYPES.items() if number in theirs
    }


def test_a_file_cut_anywhere_is_refused(content: bytes, tmp_path: Path) -> None:
    for length in range(len(content) - 4 * 64):  # the last tensor may end before the file's padding does
        path = tmp_path / "cut.gguf"
        path.write_bytes(content[:length])
        if length == 0:
            continue
        with pytest.raises(ModelRefError):
            gguf_header.read(path)


def test_an_empty_file_and_a_text_file_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"hello, I am not a model at all, really not"):
        path = tmp_path / "x.gguf"
        path.write_bytes(content)
        with pytest.raises(ModelRefError, match="is not a GGUF"):
            gguf_header.read(path)


@pytest.mark.parametrize("place", [8, 16])
def test_huge_counts_are_refused(content: bytes, place: int, tmp_path: Path) -> None:
    path = tmp_path / "huge.gguf"
    path.write_bytes(content[:place] + struct.pack("<Q", 1 << 60) + content[place + 8 :])
    with pytest.raises(ModelRefError, match="damaged"):
        gguf_header.read(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_changed_bytes_never_raise_anything_else(content: bytes, data: st.DataObject) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, 400))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile(suffix=".gguf") as stream:
        stream.write(changed)
        stream.flush()
        with contextlib.suppress(ModelRefError):
            gguf_header.read(Path(stream.name))


def test_a_header_with_nothing_behind_it_is_no_model(tmp_path: Path) -> None:
    bare, named = tmp_path / "bare.gguf", tmp_path / "named.gguf"
    bare.write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 0, 0))
    writer = gguf.GGUFWriter(named, "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert gguf_header.read(bare).tensors == ()
    with pytest.raises(ModelRefError, match="names no architecture"):
        gguf_header.read_model(bare)
    with pytest.raises(ModelRefError, match="names no tensors"):
        gguf_header.read_model(named)
    assert gguf_header.read_model(small_file(tmp_path / "a.gguf")).architecture == "llama"
