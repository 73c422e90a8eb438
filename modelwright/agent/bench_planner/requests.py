"""Requests with the plan that is expected, and how one of them is planned and judged.

A line is {"id", "request", "kind", "tools", "args", "forbid"}, see scoring/plans.py; `kind` may be several with `|`. Each request is
planned in a workspace of its own in which the paths that it names are there (stand-ins, one line long), so that nothing fails
for want of a file. Nothing is run. A request whose tool is not installed is counted apart.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from modelwright.contract import Tool
from modelwright.errors import DataError, ModelwrightError
from modelwright.graphs.plancheck import check
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.paths import is_measure
from modelwright.graphs.planning.planner import Planner
from modelwright.models.base import ModelCall, PlanningModel
from modelwright.scoring.plans import PlanScore, score
from modelwright.types import Json, Plan, Strict

KINDS = ("plan", "question", "none")
_DATA = ".jsonl .json .csv .tsv .parquet .txt .md .pdf .docx .html .toml .yaml .log .rst .zip .gz"
DATA = tuple(_DATA.split())
MODEL_ARGUMENTS = ("model", "models", "draft_model", "rerank_model")
DATA_ARGUMENTS = ("dataset", "eval_dataset", "path", "texts", "rubric", "imatrix_dataset")
PATH = re.compile(r"(?<!\w)[\"'`“]([^\"'`”\n]*[./][^\"'`”\n]*)[\"'`”]|((?:\.{0,2}/)?[\w.-]+(?:/[\w.-]+)*/?)")
NO_PATH = re.compile(
    r"://|^\d+/\d+|^\w/\w$|^(?:before/after|avant/après|vorher/nachher|antes/dep\w+|antes/desp\w+|prima/dopo|and/or|train/test|cost/month|tok\w*/\w+|req\w*/\w+|w/|[^\W\d]+/(?:h|hr|hour|day|jour|tag|d[ií]a|giorno|dag|month|mois|monat|kwh)$|question/answer|(?i:ndcg/recall|recall/ndcg))"
)
MODEL_BEFORE = re.compile(r"\b(?:adapter|checkpoint|model)s?(?: (?:in|at|from|under))? [\"'`“]?$", re.IGNORECASE)
"""Before a folder that is a model's: "the adapter in out/mails/"."""
MODEL_FOLDERS = frozenset({"models", "runs", "checkpoints", "ckpts", "ckpt", "adapters", "out", "base"})
ABSOLUTE = re.compile(r"(?<![\w./~:-])(?:/(?=\w[\w.-]*/)|~/(?=\w))")


class Case(Strict):
    """One request and what is expected of its plan."""

    id: str
    request: str = Field(min_length=1)
    kind: str = Field(pattern=rf"^(?:{'|'.join(KINDS)})(?:\|(?:{'|'.join(KINDS)}))*$")
    tools: list[str] = Field(default_factory=list)
    args: dict[str, dict[str, Any]] = Field(default_factory=dict)
    forbid: list[str] = Field(default_factory=list)
    folders: list[str] = Field(default_factory=list, description="paths that are folders although their names do not say so")

    def lacking(self, tools: Mapping[str, Tool]) -> list[str]:
        """Expected tools that are not installed, nor any that would do instead."""
        wanted = [one for one in self.tools if not one.endswith("?")]
        return [one for one in wanted if not any(name.rstrip("?") in tools for name in one.split("|"))]


@dataclass(frozen=True)
class Outcome:
    """One request, planned."""

    case: Case
    score: PlanScore
    plan: Plan | None
    invented: Sequence[str]
    """Arguments that do not follow from their source."""
    seconds: float
    tokens: int
    """Of the planning model, prompt and answer together."""
    lacking: Sequence[str] = ()

    @property
    def unneeded(self) -> int:
        """Steps beyond those that are expected."""
        steps = len(self.plan.steps) if self.plan and self.plan.kind == "plan" else 0
        return max(0, steps - len(self.case.tools)) if "plan" in self.case.kind.split("|") else steps

    def as_json(self) -> Json:
        kind = self.plan.kind if self.plan else "error"
        steps = [{"tool": s.tool, "args": s.args, "sources": s.sources} for s in (self.plan.steps if self.plan else ())]
        told = {"id": self.case.id, "request": self.case.request, "expected": self.case.kind, "kind": kind, "steps": steps}
        judged = {"right": self.score.right, "right_tools": self.score.tools, "right_args": self.score.args, "problem": self.score.problem}
        took = {"seconds": round(self.seconds, 3), "tokens": self.tokens, "not_installed": list(self.lacking)}
        return {**told, **judged, "unneeded_steps": self.unneeded, "invented": list(self.invented), **took}


def shipped() -> Path:
    """The small set that comes with the package."""
    return Path(str(files(__package__))) / "requests.jsonl"


