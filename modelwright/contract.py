"""The contract of a tool, readable in a minute.

    @tool(effects=[Effect.READS_FILES], example={"dataset": "train.jsonl"}, estimate=..., checks=...)
    def inspect_dataset(args: Args, ctx: ToolContext) -> Result:
        '''One line that says what it does.'''

The function's name is the tool's, its argument and result schemas are its annotations, its first docstring line
is its summary. A tool without effects, docstring or example fails at import. What it is given of the rest of the
program is `ToolContext` and nothing else.
"""

from __future__ import annotations

import inspect
import json
import os
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from modelwright.config import Settings
from modelwright.errors import BadRequest
from modelwright.types import Check, Decision, Effect, Estimate, Json, ToolArgs, ToolResult


class Documents(Protocol):
    """Document indexes, as a tool sees them. Specifications and answers are plain JSON; memory/documents says which fields."""

    def index(self, spec: Json) -> Json:
        """Bring an index up to date with a folder, a file or a glob; runs in a child process."""

    def evaluate(self, spec: Json) -> Json:
        """Search quality on a judged collection; runs in a child process."""

    def names(self) -> list[str]:
        """The indexes of this workspace."""

    def describe(self, index: str) -> Json:
        """Settings, documents, chunks, refused files. Raises DataError when there is no such index."""

    def tune(self, index: str, **values: Any) -> None:
        """Keep what an evaluation chose."""

    def search(self, spec: Json) -> Json:
        """Passages for a query, best first."""

    def why_not(self, document: str, spec: Json) -> Json:
        """At which stage of a search a document was lost."""

    def similarities(self, text: str, others: Sequence[str]) -> list[float] | None:
        """Cosines, -1 to 1; None where no model that knows meaning is installed."""


class ToolContext(Protocol):
    """What a running tool may use."""

    @property
    def workspace(self) -> Path:
        """The folder that relative paths start from."""

    @property
    def output_dir(self) -> Path:
        """Where to write what the user gave no place for; the same again when the step is resumed."""

    @property
    def settings(self) -> Settings:
        """Threads, seed, cache folder."""

    @property
    def documents(self) -> Documents:
        """The document indexes of the workspace."""

    def progress(self, message: str, **numbers: Any) -> None:
        """Say how far it is: step, steps, loss, tokens_per_second, eta_seconds …"""

    def job(self, engine: str, spec: Json) -> Json:
        """Run `modelwright.engines.<engine>.run(spec, job)` in a child process and give its result.

        The child has this call's limits of time and memory. When the step is resumed, a job that finished is not
        run again and one that still runs is joined. Raises what the child raised, EngineCrashed if it was killed.
        """


Run = Callable[[Any, ToolContext], ToolResult]
Estimator = Callable[[Any, Path], Estimate]
Checker = Callable[[Any, Any], Sequence[Check]]
Reader = Callable[[Any, Path], Sequence[Path]]
ModelFinder = Callable[[str, Path], object]
Settler = Callable[[Any, Path], Json]

NO_SUCH_NAME = "no_such_name"
"""The type of a validator's PydanticCustomError whose message names the value and what there is instead."""
LONGEST_PATH, LONGEST_NAME = 4095, 255
"""bytes that a path and one name in it can have (Linux, macOS less)"""


def no_checks(args: Any, result: Any) -> Sequence[Check]:
    return ()


def no_reads(args: Any, workspace: Path) -> Sequence[Path]:
    return ()


def nothing_to_settle(args: Any, workspace: Path) -> Json:
    return {}


@dataclass(frozen=True)
class Tool:
    """A capability that a plan may call."""

    name: str
    summary: str
    doc: str
    args: type[ToolArgs]
    result: type[ToolResult]
    effects: frozenset[Effect]
    run: Run
    estimate: Estimator
    """Of the validated arguments and the workspace; called before approval, so at most a few file reads."""
    checks: Checker
    """Postconditions, looked at by code after it ran."""
    example: Json
    version: str = "1"
    """Part of the ledger's key: raise it when the same arguments would now give another result."""
    volatile: bool = False
    """Its result may change though its inputs do not: never reused, and repeating it is polling."""
    keywords: Sequence[str] = field(default=())
    """Words a person would use for it; the planner's recall reads them."""
    reads: Reader = no_reads
    """Of the validated arguments and the workspace: files that it reads without being told their names, such as the base
    of an adapter. The ledger hashes them with those that the arguments name."""
    find_model: ModelFinder | None = None
    """Of a model argument and the workspace: raises ModelRefError where there is none. None is `modelrefs.resolve`; a tool that
    needs a model's name and no file of it has its own."""
    decisive: Sequence[str] = field(default=())
    """Arguments that decide what is made or what it costs, the weightiest first: where they are not given, a plan shows their
    defaults, so that nobody approves them unseen."""
    settle: Settler = nothing_to_settle
    """Of the validated arguments and the workspace: what decisive arguments come to whose default depends on the call (None in the
    schema, or a list that stands for another); None for one that has no part in this call."""

    @cached_property
    def args_schema(self) -> Json:
        """JSON schema of the arguments. Made once: a millisecond each time, and a step looks four times."""
        return self.args.model_json_schema()

    @cached_property
    def result_schema(self) -> Json:
        return self.result.model_json_schema()

    def validate(self, args: Json) -> ToolArgs:
        """The arguments as the tool's own type. Raises BadRequest naming tool, field and reason."""
        try:
            validated = self.args.model_validate(args)
        except ValidationError as error:
            raise BadRequest(explain(self, error), fix=f"see `modelwright tools {self.name}`") from None
        for name in _path_fields(self.args):
            for text in _strings(getattr(validated, name)):
                _refuse_impossible(text, f"{self.name}.{name}")
        return validated


