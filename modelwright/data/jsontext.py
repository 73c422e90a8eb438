"""JSON read with suspicion: duplicate keys, NaN and bottomless nesting are flaws of the row, not surprises later.

`parse` reads one value; `array_elements` walks a whole file's array ([...] or {"data": [...]} or {"train": [...]})
and gives each element with the line that it starts on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from modelwright.data.problems import BadRow, Flaw
from modelwright.text import one_line

ROW_KEYS = ("data", "train")
_SPACE = re.compile(r"[ \t\r\n]*")
_NO_CONSTANTS = "NaN and Infinity are not JSON"


class _Decoder(json.JSONDecoder):
    """The standard decoder that remembers which keys it saw twice in one object."""

    def __init__(self) -> None:
        self.duplicate_keys: list[str] = []
        super().__init__(object_pairs_hook=self._pairs, parse_constant=_refuse_constant)

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            keys = [key for key, _ in pairs]
            self.duplicate_keys += sorted({key for key in keys if keys.count(key) > 1})
        return made


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name}: {_NO_CONSTANTS}")


def parse(text: str) -> Any:
    """The one value that `text` holds. Raises BadRow."""
    value, end = _decode_at(text, _skip_space(text, 0))
    if _skip_space(text, end) < len(text):
        raise BadRow(f"not JSON: something follows the value at column {end + 1}", "write one JSON object a line")
    return value


def array_elements(text: str) -> Iterator[tuple[int, Any | Flaw]]:
    """Each element of the file's array with its line, or its Flaw. A syntax error is the last thing that comes."""
    line_of = _LineCounter(text)
    at = _skip_space(text, 0)
    try:
        if text[at : at + 1] == "{":
            at = _find_rows(text, at)
        at = _skip_space(text, at + 1)
        while text[at : at + 1] != "]":
            start = at
            try:
                value, at = _decode_at(text, at)
            except _DuplicateKeys as error:
                value, at = error.flaw, error.end
            yield line_of(start), value
            at = _separator(text, at, "]")
    except BadRow as error:
        yield line_of(max(at, getattr(error, "position", 0))), Flaw(error.flaw.what + "; the rest of the file is not read", error.flaw.fix)


def holds_rows(text: str) -> bool:
    """Whether `text`, maybe cut off, is an object with a list of rows."""
    try:
        return _find_rows(text, _skip_space(text, 0)) > 0
    except BadRow:
        return False


class _BadJson(BadRow):
    def __init__(self, error: json.JSONDecodeError) -> None:
        super().__init__(
            f"not JSON: {error.msg.removesuffix(' at')} at column {error.colno}",
            "write one JSON object a line, with quotes and commas in place",
        )
        self.position = error.pos


class _DuplicateKeys(BadRow):
    def __init__(self, keys: list[str], end: int) -> None:
        super().__init__(f"duplicate JSON key {one_line(keys[0], 60)!r}", "keep one of them: which one counts is anybody's guess")
        self.end = end


def _decode_at(text: str, at: int) -> tuple[Any, int]:
    decoder = _Decoder()
    try:
        value, end = decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _BadJson(error) from None
    except RecursionError:
        raise BadRow("not JSON that can be read: nested too deeply", "flatten it or remove the row") from None
    except ValueError as error:  # NaN, or an integer of more than 4300 digits
        raise BadRow(f"not JSON: {one_line(str(error), 100)}", "write a plain number or a string") from None
    if decoder.duplicate_keys:
        raise _DuplicateKeys(decoder.duplicate_keys, end)
    return value, end


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _find_rows(text: str, at: int) -> int:
    """The position of the `[` that holds the rows of an object like {"data": [...]}."""
    seen = []
    at = _skip_space(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _decode_at(text, at)
        at = _skip_space(text, at)
        if not isinstance(key, str) or text[at : at + 1] != ":":
            raise BadRow("not JSON: a key and a colon are missing", "mend the file at this line")
        at = _skip_space(text, at + 1)
        if key in ROW_KEYS and text[at : at + 1] == "[":
            return at
        seen.append(one_line(key, 40))
        _, at = _decode_at(text, at)
        at = _separator(text, at, "}")
    raise BadRow(
        f"a JSON object without a list of rows (it has {', '.join(seen[:6]) or 'nothing'})",
        'put the rows in {"data": [...]} or one object a line',
    )


def _separator(text: str, at: int, end: str) -> int:
    """Past the comma, or at the closing bracket."""
    at = _skip_space(text, at)
    if text[at : at + 1] == ",":
        return _skip_space(text, at + 1)
    if text[at : at + 1] == end:
        return at
    raise BadRow(f"not JSON: a comma or {end!r} is missing", "mend the file at this line")


class _LineCounter:
    """The line of a position; asked in rising order, so the text is counted through once."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._line = text, 0, 1

    def __call__(self, position: int) -> int:
        self._line += self._text.count("\n", self._at, position)
        self._at = position
        return self._line
