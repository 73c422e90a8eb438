"""What a tool raised that is not ours, as one of ours: what was wrong, where, and how to mend it.

Two facts to know. A file that is not there, may not be read or is no text is the caller's to mend, so it ends with 2 and no
offer to go on; anything else is the tool's own failure. And Python does not say which file could not be decoded: the files
that the call names are looked at, in their order.

Not here: errors of child jobs, which their process writes down itself (engines/child.py).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path

from modelwright.contract import Tool
from modelwright.errors import BadRequest, DataError, ModelwrightError, ToolFailed
from modelwright.files import clear_os_errors
from modelwright.graphs import ledger
from modelwright.types import Json

CHUNK = 1 << 20


def typed(error: Exception, tool: Tool, args: Json, workspace: Path, job_dir: Path) -> ModelwrightError:
    """The narrowest of our errors for what `tool` raised."""
    if isinstance(error, UnicodeDecodeError):
        return _not_text(error, tool, args, workspace)
    if isinstance(error, json.JSONDecodeError):
        fix = "mend the file, or name another one"
        return DataError(f"{tool.name}: what it read is not JSON: {error.msg} in line {error.lineno}, column {error.colno}", fix=fix)
    if isinstance(error, OSError) and (known := _of_the_system(error, tool)):
        return known
    text = f"{tool.name} failed: {type(error).__name__}: {_first_line(error)}"
    logs = any(job_dir.glob("*/log.txt"))
    return ToolFailed(text, fix=f"see {job_dir}" if logs else f"look at its arguments: modelwright tools {tool.name}")


def _not_text(error: UnicodeDecodeError, tool: Tool, args: Json, workspace: Path) -> DataError:
    found = next(_undecodable(tool, args, workspace, error.encoding), None)
    where = f"{found} is" if found else "what it read is"
    byte = error.object[error.start]
    fix = "save it as UTF-8 text, or name another file"
    return DataError(f"{tool.name}: {where} not {error.encoding} text (byte {byte:#04x}: {error.reason})", fix=fix)


def _undecodable(tool: Tool, args: Json, workspace: Path, encoding: str) -> Iterator[Path]:
    """The files among the arguments that are no text in `encoding`."""
    for role, value in ledger.values_with_role(tool, args):
        path = (workspace / Path(value).expanduser()).absolute()
        if role != "output" and path.is_file() and not _decodes(path, encoding):
            yield path


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except (OSError, UnicodeDecodeError):
        return False
    return True


def _of_the_system(error: OSError, tool: Tool) -> ModelwrightError | None:
    """None for what says nothing about a file."""
    if isinstance(error, FileNotFoundError):
        what = f"{error.filename} does not exist" if error.filename else _first_line(error)
        return BadRequest(f"{tool.name}: {what}", fix="name a file that is there; paths start from the folder that it runs in")
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        what = f"{error.filename}: {error.strerror}" if error.filename else _first_line(error)
        return BadRequest(f"{tool.name}: {what}", fix="name a file where a file is due, a folder where a folder is")
    if error.filename is None:
        return None
    try:
        with clear_os_errors(Path(str(error.filename))):
            raise error
    except ModelwrightError as explained:
        return explained


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:300]
