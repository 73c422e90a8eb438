"""Runs the engines export and quantize in this process, on a specification with sensible defaults."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from modelwright.engines import export, gguf_write, hf, quantize
from modelwright.engines.child import Job
from modelwright.files import partial_name, publish
from modelwright.modelrefs import Model, resolve
from tests.conftest import SHARED_CACHE


class QuietJob(Job):
    """A job without an event file; `said` holds its progress."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.spec = folder, {}
        self.said: list[dict[str, Any]] = []

    def progress(self, message: str, **numbers: Any) -> None:
        self.said.append({"message": message, **numbers})


def specification(output: Path, model: Path | str, changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": asdict(resolve(str(model), output.parent)),
        "output": str(output),
        "replace": False,
        "cache_dir": str(output.parent / "cache"),
        "threads": 1,
        "seed": 1,
        **changes,
    }


def export_to(output: Path, model: Path | str, *, job: QuietJob | None = None, **changes: Any) -> dict[str, Any]:
    spec = specification(output, model, {"format": "gguf", "dtype": "f16", **changes})
    return export.run(spec, job or QuietJob(output.parent / f"job-{output.name}"))


def quantize_to(output: Path, model: Path | str, types: list[str], *, job: QuietJob | None = None, **changes: Any) -> dict[str, Any]:
    spec = specification(output, model, {"types": types, "imatrix_dataset": None, **changes})
    return quantize.run(spec, job or QuietJob(output.parent / f"job-{output.name}"))


def builtin_f16() -> Path:
    """The built-in model as an F16 GGUF (270 MB), written once for all tests."""
    path = SHARED_CACHE / "builtin-f16.gguf"
    if not path.exists():
        folder = hf.builtin_folder(SHARED_CACHE)
        tokenizer = hf.load_tokenizer(Model("builtin", "hf", str(folder)), SHARED_CACHE)
        gguf_write.write(folder, tokenizer, partial_name(path), dtype="f16", name="builtin", progress=hf.quiet)
        publish(partial_name(path), path)
    return path
