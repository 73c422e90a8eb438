"""What quantizing costs: perplexity, KL divergence and same top token of quantized models against their original, and their speed.

spec: {"gguf": {"original": path, "files": [{"name", "path"} …], "caches": [{"type", "bytes_per_token"} …]} or null,
       "folder": {"model", "kinds": [int8 | nf4 | gptq | awq …]} or null,
       "texts": [path …], "window", "windows", "threads", "cache_dir", "output_dir", "seed"}
result: {"rows": [one a model, originals first of their engine], "window", "windows_measured", "tokens", "notes",
         "windows_path", "plot_path" or null}

Windows follow llama.cpp: BOS in front if the model wants one, the second half scored. A text too short for eight windows
is cut into shorter ones. Numbers of llama.cpp and of transformers are never set against each other. Not here: answers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modelwright import files
from modelwright.data import reader
from modelwright.engines import low_bit, quality_pareto, quality_plot, quality_sides, runtimes
from modelwright.engines.child import Job
from modelwright.engines.quality_measure import Opener, Tally, Window, measure
from modelwright.errors import DataError
from modelwright.files import clear_os_errors
from modelwright.modelrefs import Model
from modelwright.scoring import metrics, stats

Json = dict[str, Any]
FEWEST_WINDOWS, SMALLEST_WINDOW = 8, 64
PLAIN = (".txt", ".md")
WEIGHT_COPIES = {"int8": 0.4, "nf4": 0.35, "gptq": 0.35, "awq": 0.35}
"""Of the float32 weights; embeddings stay as they are."""
CACHE_ROOM = 100 << 20


@dataclass(frozen=True)
class Text:
    windows: list[Window]
    size: int
    found: int
    """Windows that the text has; at most as many as asked for are measured."""


@dataclass(frozen=True)
class Measured:
    """One model and what it was measured against."""

    tally: Tally
    original: Tally
    kind: str
    engine: str
    cache_bytes_per_token: int | None


def run(spec: Json, job: Job) -> Json:
    low_bit.require(spec["folder"]["kinds"] if spec["folder"] else [])
    found: list[Measured] = []
    sizes: list[Text] = []
    for family in (_gguf, _folder):
        text = family(spec, job, found)
        sizes += [text] if text else []
    rows = _rows(found, spec["seed"])
    folder = Path(spec["output_dir"])
    files.write_atomic(folder / "windows.jsonl", "".join(json.dumps(line) + "\n" for line in _lines(found)))
    plot, notes = _plot(folder / "quality.png", rows)
    return {
        "rows": rows,
        "window": sizes[0].size,
        "windows_measured": len(sizes[0].windows),
        "tokens": sum(found[0].tally.tokens),
        "notes": [*_notes(spec, sizes, found), *notes],
        "windows_path": str(folder / "windows.jsonl"),
        "plot_path": plot,
    }


def _gguf(spec: Json, job: Job, found: list[Measured]) -> Text | None:
    """All GGUF files and cache types beside the original in llama.cpp."""
    from modelwright.engines import llama

    given = spec["gguf"]
    if not given:
        return None
    path = given["original"]
    text = windows_of(Model(path, "gguf", path), spec)
    settings: Json = {"context": max(text.size, 64), "threads": llama.thread_count(spec["threads"])}
    openers = [_file_opener(one["name"], one["path"], settings) for one in given["files"]]
    openers += [_file_opener(f"KV {one['type']}", path, {**settings, "cache_type": one["type"]}) for one in given["caches"]]
    job.progress(f"open {Path(path).name}")
    side = quality_sides.LlamaSide(Path(path).name, path, **settings)
    tallies = measure(side, openers, text.windows, job)
    side.close()
    per_token = [given["original_cache"], *(None for _ in given["files"]), *(one["bytes_per_token"] for one in given["caches"])]
    kinds = ["weights"] * (1 + len(given["files"])) + ["kv_cache"] * len(given["caches"])
    found += [Measured(tally, tallies[0], kind, "llama.cpp", size) for tally, kind, size in zip(tallies, kinds, per_token, strict=True)]
    return text


def _file_opener(name: str, path: str, settings: Json) -> Opener:
    return Opener(name, Path(path).stat().st_size + CACHE_ROOM, lambda: quality_sides.LlamaSide(name, path, **settings))


def _folder(spec: Json, job: Job, found: list[Measured]) -> Text | None:
    """The folder's own weights, then what bitsandbytes or GPTQModel makes of them, in transformers."""
    from modelwright.engines import hf, llama

    given = spec["folder"]
    if not given:
        return None
    import torch

    torch.set_num_threads(llama.thread_count(spec["threads"]))
    model, cache = Model(**given["model"]), Path(spec["cache_dir"])
    text = windows_of(model, spec)
    network, _ = hf.load(model, cache, job.progress)
    original = quality_sides.FolderSide(f"{model.name} {str(network.dtype).removeprefix('torch.')}", network)
    folders = quality_sides.Folders(model, cache, job.folder, [_raw(Path(path)) for path in spec["texts"]], original.weights)
    openers = [Opener(kind, int(original.weights * 4 * WEIGHT_COPIES[kind]), partial(folders.open, kind)) for kind in given["kinds"]]
    tallies = measure(original, openers, text.windows, job)
    found += [Measured(tally, tallies[0], "weights", "transformers", None) for tally in tallies]
    return text


