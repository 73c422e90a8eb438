"""Asks llama.cpp itself what a model and a context would take, without allocating it.

Two facts to know. `no_alloc` without `mmap` off aborts the process, so this runs in a child and switches it off. And the exact
bytes come from `llama_get_memory_breakdown`, a C++ function without a binding; where it cannot be found, llama.cpp's log
gives them to a hundredth of a MiB.

`run` answers either question, by `spec["ask"]`: `context` (weights, KV cache, compute buffers of a GGUF file or of a shape) or
`quantize` (bytes in each file type, by a dry run). NOT here: GPUs.
"""

from __future__ import annotations

import ctypes
import json
import re
from pathlib import Path
from typing import Any

from modelwright.engines import gguf_header, llama
from modelwright.engines.child import Job
from modelwright.errors import BadRequest, ModelRefError, ToolFailed

Json = dict[str, Any]
llama_cpp = llama.llama_cpp
TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "iq4_nl": 20, "bf16": 30}
_SIZE = re.compile(r"(KV|RS|compute|model|output) buffer size\s*=\s*([\d.]+) MiB")
_CACHE = re.compile(r"size =\s*([\d.]+) MiB \(\s*\d+ cells")
_QUANT = re.compile(r"quant size\s*=\s*([\d.]+) MiB")
_TENSOR = re.compile(
    r"\[\s*\d+/\s*\d+\]\s+(\S+)\s+- \[\s*([\d, ]+)\], type =\s*(\w+),\s+size =\s*[\d.]+ MiB(?: ->\s*[\d.]+ MiB \((\w+)\))?"
)


def run(spec: Json, job: Job) -> Json:
    path = Path(spec["path"]) if spec.get("path") else _shape_only(spec, job)
    gguf_header.read(path)
    job.progress(f"ask llama.cpp about {path.name}")
    if spec["ask"] == "quantize":
        return {"bytes": {name: dry_run(path, name) for name in spec["types"]}}
    with Model(path) as model:
        return {"contexts": [model.context(**settings) for settings in spec["contexts"]]}


def _shape_only(spec: Json, job: Job) -> Path:
    from modelwright.engines import shape_gguf
    from modelwright.sizing import known
    from modelwright.sizing.configs import from_config

    if spec.get("config_path"):
        shape = from_config(json.loads(Path(spec["config_path"]).read_text(encoding="utf-8")), spec["name"])
    else:
        shape = known.get(spec["name"])
    return shape_gguf.write(shape, job.folder / "shape.gguf")


class Model:
    """A GGUF file opened without its weights."""

    def __init__(self, path: Path) -> None:
        params = llama_cpp.llama_model_default_params()
        params.no_alloc, params.load_mode, params.use_extra_bufts = True, 0, False
        self._said: list[str] = []
        llama.log_lines.clear()
        with llama.listening(self._said.append):
            self.handle = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        if not self.handle:
            raise ModelRefError(f"llama.cpp cannot open {path}: {'; '.join(list(llama.log_lines)[-2:])[:300]}", fix="export it again")

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        llama_cpp.llama_model_free(self.handle)

    def context(
        self,
        *,
        n_ctx: int,
        type_k: str = "f16",
        type_v: str = "f16",
        sequences: int = 1,
        swa_full: bool = False,
        unified: bool = False,
        batch: int = 2048,
        ubatch: int = 512,
        flash_attention: bool = True,
    ) -> Json:
        """{model, cache, compute} in bytes. Raises BadRequest with llama.cpp's reason when it refuses the settings."""
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_seq_max, params.n_batch, params.n_ubatch = n_ctx, sequences, batch, ubatch
        params.type_k, params.type_v = TYPES[type_k], TYPES[type_v]
        params.swa_full, params.kv_unified = swa_full, unified
        params.flash_attn_type = 1 if flash_attention else 0
        params.n_threads = params.n_threads_batch = 1
        said: list[str] = []
        llama.log_lines.clear()
        with llama.listening(said.append):
            context = llama_cpp.llama_init_from_model(self.handle, params)
        if not context:
            raise BadRequest(f"llama.cpp refuses these settings: {'; '.join(list(llama.log_lines)[-2:])[:300]}", fix="use type f16")
        try:
            return breakdown(context) or from_log(said)
        finally:
            llama_cpp.llama_free(context)


