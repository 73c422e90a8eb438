"""Bytes to text: UTF-8 first, UTF-16 with its mark, else Windows-1252 with a note; binary is refused.

Line ends stay as they are, since spans are cited. A byte order mark is taken off. Control characters do not make a file
binary by themselves (a log may hold escapes); NUL bytes do, or more than one in ten of the first 8 kB.
"""

from __future__ import annotations

from pathlib import Path

from modelwright.data.documents.document import Losses, Refused
from modelwright.text import human_bytes

HEAD = 8192
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\b\x1b")
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"GGUF", "a model"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
)


def read_bytes(path: Path, limit: int) -> bytes:
    """The whole file. Raises Refused when it is longer than `limit` bytes, empty or not readable."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise Refused("too large", f"{human_bytes(size)}, more than {human_bytes(limit)}")
        raw = path.read_bytes()
    except OSError as error:
        raise Refused("unreadable", error.strerror or str(error)) from None
    if not raw.strip():
        raise Refused("empty", "nothing in it")
    return raw


def decode(raw: bytes, losses: Losses) -> str:
    """The text of `raw`. Raises Refused for what is no text."""
    losses.characters_in = len(raw)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _utf16(raw, losses)
    refuse_binary(raw)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        losses.note(f"not UTF-8 (byte 0x{raw[error.start]:02x} at {error.start}), read as Windows-1252")
        text = raw.decode("cp1252", "replace")
        losses.skipped += text.count("\ufffd")
    losses.characters_in = losses.characters_out = len(text)
    return text


def _utf16(raw: bytes, losses: Losses) -> str:
    try:
        text = raw.decode("utf-16")
    except UnicodeDecodeError as error:
        raise Refused("broken", f"starts like UTF-16 and is not: {error.reason}") from None
    losses.characters_in = losses.characters_out = len(text)
    return text


def refuse_binary(raw: bytes) -> None:
    head = raw[:HEAD]
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise Refused("binary", f"it is {name}, whatever its name says")
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in head)
    if b"\0" in head or controls * 10 > len(head):
        raise Refused("binary", f"{controls} control bytes in the first {len(head)}")
