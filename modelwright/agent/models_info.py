"""What can plan here: the models that the settings name, whether they can be reached, what they cost, how fast they were.

    models_table(Path("."))             the model, its fallbacks, and the built-in one
    choose_model(Path("."), "builtin")  writes `model = "builtin"` into the nearest modelwright.toml

Nothing is loaded. A server is asked for its list of models, for two seconds at most; with `check=False` not even that. The speed
is that of the last call that answered, from the calls and traces of this workspace.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from modelwright import config
from modelwright.config import ENDPOINT, FILE_NAME, FILE_PREFIXES, VLLM, Settings
from modelwright.errors import ConfigError, ModelwrightError
from modelwright.files import write_atomic
from modelwright.modelrefs import BUILTIN, endpoint, resolve
from modelwright.text import counted, one_line
from modelwright.types import Json
from modelwright.workspace import Workspace, open_sqlite


@dataclass(frozen=True)
class ModelRow:
    """One model, as `modelwright models` shows it."""

    ref: str
    role: str
    """plans, fallback 1 …, or available"""
    kind: str
    """llama.cpp, transformers, vllm, endpoint, file"""
    reachable: bool | None
    """None: not looked at."""
    found: str
    """What was found, or why it cannot be reached."""
    prompt_price: float | None = None
    """US dollars per million tokens; None: unknown."""
    answer_price: float | None = None
    tokens_per_second: float | None = None
    ttft_seconds: float | None = None
    fix: str = ""

    def as_json(self) -> Json:
        return asdict(self)


def models_table(root: Path, *, check: bool = True, settings: Settings | None = None) -> list[ModelRow]:
    """Raises ConfigError for settings or prices that cannot be read."""
    settings = settings or config.load(root)
    roles = {settings.model: "plans"}
    for number, ref in enumerate(settings.gateway.fallbacks, 1):
        roles.setdefault(ref, f"fallback {number}")
    roles.setdefault(BUILTIN, "available")
    return [_row(ref, role, settings, root, check) for ref, role in roles.items()]


def table_cells(rows: list[ModelRow]) -> list[list[str]]:
    """Heads and cells for console.table."""
    heads = ["", "model", "role", "found", "$/M tokens in, out", "tokens/s", "first token", "fix"]
    return [heads, *[_cells(row) for row in rows]]


def choose_model(root: Path, ref: str) -> Path:
    """Make `ref` the model of this folder's settings; comments and other settings stay. Raises ConfigError if it means nothing."""
    row = _row(ref, "plans", config.load(root, model=ref), root, False)
    if row.reachable is False:
        raise ConfigError(row.found, fix=row.fix)
    found = config.find_file(root)
    path = found if found and found != config.own_file() else root / FILE_NAME
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    line = f"model = {json.dumps(ref, ensure_ascii=False)}"
    first_table = re.search(r"(?m)^[ \t]*\[", before)  # settings of the top level stand before it
    cut = first_table.start() if first_table else len(before)
    changed, count = re.subn(r"(?m)^[ \t]*model[ \t]*=.*$", lambda _: line, before[:cut], count=1)
    write_atomic(path, (changed if count else f"{line}\n{before[:cut]}") + before[cut:])
    return path


def _row(ref: str, role: str, settings: Settings, root: Path, check: bool) -> ModelRow:
    try:
        name, kind, reachable, found = _looked_at(ref, settings, root, check)
    except ModelwrightError as error:
        return ModelRow(ref, role, _kind(ref), False, one_line(error.message, 120), fix=error.fix)
    price, speed = _prices(name, kind, settings, root), _last_speed(name, root)
    return ModelRow(ref, role, kind, reachable, found, *price, *speed)


def _kind(ref: str) -> str:
    if ref.startswith(FILE_PREFIXES):
        return "file"
    return "endpoint" if ref.startswith(ENDPOINT) else "vllm" if ref.startswith(VLLM) else "model"