def read_cases(path: Path, limit: int | None = None) -> list[Case]:
    """Raises DataError that names file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text: {error}", fix="name a JSON lines file of requests") from None
    cases = [_case(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not cases:
        raise DataError(f"{path}: no requests in it", fix='put lines {"id", "request", "kind", "tools", "args", "forbid"} there')
    return cases[:limit]


def _case(line: str, place: str) -> Case:
    try:
        return Case.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{place}: {where}: {first['msg']}", fix=f"kind is {', '.join(KINDS)}, or several with |") from None
    except ValueError as error:
        raise DataError(f"{place}: not JSON: {error}", fix="write one JSON object on the line") from None


def run(case: Case, tools: Mapping[str, Tool], model: PlanningModel | None) -> Outcome:
    """Plan one request in a workspace of its own. What the planner refuses counts as wrong."""
    calls: list[ModelCall] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        moved = at_home(case, root)
        stand_ins(moved, root)
        began = time.perf_counter()
        found = _planned(moved, Planner(model, tools, root, calls.append), tools)
        seconds = time.perf_counter() - began
        plan = found if isinstance(found, Plan) else None
        judged = found if isinstance(found, PlanScore) else score(moved.model_dump(), found.model_dump(mode="json"))
        invented = unsupported(plan, root) if plan else []
    tokens = sum(call.prompt_tokens + call.output_tokens for call in calls)
    return Outcome(case, judged, plan, invented, seconds, tokens, case.lacking(tools))


def _planned(case: Case, planner: Planner, tools: Mapping[str, Tool]) -> Plan | PlanScore:
    try:
        return check(planner.plan(case.request), tools)
    except ModelwrightError as error:
        return PlanScore(False, False, False, f"{type(error).__name__}: {error.message:.90}")


# a workspace that has what the request names --------------------------------------------------------------------------


def stand_ins(case: Case, root: Path) -> None:
    """Every path that the request names, as a file, a model folder or a folder of documents."""
    written, models = _named_in_args(case, root)
    for item in models:
        if item in case.request:
            put(root, item, model=True)
    for match in PATH.finditer(case.request):
        name = (match.group(1) or match.group(2)).rstrip(".,:;!?")
        path_like = name.lower().endswith((*DATA, ".gguf")) or name.startswith("./") or name.endswith("/") or "/" in name
        if path_like and not name.startswith((".gguf", ".jsonl")) and name.rstrip("/") not in written and not _is_no_path(name):
            put(root, name, model=_is_a_models(name, case.request[: match.start()]))
    for name in case.folders:
        put(root, name, model=True)


def _is_no_path(name: str) -> bool:
    return bool(NO_PATH.search(name)) or is_measure(name)


def _is_a_models(name: str, before: str) -> bool:
    """Whether a folder is a model's: by its place, or by the word before it."""
    return name.startswith("./") or name.split("/", maxsplit=1)[0] in MODEL_FOLDERS or bool(MODEL_BEFORE.search(before))


def _named_in_args(case: Case, root: Path) -> tuple[set[str], set[str]]:
    """(paths to write, models) of the expected arguments; data sets and documents are put there at once."""
    written, models = set(), set()
    for args in case.args.values():
        for name, value in args.items():
            for item in value if isinstance(value, list) else [value]:
                if name == "output":
                    written.add(str(item).rstrip("/"))
                elif name in MODEL_ARGUMENTS:
                    models.add(str(item))
                elif isinstance(item, str) and name in DATA_ARGUMENTS:
                    put(root, item, model=False, is_path=True)
    return written, models


def at_home(case: Case, root: Path) -> Case:
    """The case with absolute paths moved into the workspace."""
    if not ABSOLUTE.search(case.request):
        return case
    args = json.loads(ABSOLUTE.sub(f"{root}/", json.dumps(case.args)))
    return case.model_copy(update={"request": ABSOLUTE.sub(f"{root}/", case.request), "args": args})


def put(root: Path, name: str, *, model: bool, is_path: bool = False) -> None:
    """Nothing for what is no path of this workspace (builtin, org/name unless it is known to be one, /etc, globs)."""
    outside = name.startswith("/") and not name.startswith(str(root))
    if outside or re.match(r"openai:|https?:|~|\.\.|builtin$", name) or re.search(r"[*\n\0]", name) or (root / name).exists():
        return
    try:
        if name.lower().endswith((*DATA, ".gguf")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("{}\n")
        elif (
            is_path or name.split("/", maxsplit=1)[0] in MODEL_FOLDERS or not re.fullmatch(r"[A-Za-z][\w.-]*/[\w.-]*[A-Z0-9][\w.-]*", name)
        ):
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / ("config.json" if model else "page.md")).write_text("{}\n")
    except OSError:
        return
