"""What goes out: data on stdout, cleaned; an error as one line with its fix, and the last net under everything else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from modelwright.errors import ModelwrightError, ToolFailed


def say(text: str) -> None:
    """Data on stdout, redacted and free of terminal escapes."""
    from modelwright.text import clean

    click.echo(clean(text))


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Heads and cells, as wide as the terminal."""
    from modelwright.plantable import screen_width, table

    say(table(rows, screen_width()))


def say_json(value: Any, indent: int | None = None) -> None:
    from modelwright.text import clean

    click.echo(json.dumps(clean(value), indent=indent, ensure_ascii=False, default=str))


def fail(error: ModelwrightError, as_json: bool) -> None:
    if as_json:
        say_json({"error": error.as_json()})
    sys.exit(show_error(error))


def show_error(error: ModelwrightError) -> int:
    """What is wrong and how to mend it, on stderr; the exit code that belongs to it."""
    from modelwright.text import clean, one_line

    click.echo(f"error: {one_line(str(clean(error.message)), 1000)}", err=True)
    if error.fix:
        click.echo(f"  fix: {one_line(str(clean(error.fix)), 1000)}", err=True)
    return error.exit_code


def clear_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn our errors into one line and an exit code; with --json into an object."""

    @wraps(function)
    def wrapped(*args: Any, **values: Any) -> Any:
        try:
            return function(*args, **values)
        except ModelwrightError as error:
            fail(error, bool(values.get("as_json")))

    return wrapped


def explained(error: Exception) -> ModelwrightError:
    """What nobody expected, as one of our errors: a refusal of the disk, a damaged database, or a defect of ours."""
    import sqlite3

    from modelwright.files import clear_os_errors
    from modelwright.workspace import Workspace

    if isinstance(error, ModelwrightError):
        return error
    if isinstance(error, sqlite3.Error):
        fix = "free some space, then resume" if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL" else "see `modelwright doctor`"
        return ToolFailed(f"the records in {Workspace(Path('.')).home} cannot be used: {error}", fix=fix)
    if isinstance(error, OSError) and error.errno is not None:
        try:
            with clear_os_errors(Path(error.filename or ".").absolute()):
                raise error
        except ModelwrightError as found:
            return found
    story = write_story(error)
    where = f"; the whole story is in {story}" if story else ""
    return ToolFailed(f"{type(error).__name__}: {error}", fix=f"this is a defect of modelwright{where}")


def write_story(error: Exception) -> Path | None:
    """The traceback, added to .modelwright/errors.log, or in a file of its own where there is no such folder."""
    import tempfile
    import traceback

    from modelwright.text import clean

    home = Path(".modelwright").absolute()
    try:
        path = home / "errors.log" if os.access(home, os.W_OK) else Path(tempfile.mkstemp(prefix="modelwright-", suffix=".log")[1])
        with path.open("a", encoding="utf-8") as stream:
            stream.write(str(clean("".join(traceback.format_exception(error)))) + "\n")
    except OSError:
        return None
    return path