def _looked_at(ref: str, settings: Settings, root: Path, check: bool) -> tuple[str, str, bool | None, str]:
    """(name in traces, kind, reachable, what was found). Raises ModelwrightError when it is not there."""
    kind = _kind(ref)
    if kind == "endpoint":
        return _endpoint(ref, settings, check)
    if kind == "file":
        path = root / ref.partition(":")[2]
        if not path.is_file():
            raise ConfigError(f"{path} does not exist", fix="name a file")
        return f"{ref.partition(':')[0]}:{path.name}", kind, True, "answers from a file"
    if kind == "vllm":
        model = resolve(ref.removeprefix(VLLM), root)
        return f"vllm:{model.name}", kind, *_vllm(settings)
    model = resolve(ref, root)
    module, kind, extra = ("llama_cpp", "llama.cpp", "llama") if model.kind == "gguf" else ("transformers", "transformers", "train")
    if importlib.util.find_spec(module) is None:
        raise ConfigError(f"{module} is not installed", fix=f"pip install 'modelwright[{extra}]'")
    return model.name, kind, True, one_line(model.path, 120)


def _endpoint(ref: str, settings: Settings, check: bool) -> tuple[str, str, bool | None, str]:
    at = endpoint(ref)
    if not check:
        return at.address, "endpoint", None, "not looked at"
    from modelwright.models.openai_compatible import OpenAIChat

    quick = settings.gateway.model_copy(update={"connect_seconds": 2.0, "first_token_seconds": 2.0})
    names = OpenAIChat.of(at, quick).models()
    listed = one_line(", ".join(names[:4]), 120)
    if at.model and names and at.model not in names:
        raise ConfigError(f"{at.host} has no model {at.model}", fix=f"it has {listed}")
    return at.address, "endpoint", True, f"{counted(len(names), 'model')}: {listed}"


def _vllm(settings: Settings) -> tuple[bool, str]:
    python = settings.vllm_python
    if python is None:
        if importlib.util.find_spec("vllm") is None:
            raise ConfigError("vLLM is not installed here", fix="run `make vllm` and set vllm_python in your own config.toml")
        return True, "vLLM in this environment"
    if shutil.which(python) is None:
        raise ConfigError(f"vllm_python: {python} is no program", fix="name the Python that has vLLM")
    return True, f"vLLM of {python}"


def _prices(name: str, kind: str, settings: Settings, root: Path) -> tuple[float | None, float | None]:
    if kind != "endpoint":
        return 0.0, 0.0
    from modelwright.models.prices import Prices

    price = Prices.read(root / settings.prices if settings.prices else None).of(name)
    return (price.prompt, price.answer) if price else (None, None)


def _last_speed(name: str, root: Path) -> tuple[float | None, float | None]:
    """(tokens/s, seconds to the first token) of the newest call that this model answered, (None, None) if there is none."""
    database = Workspace(root).database
    if not database.is_file():
        return None, None
    with contextlib.closing(open_sqlite(database)) as db:
        newest = max(_measured(db, name), default=None)
    return (newest[1], newest[2]) if newest else (None, None)


def _measured(db: sqlite3.Connection, name: str) -> Iterator[tuple[float, float, float]]:
    """(time, tokens/s, seconds to the first token) of the last metered call, and of the last one in a trace."""
    with contextlib.suppress(sqlite3.OperationalError):  # no such table: no model was ever asked over a network here
        row = db.execute(
            "select time, output_tokens, seconds, ttft_seconds from model_calls"
            " where model = ? and error = '' and output_tokens > 1 and seconds > ttft_seconds order by time desc limit 1",
            (name,),
        ).fetchone()
        if row:
            yield row["time"], (row["output_tokens"] - 1) / (row["seconds"] - row["ttft_seconds"]), row["ttft_seconds"]
    for row in db.execute("select time, data from events where type = 'model.call' order by time desc limit 200"):
        told = json.loads(row["data"])
        if told.get("gen_ai.response.model") == name and told.get("tokens_per_second"):
            yield row["time"], told["tokens_per_second"], told.get("gen_ai.server.time_to_first_token", 0.0)
            return


def _cells(row: ModelRow) -> list[str]:
    mark = "?" if row.reachable is None else "ok" if row.reachable else "--"
    price = "unknown" if row.prompt_price is None else f"{row.prompt_price:g}, {row.answer_price:g}"
    speed = f"{row.tokens_per_second:.1f}" if row.tokens_per_second else "-"
    first = f"{row.ttft_seconds:.2f} s" if row.ttft_seconds else "-"
    return [mark, row.ref, row.role, row.found, price if row.reachable is not False else "-", speed, first, row.fix]