class _Node(ctypes.Structure):
    """A node of libstdc++'s red-black tree, with the map's key and value behind it."""


_Node._fields_ = [
    ("color", ctypes.c_size_t),
    ("parent", ctypes.POINTER(_Node)),
    ("left", ctypes.POINTER(_Node)),
    ("right", ctypes.POINTER(_Node)),
    ("buffer_type", ctypes.c_void_p),
    ("model", ctypes.c_size_t),
    ("cache", ctypes.c_size_t),
    ("compute", ctypes.c_size_t),
]


class _Map(ctypes.Structure):
    """std::map as libstdc++ lays it out: a comparator, the header node, the number of entries."""

    _fields_ = (
        ("compare", ctypes.c_size_t),
        ("color", ctypes.c_size_t),
        ("root", ctypes.POINTER(_Node)),
        ("first", ctypes.c_void_p),
        ("last", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
    )


def breakdown(context: Any) -> Json | None:
    """Bytes of weights, cache and compute buffers by `llama_get_memory_breakdown`; None when this build does not export it."""
    library = llama_cpp.llama_cpp._lib
    function = getattr(library, "_Z26llama_get_memory_breakdownPK13llama_context", None)
    if function is None:
        return None
    function.restype, function.argtypes = _Map, [ctypes.c_void_p]  # returned in memory of the caller, as _Map is
    found = function(context)
    if not 0 < found.count < 64:
        return None
    totals = {"model": 0, "cache": 0, "compute": 0}
    nodes = [found.root]
    while nodes:
        pointer = nodes.pop()
        if pointer:
            node = pointer.contents
            for name in totals:
                totals[name] += getattr(node, name)
            nodes += [node.left, node.right]
    return {**totals, "exact": True}


def from_log(lines: list[str]) -> Json:
    """The same from what llama.cpp logged, to 0.01 MiB."""
    cache = sum(float(found[1]) for line in lines if (found := _CACHE.search(line)))
    compute = sum(float(found[2]) for line in lines if (found := _SIZE.search(line)) and found[1] == "compute")
    return {"model": 0, "cache": round(cache * 2**20), "compute": round(compute * 2**20), "exact": False}


def dry_run(path: Path, name: str) -> int:
    """Bytes of all tensors in file type `name`, as the quantizer would store them. Raises ToolFailed when it refuses."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype, params.dry_run, params.nthread = file_type_number(name), True, 1
    said: list[str] = []
    with llama.listening(said.append):
        code = llama_cpp.llama_model_quantize(str(path).encode(), b"/dev/null", ctypes.byref(params))
    sizes = [found for line in said if (found := _QUANT.search(line))]
    if code or not sizes:
        raise ToolFailed(f"llama.cpp's dry run to {name} failed: {'; '.join(said[-2:])[:200]}", fix="choose another type")
    return _sum_tensors(said) or round(float(sizes[-1][1]) * 2**20)


def file_type_number(name: str) -> int:
    constant = "LLAMA_FTYPE_ALL_F32" if name == "F32" else f"LLAMA_FTYPE_MOSTLY_{name}"
    return int(getattr(llama_cpp, constant))


def _sum_tensors(lines: list[str]) -> int:
    """From each tensor's dimensions and type: exact, where the total is printed to 0.01 MiB. 0 when a line was not understood."""
    from modelwright.sizing.blocks import row_bytes

    total = seen = 0
    for line in lines:
        if found := _TENSOR.search(line):
            dims = [int(size) for size in found[2].split(",")]
            rows = dims[1] * dims[2] * dims[3] if len(dims) > 3 else dims[1] * (dims[2] if len(dims) > 2 else 1) if len(dims) > 1 else 1
            total += rows * row_bytes((found[4] or found[3]).upper(), dims[0])
            seen += 1
    return total if seen == sum("], type =" in line for line in lines) else 0