def windows_of(model: Model, spec: Json) -> Text:
    """The windows to measure, spread evenly over the text. Raises DataError when there is too little of it."""
    runtime = runtimes.open_runtime(model, engine=None, cache_dir=spec["cache_dir"], threads=spec["threads"])
    tokens = _tokens(runtime, [Path(path) for path in spec["texts"]])
    size = min(spec["window"], runtime.context)
    while len(tokens) // size < FEWEST_WINDOWS and size > SMALLEST_WINDOW:
        size = max(SMALLEST_WINDOW, size // 2)
    found = len(tokens) // size
    if found < 2:
        raise DataError(f"the text has only {len(tokens)} tokens, at least {2 * SMALLEST_WINDOW} are needed", fix="give more text")
    count = min(found, spec["windows"])
    starts = [size * (index * found // count) for index in range(count)]
    bos = tokens[0]
    cut = [[bos, *tokens[at + 1 : at + size]] if runtime.adds_bos else tokens[at : at + size] for at in starts]
    return Text([(window, size // 2 + 1) for window in cut], size, found)


def _tokens(runtime: runtimes.Runtime, paths: Sequence[Path]) -> list[int]:
    """Plain text as it stands; rows of conversations as the model sees them, without a BOS between them."""
    tokens: list[int] = []
    for path in paths:
        if path.suffix in PLAIN:
            tokens += _without_bos(runtime, runtime.encode(_raw(path), plain=True), first=not tokens)
            continue
        for row in reader.read(path).rows:
            tokens += _row(runtime, row.example, first=not tokens)
    return tokens


def _row(runtime: runtimes.Runtime, example: Json, *, first: bool) -> list[int]:
    if "text" in example:
        return _without_bos(runtime, runtime.encode(example["text"] + "\n\n", plain=True), first=first)
    messages = example["messages"] if "messages" in example else [*example["prompt"], *example["chosen"]]
    return runtime.encode(runtime.render(messages, generation=False))


def _without_bos(runtime: runtimes.Runtime, tokens: list[int], *, first: bool) -> list[int]:
    return tokens if first or not runtime.adds_bos else tokens[1:]


def _raw(path: Path) -> str:
    try:
        with clear_os_errors(path):
            return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start})", fix="convert it to UTF-8") from None


def _rows(found: Sequence[Measured], seed: int) -> list[Json]:
    rows = [_row_of(one, seed) for one in found]
    for row, one in zip(rows, found, strict=True):
        if one.tally is not one.original:
            rivals = [_candidate(other) for other in found if (other.kind, other.engine) == (one.kind, one.engine) and other is not one]
            row["dominated_by"] = quality_pareto.dominated_by(_candidate(one), rivals, seed)
    return rows


def _candidate(one: Measured) -> quality_pareto.Candidate:
    size = one.cache_bytes_per_token if one.kind == "kv_cache" else one.tally.bytes
    return quality_pareto.Candidate(one.tally.name, size or 0, one.tally.kl_means, max(one.tally.write_speeds))


def _row_of(one: Measured, seed: int) -> Json:
    tally, every = one.tally, np.concatenate(one.tally.kl)
    ratio = metrics.perplexity_column([q - p for q, p in zip(tally.nll, one.original.nll, strict=True)], tally.tokens)
    return {
        "name": tally.name,
        "bytes": tally.bytes,
        "bits_per_weight": round(tally.bits_per_weight, 4),
        "kl_mean": _plain(stats.bootstrap_mean(tally.kl_means, seed=seed)),
        "kl_p999": float(np.quantile(every, 0.999)),
        "kl_max": float(every.max()),
        "same_top": _plain(_rate(tally, seed)),
        "perplexity": _plain(metrics.perplexity_interval(tally.nll, tally.tokens, seed=seed)),
        "ln_perplexity_ratio": _plain(stats.bootstrap_mean([-value for value in ratio], seed=seed)),
        "read_tokens_per_second": _read_speed(tally),
        "write_tokens_per_second": float(np.median(tally.write_speeds)),
        "write_slowest": min(tally.write_speeds),
        "write_fastest": max(tally.write_speeds),
        "kind": one.kind,
        "engine": one.engine,
        "is_original": tally is one.original,
        "cache_bytes_per_token": one.cache_bytes_per_token,
        "dominated_by": None,
    }


def _rate(tally: Tally, seed: int) -> stats.Interval:
    """Tokens of one window resemble each other, so windows are drawn; where all windows agree that says nothing, so Wilson's."""
    if len(set(tally.same_rates)) == 1:
        return stats.wilson(sum(tally.same), sum(tally.tokens))
    return stats.bootstrap_mean(tally.same_rates, seed=seed)


def _read_speed(tally: Tally) -> float:
    """Tokens of a window over the median time of one, the logits of all positions included."""
    tokens = 2 * (tally.tokens[0] + 1)
    return tokens / float(np.median(tally.read_seconds))


def _plain(value: stats.Interval) -> Json:
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in asdict(value).items()}


def _lines(found: Sequence[Measured]) -> list[Json]:
    """One a window and model, so that each number can be worked out again."""
    return [
        {"engine": one.engine, "model": one.tally.name, "window": at, "tokens": n, "nll": nll, "kl_mean": float(kl.mean()), "same": same}
        for one in found
        for at, (n, nll, kl, same) in enumerate(zip(one.tally.tokens, one.tally.nll, one.tally.kl, one.tally.same, strict=True))
    ]


def _plot(path: Path, rows: Sequence[Json]) -> tuple[str | None, list[str]]:
    if all(row["is_original"] for row in rows):
        return None, []
    try:
        quality_plot.draw(path, rows)
    except ImportError:
        return None, ["no plot: matplotlib is not installed (pip install matplotlib)"]
    return str(path), []


def _notes(spec: Json, texts: Sequence[Text], found: Sequence[Measured]) -> list[str]:
    text, tokens = texts[0], sum(found[0].tally.tokens)
    notes = [f"{len(text.windows)} windows of {text.size} tokens, the second half of each scored: {tokens} tokens a model"]
    if text.size < spec["window"]:
        notes.append(f"the text has too few tokens for {FEWEST_WINDOWS} windows of {spec['window']}: perplexity is higher in shorter ones")
    if text.found > len(text.windows):
        notes.append(f"{len(text.windows)} of the text's {text.found} windows were measured, evenly spread")
    if tokens < 10_000:
        notes.append(f"the 99.9th percentile of {tokens} tokens rests on {math.ceil(tokens / 1000)} of them: give a longer dataset")
    if len({one.engine for one in found}) > 1:
        notes.append("models in llama.cpp and in transformers are measured against an original of their own and not against each other")
    if any(one.kind == "kv_cache" for one in found):
        notes.append("KV cache types: the original's weights with keys and values in that type, flash attention on")
    if any(one.tally.name in low_bit.CALIBRATED for one in found):
        notes.append("gptq and awq: on a processor their weights are computed in float32, so their speed here is not theirs")
    notes.append("reading speed includes the logits of every position: for this table only, benchmark measures serving")
    return notes
