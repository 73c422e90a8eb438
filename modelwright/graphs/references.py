"""References between steps: `"$s1.model"` and `"$s3.models[0]"`, found, type-checked and resolved.

A reference stands as a whole string value, anywhere in the arguments. It is checked against JSON schemas before
anything runs: the field must exist in the earlier step's result, and its type and role must be what the argument takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from modelwright.errors import PlanError
from modelwright.types import Json

REFERENCE = re.compile(r"^\$(s[0-9]+)\.([a-z_][a-z0-9_]*)((?:\[[0-9]+\])?)\Z")


def find(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(path inside `value`, reference) for every string that starts with `$`."""
    if isinstance(value, str) and value.startswith("$"):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find(item, (*path, index))


def split(reference: str) -> tuple[str, str, int | None]:
    """`"$s3.models[0]"` -> ("s3", "models", 0). Raises PlanError when it is not a reference."""
    match = REFERENCE.match(reference)
    if not match:
        raise PlanError(f"{reference!r} is not a reference", fix='write it as "$s1.model" or "$s1.models[0]"')
    index = match.group(3)
    return match.group(1), match.group(2), int(index[1:-1]) if index else None


def resolve(value: Any, result_of: Callable[[str], Json]) -> Any:
    """`value` with every reference replaced by what the earlier step gave."""
    if isinstance(value, str) and value.startswith("$"):
        step, field, index = split(value)
        found = result_of(step)[field]
        if index is None:
            return found
        if index >= len(found):
            raise PlanError(f"{value} refers to item {index}, but there are {len(found)}")
        return found[index]
    if isinstance(value, dict):
        return {key: resolve(item, result_of) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, result_of) for item in value]
    return value


def schema_at(schema: Json, path: tuple[str | int, ...]) -> Json:
    """The part of a JSON schema that describes the value at `path`; empty if unknown."""
    here = follow(schema, schema)
    for part in path:
        here = here.get("items", {}) if isinstance(part, int) else here.get("properties", {}).get(part, {})
        here = follow(here, schema)
    return here


def follow(part: Json, root: Json) -> Json:
    """Follow $ref, and take the one alternative of an optional value that is not null."""
    if "$ref" in part:
        return follow(root["$defs"][part["$ref"].rsplit("/", 1)[-1]], root)
    alternatives = [a for a in part.get("anyOf", []) if a.get("type") != "null"]
    return follow(alternatives[0], root) if len(alternatives) == 1 else part


def check_type(wanted: Json, given: Json, step: str, field: str, reference: str) -> None:
    """Raise PlanError unless a result described by `given` can stand where `wanted` is asked for."""
    for key, what in (("type", "type"), ("x-role", "kind")):
        takes, gives = wanted.get(key), given.get(key)
        if takes and gives != takes and not (takes == "number" and gives == "integer"):
            raise PlanError(f"takes the {what} {takes}, but {reference} is {gives or 'none'}", step=step, field=field)
