"""What a call reads has to be there: a model, a data set or a file that is not is refused before anything runs, with near names.

    refuse_missing(plan, tools, workspace)         # a plan that a person gives or has edited: step, field, what is near
    refuse_missing_of(tool, args, workspace)       # one call, without a plan

Two facts to know. Names are looked at, no contents, so that a form can ask at every key. And what the planner proposes does not
pass here: it asks in place of a file that is missing, and says of a model that it has to be fetched first.

NOT looked at: references and what an earlier step writes, globs, whether an endpoint answers, rights to read.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path

from modelwright import modelrefs
from modelwright.contract import Tool
from modelwright.errors import BadRequest, ModelRefError, PlanError
from modelwright.graphs.planning.paths import DATA_ENDINGS, MOST_ENTRIES, folders_in, is_model_folder, names_in
from modelwright.policies.paths import roles_of, values_at
from modelwright.types import Json, Plan

MOST_NEAR = 3
_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Missing:
    """An argument that names what is not there."""

    field: str
    message: str
    fix: str


def refuse_missing(plan: Plan, tools: Mapping[str, Tool], workspace: Path, only: Collection[str] | None = None) -> None:
    """Raise PlanError for the first input that is not there; of the steps `only` when given. The plan has to be checked already."""
    made: list[Path] = []
    for step in plan.steps:
        tool = tools[step.tool]
        looked_at = only is None or step.id in only
        if looked_at and (lacking := next(_missing(tool, step.args, workspace, made), None)):
            raise PlanError(lacking.message, step=step.id, field=lacking.field, fix=lacking.fix)
        made += [_absolute(value, workspace) for _, role, value in _paths(tool, step.args) if role == "output"]


def refuse_missing_of(tool: Tool, args: Json, workspace: Path) -> None:
    """Raise BadRequest for the first input of this call that is not there."""
    if lacking := next(_missing(tool, args, workspace), None):
        raise BadRequest(f"{tool.name}.{lacking.field}: {lacking.message}", fix=lacking.fix)


def _missing(tool: Tool, args: Json, workspace: Path, made: Sequence[Path] = ()) -> Iterator[Missing]:
    for field, role, value in _paths(tool, args):
        if role != "output" and not _is_made(_absolute(value, workspace), made):
            lacks = _no_model(tool, value, workspace) if role == "model" else _no_file(value, role, workspace)
            if lacks:
                yield Missing(field, *lacks)


def _paths(tool: Tool, args: Json) -> Iterator[tuple[str, str, str]]:
    """(argument, role, value) of every path and model that is no reference."""
    for parts, role in roles_of(tool.args):
        for value in values_at(args, parts):
            if isinstance(value, str) and not value.startswith("$"):
                yield parts[0], role, value


def _absolute(value: str, workspace: Path) -> Path:
    return (workspace / os.path.expanduser(value)).absolute()


def _is_made(path: Path, made: Sequence[Path]) -> bool:
    """Whether an earlier step writes it, or the folder that it lies in."""
    return any(path.is_relative_to(place) for place in made)


def _no_model(tool: Tool, ref: str, workspace: Path) -> tuple[str, str] | None:
    """(what is wrong, how to mend it)."""
    if ref == modelrefs.BUILTIN:  # that its package is missing is for the tool to say
        return None
    try:
        (tool.find_model or modelrefs.resolve)(ref, workspace)
    except ModelRefError as error:
        if _is_there(ref, workspace) or ref.startswith("openai:"):
            return error.message, error.fix
        models = _models(_names(ref, workspace), workspace)
        return error.message, _did_you_mean(ref, models) or ("" if tool.find_model else _listed(models)) or error.fix
    return None


def _no_file(value: str, role: str, workspace: Path) -> tuple[str, str] | None:
    if _is_there(_without_glob(value), workspace):
        return None
    names = [name for name in _names(value, workspace) if role != "dataset" or _may_hold_rows(name)]
    return f"no file {value}", _did_you_mean(value, names) or _listed(names) or f"paths start from {workspace}"


def _without_glob(value: str) -> str:
    """The folder of `docs/**/*.md`; whether anything matches is not looked at, so a file that is called like a glob is not either."""
    parts = Path(value).parts
    return str(Path(*takewhile(lambda part: not _GLOB & set(part), parts)))


def _is_there(value: str, workspace: Path) -> bool:
    try:
        return _absolute(value, workspace).exists()
    except OSError:  # no rights: the tool says so
        return True


# near names ------------------------------------------------------------------------------------------------------------


def _names(value: str, workspace: Path) -> list[str]:
    """What could have been meant, as one would type it: names in the workspace, or beside the path where it leads out of there."""
    folder = _absolute(value, workspace).parent
    if folder.is_relative_to(workspace.absolute()) and ".." not in folder.parts:
        return [*names_in(workspace), *(name.rstrip("/") for name in folders_in(workspace))]
    try:
        seen = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
    except OSError:
        return []
    return [str(Path(value).parent / name) for name in seen[:MOST_ENTRIES]]


def _models(names: Sequence[str], workspace: Path) -> list[str]:
    return [name for name in names if name.endswith(".gguf") or is_model_folder(_absolute(name, workspace))]


def _may_hold_rows(name: str) -> bool:
    """A data file, or a folder that may have some."""
    return Path(name).suffix.lower() in DATA_ENDINGS or not Path(name).suffix


def _did_you_mean(value: str, names: Sequence[str]) -> str:
    """The same name in another folder or with another ending first, then those that are spelt alike."""
    by_name: dict[str, list[str]] = {}
    for name in names:
        by_name.setdefault(Path(name).stem.lower(), []).append(name)
    alike = get_close_matches(Path(value).stem.lower(), by_name, n=MOST_NEAR)
    near = [name for one in alike for name in by_name[one]][:MOST_NEAR]
    return f"did you mean {' or '.join(near)}?" if near else ""


def _listed(names: Sequence[str]) -> str:
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names[:MOST_NEAR])}" if names else ""
