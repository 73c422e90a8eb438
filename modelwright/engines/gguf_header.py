"""What a GGUF file says of itself, read in bounded steps by plain Python before native code sees the file.

llama.cpp's loader aborts the process, or worse, on some damaged files (CVE-2024-21802, CVE-2025-53630 …), so each file
passes here first: every length is checked against the file's size before it is used. Arrays are walked over and
only counted, but for short ones of numbers (a value for each layer). It does NOT look at the weights themselves.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.errors import ModelRefError
from modelwright.files import clear_os_errors
from modelwright.modelrefs import check_gguf_header
from modelwright.sizing.blocks import TYPES

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
MAX_STRING = 64 << 20
MAX_ALIGNMENT = 1 << 16
MAX_LIST = 4096


@dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple[int, ...]
    """As ggml counts: the row length first."""
    type: str
    bytes: int
    """0 when the type is unknown here."""

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    path: Path
    keys: dict[str, Any]
    """Scalars and strings; of an array its length."""
    tensors: tuple[Tensor, ...]
    lists: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Arrays of at most MAX_LIST numbers: what differs from layer to layer."""

    @property
    def architecture(self) -> str:
        return str(self.keys.get("general.architecture", ""))

    @property
    def types(self) -> dict[str, int]:
        """How many tensors have each type."""
        counts: dict[str, int] = {}
        for tensor in self.tensors:
            counts[tensor.type] = counts.get(tensor.type, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    @property
    def tensor_bytes(self) -> int:
        return sum(tensor.bytes for tensor in self.tensors)

    @property
    def elements(self) -> int:
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def bits_per_weight(self) -> float:
        return self.tensor_bytes * 8 / self.elements if self.elements else 0.0


def read(path: Path) -> Header:
    """The header of `path`. Raises ModelRefError when the file is damaged, cut short or not GGUF."""
    with clear_os_errors(path):
        check_gguf_header(path)
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
            try:
                return _Reader(path, view).header()
            except (_Damaged, struct.error, UnicodeDecodeError) as error:
                raise ModelRefError(f"{path} is damaged: {error}", fix="copy or export it again") from None


def read_model(path: Path) -> Header:
    """As `read`, of a file that has to hold weights. Raises ModelRefError also for a header with nothing behind it."""
    header = read(path)
    missing = "architecture" if not header.architecture else "" if header.tensors else "tensors"
    if missing:
        raise ModelRefError(f"{path} is damaged or holds no model: its header names no {missing}", fix="copy or export it again")
    return header


class _Damaged(Exception):
    pass


class _Reader:
    def __init__(self, path: Path, view: mmap.mmap) -> None:
        self.path, self.view, self.size, self.at = path, view, len(view), 4
        self.numbers: tuple[Any, ...] | None = None

    def header(self) -> Header:
        version, tensor_count, key_count = self.unpack("<IQQ")
        if version not in (2, 3):
            raise _Damaged(f"version {version}")
        keys: dict[str, Any] = {}
        lists: dict[str, tuple[Any, ...]] = {}
        for _ in range(key_count):
            name, self.numbers = self.string(), None
            keys[name] = self.value(self.unpack("<I")[0])
            if self.numbers is not None:
                lists[name] = self.numbers
        placed = [self.tensor() for _ in range(tensor_count)]
        self.check_places(placed, keys.get("general.alignment", 32))
        return Header(self.path, keys, tuple(tensor for tensor, _ in placed), lists)

    def unpack(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self.view, self.at)
        self.at += struct.calcsize(layout)
        return values

    def skip(self, count: int) -> int:
        start = self.at
        if count > self.size - start:
            raise _Damaged(f"it ends at byte {self.size}, inside its header")
        self.at += count
        return start

    def string(self) -> str:
        (length,) = self.unpack("<Q")
        if length > MAX_STRING:
            raise _Damaged(f"a string of {length} bytes")
        start = self.skip(length)
        return self.view[start : start + length].decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self.unpack("<" + _SCALARS[kind])[0]
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            raise _Damaged(f"a value of unknown type {kind}")
        inner, count = self.unpack("<IQ")
        self.skip_array(inner, count)
        return count

    def skip_array(self, inner: int, count: int) -> None:
        if inner in _SCALARS:
            start = self.skip(count * struct.calcsize("<" + _SCALARS[inner]))
            if count <= MAX_LIST:
                self.numbers = struct.unpack_from(f"<{count}{_SCALARS[inner]}", self.view, start)
        elif inner == _STRING and count <= self.size // 8:
            for _ in range(count):
                self.skip(self.unpack("<Q")[0])
        else:
            raise _Damaged(f"an array of {count} values of type {inner}")

    def tensor(self) -> tuple[Tensor, int]:
        name = self.string()
        (dimensions,) = self.unpack("<I")
        if not 0 < dimensions <= 4:
            raise _Damaged(f"tensor {name[:60]!r} has {dimensions} dimensions")
        shape = self.unpack(f"<{dimensions}Q")
        kind, offset = self.unpack("<IQ")
        label, block, block_bytes = TYPES.get(kind, (f"type {kind}", 1, 0))
        return Tensor(name, shape, label, math.prod(shape) // block * block_bytes), offset

    def check_places(self, placed: list[tuple[Tensor, int]], alignment: Any) -> None:
        if not isinstance(alignment, int) or not 0 < alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
            raise _Damaged(f"alignment {alignment!r:.20}")
        start = -(-self.at // alignment) * alignment
        for tensor, offset in placed:
            end = start + offset + tensor.bytes
            if end > self.size:
                raise _Damaged(f"it ends at byte {self.size}, before the end of tensor {tensor.name[:60]} ({end})")
