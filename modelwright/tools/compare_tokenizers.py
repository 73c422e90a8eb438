"""`compare_tokenizers`: tokens a word of several models by domain, strange splits, and texts that do not come back.

Two facts to know. A price or a context counts tokens, so a model that needs twice the tokens for Arabic costs twice there.
And words are what stands between white space: in a language without spaces only tokens a character and bytes a token say
something.

It does NOT say which model answers better; a large vocabulary also makes larger embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.errors import BadRequest, DataError
from modelwright.files import artifact, clear_os_errors, write_atomic
from modelwright.modelrefs import base_paths, resolve
from modelwright.text import one_line
from modelwright.tools._evaluation_models import short_names
from modelwright.types import Check, DatasetPath, Effect, Estimate, Json, ModelRef, Strict, ToolArgs, ToolResult

SAMPLES = Path(__file__).parent / "samples"
SHIPPED = ("english", "arabic", "mixed", "code", "json", "legal")
MOST_TEXTS, MOST_BYTES = 40, 20_000_000


class Args(ToolArgs):
    models: list[ModelRef] = Field(
        min_length=1, max_length=8, description="builtin, .gguf files, folders: only their vocabularies are read"
    )
    texts: DatasetPath | None = Field(
        None, description="a text file, or a folder of them, one domain each; unset: shipped English, Arabic, mixed, code, JSON, legal"
    )


class Tokenizer(Strict):
    name: str = Field(description="the model's short name")
    engine: str = Field(description="what read it: llama.cpp or transformers")
    vocabulary: int = Field(description="tokens that it knows")


class Row(Strict):
    """One text cut by one tokenizer."""

    name: str = Field(description="the model's short name")
    domain: str = Field(description="name of the text")
    tokens_per_word: float | None = Field(description="words stand between white space; null without any")
    tokens: int = Field(description="without special tokens")
    bytes_per_token: float | None = Field(description="UTF-8 bytes; more is denser; null without tokens")
    tokens_per_character: float = Field(description="Unicode characters")
    split_characters: int = Field(description="characters whose bytes lie in more than one token")
    round_trip: bool = Field(description="decoding gives the very same text")
    words: int = Field(description="between white space")
    characters: int = Field(description="Unicode characters")
    bytes: int = Field(description="of the text in UTF-8")


class Split(Strict):
    """How a tokenizer cuts a probe."""

    name: str = Field(description="the model's short name")
    kind: str = Field(description="number, emoji, whitespace, arabic or case")
    text: str = Field(description="the probe")
    tokens: int = Field(description="pieces")
    pieces: list[str] = Field(description="in order; bytes that are no whole character as <0xNN>")
    strange: str = Field(description="why to look at it; empty when nothing is strange")


class Failure(Strict):
    """A text that does not come back."""

    name: str = Field(description="the model's short name")
    domain: str = Field(description="name of the text")
    at: int = Field(description="first character that differs, from 0")
    expected: str = Field(description="the text from there")
    got: str = Field(description="what came back from there")


class Result(ToolResult):
    table: list[str] = Field(description="tokens a word, domains down, models across")
    fewest: dict[str, str] = Field(description="domain -> the models that need the fewest tokens")
    tokenizers: list[Tokenizer] = Field(description="one a model")
    rows: list[Row] = Field(description="one a model and text")
    strange_splits: list[Split] = Field(description="probes that are cut strangely")
    splits: list[Split] = Field(description="all probes")
    failures: list[Failure] = Field(description="texts that do not come back")
    notes: list[str] = Field(description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    """A vocabulary takes 0.1 s as a GGUF file and transformers 8 s to import on a busy core."""
    folders = sum(1 for ref in args.models if ref != "builtin" and not ref.endswith(".gguf"))
    return Estimate(seconds=3.0 + len(args.models) + 8.0 * bool(folders), memory_bytes=250_000_000 + 400_000_000 * bool(folders))


def checks(args: Args, result: Result) -> Sequence[Check]:
    """Every model cut every text, the quotients follow from the counts, and a failed round trip is told."""
    names, domains = {one.name for one in result.tokenizers}, {row.domain for row in result.rows}
    pairs = {(row.name, row.domain) for row in result.rows}
    failed = {(one.name, one.domain) for one in result.failures}
    return [
        Check(name="every model was read", passed=len(names) == len(args.models), detail=", ".join(sorted(names))),
        Check(name="every text was cut by every model", passed=len(pairs) == len(result.rows) == len(names) * len(domains)),
        Check(name="quotients follow from counts", passed=all(map(_follows, result.rows))),
        Check(name="failed round trips are told", passed=failed == {(row.name, row.domain) for row in result.rows if not row.round_trip}),
    ]


def _follows(row: Row) -> bool:
    words = row.tokens_per_word is None or abs(row.tokens_per_word * row.words - row.tokens) < 1e-6
    return words and (row.bytes_per_token is None or abs(row.bytes_per_token * row.tokens - row.bytes) < 1e-6)


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES],
    example={"models": ["builtin", "model.gguf"], "texts": "texts"},
    estimate=estimate,
    checks=checks,
    reads=lambda args, workspace: base_paths(args.models, workspace),
    keywords=("tokenizer", "tokenizers", "tokens per word", "vocabulary", "fertility", "arabic", "split", "languages", "bytes per token"),
)
def compare_tokenizers(args: Args, ctx: ToolContext) -> Result:
    """Count tokens per word, per character and per byte for several tokenizers by language and domain."""
    models = [resolve(ref, ctx.workspace) for ref in args.models]
    texts = read_texts(args.texts, ctx.workspace)
    names = short_names(models)
    given = [{"name": name, "model": asdict(model)} for name, model in zip(names, models, strict=True)]
    done = ctx.job("tokenizer_stats", {"models": given, "texts": texts, "cache_dir": str(ctx.settings.cache_dir)})
    rows, splits = [Row.model_validate(row) for row in done["rows"]], [Split.model_validate(one) for one in done["splits"]]
    lines, fewest = table(rows, names), _fewest(rows)
    page = ctx.output_dir.absolute() / "tokenizers.txt"
    write_atomic(page, "\n".join(lines) + "\n")
    return Result(
        summary=_summary(rows, names, fewest),
        artifacts=[artifact(page, "table")],
        table=lines,
        fewest=fewest,
        tokenizers=[Tokenizer.model_validate(one) for one in done["tokenizers"]],
        rows=rows,
        strange_splits=[one for one in splits if one.strange],
        splits=splits,
        failures=[Failure.model_validate(one) for one in done["failures"]],
        notes=_notes(args, rows),
    )


def read_texts(texts: str | None, workspace: Path) -> list[Json]:
    """Domain and text of each file. Raises DataError for what is no text, is empty or is too much."""
    if texts is None:
        return [{"domain": name, "text": _read(SAMPLES / f"{name}.txt")} for name in SHIPPED]
    path = (workspace / Path(texts).expanduser()).absolute()
    if not path.exists():
        raise DataError(f"{path} does not exist", fix="name a text file or a folder of them")
    found = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")) if path.is_dir() else [path]
    if not found:
        raise DataError(f"{path} has no files in it", fix="put one text file a domain into it")
    if len(found) > MOST_TEXTS or sum(one.stat().st_size for one in found) > MOST_BYTES:
        raise BadRequest(f"{path} has {len(found)} files; at most {MOST_TEXTS} and {MOST_BYTES // 10**6} MB are read", fix="name fewer")
    stems = [one.stem for one in found]
    return [{"domain": one.stem if stems.count(one.stem) == 1 else one.name, "text": _read(one)} for one in found]


def _read(path: Path) -> str:
    try:
        with clear_os_errors(path):
            text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start})", fix="convert it to UTF-8") from None
    if not text.strip():
        raise DataError(f"{path} is empty", fix="put some text into it")
    return text


def table(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Tokens a word, and the sum of tokens below."""
    by_place = {(row.domain, row.name): row for row in rows}
    domains = list(dict.fromkeys(row.domain for row in rows))
    lines = [f"{'tokens per word':<16}" + "".join(f" {name[:20]:>20}" for name in names)]
    for domain in domains:
        cells = [by_place[domain, name].tokens_per_word for name in names]
        lines.append(f"{domain[:16]:<16}" + "".join(f" {'-' if cell is None else format(cell, '.2f'):>20}" for cell in cells))
    totals = [sum(row.tokens for row in rows if row.name == name) for name in names]
    return [*lines, f"{'all tokens':<16}" + "".join(f" {total:>20}" for total in totals)]


