"""What comes in on the command line: requests, plan files, arguments. Not UTF-8, not JSON, too long: one clear line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from modelwright.errors import BadRequest

LONGEST_REQUEST = 20_000
"""characters; the planner reads sentences, not files"""


def read_request(words: str) -> str:
    """The request, from stdin for `-`. Raises BadRequest when it is not UTF-8 or as long as a file."""
    text = checked_text(words, "the request") if words != "-" else read_stdin("the request", 4 * LONGEST_REQUEST + 1)
    if len(text) > LONGEST_REQUEST:
        raise BadRequest(
            f"the request has more than {LONGEST_REQUEST} characters", fix="say it in a few sentences and name files by their path"
        )
    return text


def checked_text(text: str, what: str) -> str:
    """Text of the command line; bytes that are not UTF-8 arrive there as lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadRequest(f"{what} is not UTF-8 text", fix="write it as UTF-8") from None
    return text


def read_stdin(what: str, at_most: int = -1) -> str:
    raw = sys.stdin.buffer.read(at_most)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(raw) == at_most and error.end == len(raw):  # cut in the middle of a character
            return raw[: error.start].decode("utf-8")
        raise BadRequest(f"{what} on stdin is not UTF-8 text (byte {error.start})", fix="write it as UTF-8") from None


def read_plan_file(path: str) -> dict[str, Any]:
    """The plan in a file, also when it stands inside the JSON of a run."""
    name = "the plan on stdin" if path == "-" else path
    text = read_stdin("the plan") if path == "-" else read_text(path)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadRequest(f"{name} is not JSON: {error}", fix='write one with `modelwright plan "…" --json`') from None
    except RecursionError:
        raise BadRequest(f"{name} is nested too deep to be a plan", fix="see docs/plans.md") from None
    if isinstance(value, dict) and "plan" in value and "kind" not in value:
        value, name = value["plan"], f'{name}: "plan"'
    if not isinstance(value, dict):
        raise BadRequest(f"{name} does not hold a plan (a JSON object)", fix="see docs/plans.md")
    return value


def read_text(path: str) -> str:
    from modelwright.files import clear_os_errors

    with clear_os_errors(Path(path)):
        try:
            return Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BadRequest(f"{path} is not UTF-8 text (byte {error.start})") from None


def call_arguments(tool: str, arguments: tuple[str, ...], args_json: str | None) -> dict[str, Any]:
    """All arguments, from --args and from the key=value pairs, as the schema takes them."""
    from modelwright import tools
    from modelwright.prompts import value_of

    schema = tools.load(tool).args_schema
    try:
        args = json.loads(args_json) if args_json else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"--args is not JSON: {error}") from None
    if not isinstance(args, dict):
        raise BadRequest("--args is not a JSON object", fix="""--args '{"model": "builtin"}'""")
    for pair in arguments:
        key, equals, text = pair.partition("=")
        if not equals:
            raise BadRequest(f"{pair!r} is not KEY=VALUE", fix=f"see `modelwright tools {tool}`")
        args[key] = value_of(text, schema, key)
    return args
