"""Paths and models in a request: what is there first, then what looks like a path and is not there.

A file that exists is a candidate whatever its name; one that does not exist is kept as `missing`, so that the planner
asks instead of guessing. It looks at names and at the workspace's listing (at most 2000 entries, 4 folders deep).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from modelwright.graphs.planning.candidate import Candidate

DATA_ENDINGS = frozenset({".jsonl", ".json", ".csv", ".tsv", ".parquet", ".txt", ".md", ".ndjson", ".gz"})
MODEL_ENDINGS = frozenset({".gguf", ".safetensors", ".bin", ".pt"})
OTHER_ENDINGS = frozenset({".toml", ".yaml", ".yml", ".html", ".pdf", ".dat", ".imatrix", ".log", ".xlsx", ".zst"})
ENDINGS = DATA_ENDINGS | MODEL_ENDINGS | OTHER_ENDINGS
MOST_ENTRIES, DEEPEST = 2000, 4

_BUILTIN = re.compile(
    r"\b(?:built[- ]?in|bundled|packaged|shipped|included)(?:[- ](?:small |little |tiny )?(?:language )?(?:model|one|llm|smollm2?))?\b"
    r"|\bbuiltin\b|\bsmollm2?(?:[- ]135m)?(?:[- ]instruct)?\b(?![-/.\d])",
    re.IGNORECASE,
)
_ENDPOINT = re.compile(r"openai:https?://[^\s,;'\"]+", re.IGNORECASE)
_QUOTED = re.compile(r"(?P<q>[\"'`“‘«])(?P<body>[^\"'`“”‘’«»\n]{1,200})[\"'`”’»]")
_TOKEN = re.compile(r"[^\s,;\"'`“”‘’«»()\[\]{}<>|*?]+")
_SAVE = re.compile(
    r"\b(?:sav|stor|writ|put|output|dump|keep|plac|nam|call|record)\w*\b[^.;]{0,60}?\b(?:to|in|into|as|under|at|it|folder|file)\s*$",
    re.IGNORECASE,
)
_NOT_PATHS = frozenset(
    {
        "and/or",
        "he/she",
        "s/he",
        "yes/no",
        "n/a",
        "w/o",
        "w/",
        "i/o",
        "input/output",
        "before/after",
        "train/test",
        "either/or",
        "train/eval",
        "tokens/s",
        "km/h",
        "24/7",
        "tok/s",
        "question/answer",
        "prompt/completion",
        "q/a",
    }
)


def find_paths(text: str, workspace: Path) -> list[Candidate]:
    found: list[Candidate] = []
    for start, end, value in _spans(text, workspace):
        if any(start < f.end and f.start < end for f in found):
            continue
        kind = kind_of(value, workspace)
        if kind:
            found.append(_placed(kind, value, start, end, text))
    for pattern in (_ENDPOINT, _BUILTIN):
        for match in pattern.finditer(text):
            if not any(match.start() < f.end and f.start < match.end() for f in found):
                value = "builtin" if pattern is _BUILTIN else match.group().rstrip(".?!")
                found.append(
                    Candidate("model", value, match.start(), match.start() + len(match.group().rstrip(".?!")), match.group().rstrip(".?!"))
                )
    return sorted(found, key=lambda c: c.start)


def _spans(text: str, workspace: Path) -> Iterator[tuple[int, int, str]]:
    """Pieces of the request that may be paths: quoted, with spaces in an existing name, then single words."""
    for match in _QUOTED.finditer(text):
        body = match.group("body")
        if body.strip() == body and (exists(body, workspace) or ("/" in body and " " not in body) or Path(body).suffix.lower() in ENDINGS):
            yield match.start("body"), match.end("body"), body
    for name in names_in(workspace):
        if " " in name:
            for match in re.finditer(re.escape(name), text):
                yield match.start(), match.end(), name
    for match in _TOKEN.finditer(text):
        for offset, value in _trimmed(match.group(), workspace):
            yield match.start() + offset, match.start() + offset + len(value), value


def _trimmed(token: str, workspace: Path) -> Iterator[tuple[int, str]]:
    """The token, then without the punctuation that ends a sentence, then what follows `key=` or `key:`."""
    if exists(token, workspace) and token not in (".", ".."):
        yield 0, token
    bare = token.rstrip(".:!")
    key = re.match(r"[A-Za-z_]+[=:](?=[^/])", bare)
    if key and "://" not in bare and not exists(bare, workspace):
        yield key.end(), bare[key.end() :]
    elif bare and bare != ".":
        yield 0, bare


def kind_of(value: str, workspace: Path) -> str | None:
    """dataset, model, file, folder, missing, or None for an ordinary word."""
    if value in ("/", ".", "..", "~") or "://" in value:
        return None
    path = workspace / Path(value).expanduser()
    named = "/" in value or "." in value
    if path.is_dir():
        if is_model_folder(path):
            return "model"
        return "folder" if "/" in value else None
    if path.is_file():
        return _kind_of_file(path)
    if Path(value).suffix.lower() in ENDINGS and named and Path(value).stem:
        return "missing"
    return _kind_of_slashed(value, workspace) if "/" in value else None


def _kind_of_file(path: Path) -> str:
    ending = path.suffix.lower()
    if ending == ".gguf":
        return "model"
    return "dataset" if ending in DATA_ENDINGS else "file"


def _kind_of_slashed(value: str, workspace: Path) -> str | None:
    """org/name is a model, other things with a slash are paths that are not there."""
    if value.lower() in _NOT_PATHS or not re.search(r"[A-Za-z]", value) or re.fullmatch(r"[\d.]+/\w+", value):
        return None
    hub_name = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", value)
    folder = value.split("/", maxsplit=1)[0]
    if (
        hub_name
        and re.search(r"[A-Z0-9]", value)
        and not (workspace / folder).exists()
        and folder not in ("out", "data", "models", "runs", "output")
    ):
        return "model"
    return "missing"


def is_model_folder(path: Path) -> bool:
    return (path / "config.json").is_file() or (path / "adapter_config.json").is_file()


def exists(value: str, workspace: Path) -> bool:
    try:
        return bool(value.strip()) and (workspace / Path(value).expanduser()).exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _placed(kind: str, value: str, start: int, end: int, text: str) -> Candidate:
    before = text[max(0, start - 90) : start].rstrip("\"'`“‘« ")
    lead = re.search(r"\b(to|into|as|in|at|under)$", before, re.IGNORECASE)
    if kind in ("missing", "folder") and _SAVE.search(before):
        kind = "output"
    return Candidate(kind, value, start, end, text[start:end], lead=lead.group(1).lower() if lead else "")


def names_in(workspace: Path) -> tuple[str, ...]:
    """Relative names of the workspace's files and model folders, hidden ones left out."""
    names: list[str] = []
    for folder, folders, files in os.walk(workspace):
        depth = Path(folder).relative_to(workspace).parts
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__"))) if len(depth) < DEEPEST else []
        here = [*files, *(f for f in folders if is_model_folder(Path(folder) / f))]
        names += [str(Path(*depth, name)) for name in sorted(here) if not name.startswith(".")]
        if len(names) > MOST_ENTRIES:
            break
    return tuple(names[:MOST_ENTRIES])
