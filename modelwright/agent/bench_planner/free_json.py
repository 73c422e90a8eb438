"""The other way to call a function, to compare with: the model is shown the schemas and writes JSON freely, greedily, in one go.

Its best honest try: the wording says what to do when nothing fits and shows the form of an answer; the first JSON in the text
counts, be it in prose or a code fence, under any of the usual keys; nothing is repaired by a second question. Text without a
call counts as calling nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.agent.bench_planner.accepted import Call
from modelwright.config import Settings
from modelwright.engines.client import run_job
from modelwright.modelrefs import resolve
from modelwright.types import Json

MOST_TOKENS = 128
SYSTEM = """You call functions. Answer with one function call as JSON and nothing else, with the names and types of the schema. Leave out \
optional arguments that the question does not mention. If no function can answer the question, answer {"name": null}."""
SHOWN = (
    (
        '{"name": "get_time", "description": "Current time of a city.", "parameters": {"type": "dict", "properties": {"city": {"type": '
        '"string"}}, "required": ["city"]}}',
        "What time is it in Oslo?",
        '{"name": "get_time", "arguments": {"city": "Oslo"}}',
    ),
    (
        '{"name": "count_words", "description": "Count the words of a text.", "parameters": {"type": "dict", "properties": {"text": {'
        '"type": "string"}}, "required": ["text"]}}',
        "How far is the moon?",
        '{"name": null}',
    ),
)
"""Two examples. Shown the schemas alone, SmolLM2-135M writes prose and never a call."""


def messages(question: str, functions: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The chat of one case."""
    asked: list[dict[str, str]] = [{"role": "system", "content": SYSTEM}]
    for schema, example, answer in SHOWN:
        asked += [{"role": "user", "content": _asked(schema, example)}, {"role": "assistant", "content": answer}]
    return [*asked, {"role": "user", "content": _asked("\n".join(json.dumps(f) for f in functions), question)}]


def _asked(schemas: str, question: str) -> str:
    return f"Functions:\n{schemas}\nQuestion: {question}\nJSON:"


def answers(prompts: list[list[dict[str, str]]], model: str, settings: Settings, progress: Callable[[Json], None]) -> list[Json]:
    """{"text", "seconds", "prompt_tokens", "output_tokens"} of each prompt. Raises EngineMissing, BadRequest for a model that is none."""
    found = resolve(model, Path.cwd())
    spec = {
        "model": found.__dict__,
        "prompts": prompts,
        "max_new_tokens": MOST_TOKENS,
        "threads": settings.planner_threads,
        "cache_dir": str(settings.cache_dir),
    }
    with tempfile.TemporaryDirectory() as folder:
        details: list[Json] = run_job("generate", spec, Path(folder) / "job", progress=progress)["details"]
    return details


def read_call(text: str) -> Call | None:
    """The first call in a text."""
    for value in _json_values(text):
        found = value[0] if isinstance(value, list) and value else value
        call = _as_call(found) if isinstance(found, dict) else None
        if call:
            return call
    return None


def _as_call(found: Mapping[str, Any]) -> Call | None:
    inner = found.get("function", found.get("function_call"))
    found = inner if isinstance(inner, dict) else found
    name = found.get("name", inner if isinstance(inner, str) else None)
    args = found.get("arguments", found.get("parameters", found.get("args", {})))
    if isinstance(name, str) and name:
        return Call(name, args if isinstance(args, dict) else {})
    if "name" not in found and len(found) == 1:
        [(name, args)] = found.items()  # {"math.gcd": {"a": 1}}
        return Call(name, args) if isinstance(args, dict) else None
    return None


def _json_values(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        if text[at] in "{[":
            try:
                value, at = decoder.raw_decode(text, at)
            except ValueError:
                at += 1
            else:
                yield value
        else:
            at += 1