@lru_cache(maxsize=256)
def _path_fields(args: type[ToolArgs]) -> tuple[str, ...]:
    """The arguments that hold paths or models, lists of them too."""
    return tuple(name for name, part in args.model_json_schema().get("properties", {}).items() if "x-role" in json.dumps(part))


def _strings(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [text for item in value for text in _strings(item)] if isinstance(value, list) else []


def _refuse_impossible(text: str, place: str) -> None:
    """Refuse what no file can be called, before anything asks the disk."""
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) > LONGEST_PATH or any(len(part) > LONGEST_NAME for part in encoded.split(b"/")):
        raise BadRequest(f"{place}: {text[:40]!r}… of {len(text)} characters is too long for a path")
    if "\0" in text:
        raise BadRequest(f"{place}: {text!r:.80} has a NUL in it, so it is no path")
    if text.startswith("~") and os.path.expanduser(text).startswith("~"):
        raise BadRequest(f"{place}: there is no home folder for {text!r:.80}", fix="write the whole path")


def explain(tool: Tool, error: ValidationError) -> str:
    """The first problems of a validation, each as `tool.field: reason`, with the nearest field name for a typo."""
    from difflib import get_close_matches

    problems = []
    for item in error.errors()[:3]:
        place = ".".join([tool.name, *map(str, item["loc"])])
        reason = item["msg"]
        if item["type"] == "extra_forbidden":
            near = get_close_matches(str(item["loc"][-1]), list(tool.args.model_fields), n=1)
            reason = "no such argument, " + (f"did you mean {near[0]}?" if near else f"it takes {', '.join(tool.args.model_fields)}")
        elif item["type"] == "missing":
            reason = "is missing"
        elif not item["loc"]:  # of several arguments together: what is wrong says it, all of them would not
            reason = reason.removeprefix("Value error, ")
        elif item["type"] != NO_SUCH_NAME:
            reason = f"{reason}, got {item['input']!r:.80}"
        problems.append(f"{place}: {reason}")
    return "; ".join(problems)


def tool(
    *,
    effects: Sequence[Effect],
    example: Json,
    estimate: Estimator,
    checks: Checker = no_checks,
    version: str = "1",
    volatile: bool = False,
    keywords: Sequence[str] = (),
    reads: Reader = no_reads,
    find_model: ModelFinder | None = None,
    decisive: Sequence[str] = (),
    settle: Settler = nothing_to_settle,
) -> Callable[[Run], Tool]:
    """Make a function a tool. Fails at import when the contract is not met."""

    def make(function: Run) -> Tool:
        name = function.__name__
        hints = typing.get_type_hints(function)
        args, result = hints.get("args"), hints.get("return")
        if not effects:
            raise TypeError(f"tool {name}: declare its effects")
        if not (isinstance(args, type) and issubclass(args, ToolArgs)):
            raise TypeError(f"tool {name}: annotate `args` with a subclass of ToolArgs")
        if not (isinstance(result, type) and issubclass(result, ToolResult)):
            raise TypeError(f"tool {name}: annotate the result with a subclass of ToolResult")
        if strange := [field for field in decisive if field not in args.model_fields]:
            raise TypeError(f"tool {name}: decisive names {strange[0]}, which is no argument")
        doc = inspect.cleandoc(function.__doc__ or "")
        if not doc:
            raise TypeError(f"tool {name}: say in a docstring what it does")
        made = Tool(
            name=name,
            summary=doc.splitlines()[0],
            doc=doc,
            args=args,
            result=result,
            effects=frozenset(effects),
            run=function,
            estimate=estimate,
            checks=checks,
            example=example,
            version=version,
            volatile=volatile,
            keywords=tuple(keywords),
            reads=reads,
            find_model=find_model,
            decisive=tuple(decisive),
            settle=settle,
        )
        made.validate(example)
        return made

    return make


@dataclass(frozen=True)
class Verdict:
    """What policy says of one call."""

    decision: Decision
    rule: str
    reason: str