def _fewest(rows: Sequence[Row]) -> dict[str, str]:
    """All that share the first place, so that equal tokenizers are not ranked by their order."""
    domains: dict[str, list[Row]] = {}
    for row in rows:
        domains.setdefault(row.domain, []).append(row)
    return {
        domain: ", ".join(row.name for row in found if row.tokens == min(one.tokens for one in found)) for domain, found in domains.items()
    }


def _summary(rows: Sequence[Row], names: Sequence[str], fewest: dict[str, str]) -> str:
    if len(names) == 1:
        return f"{names[0]}: " + ", ".join(f"{row.domain} {row.tokens_per_word or 0:.2f} tokens a word" for row in rows)
    return "fewest tokens: " + "; ".join(f"{domain}: {one_line(name, 60)}" for domain, name in fewest.items())


def _notes(args: Args, rows: Sequence[Row]) -> list[str]:
    notes = ["tokens without BOS, EOS and chat template; words are what stands between white space"]
    if args.texts is None:
        notes.append("shipped samples of about 150 words: differences of a few per cent may be another on your own texts (texts=…)")
    cut = [f"{row.name} on {row.domain}: {row.split_characters} of {row.characters}" for row in rows if row.split_characters]
    return [*notes, *([f"characters split into bytes: {'; '.join(cut)}"] if cut else [])]
