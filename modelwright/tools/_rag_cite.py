"""Citations: what a proof of a sentence holds, and the verifier that reopens the source to look.

A citation names the file and the sha256 of its bytes, the loader's text by its own hash, a span of that text and the quote
that stands there. Verifying needs the file and nothing else: no index, no network, no model; so an answer can be checked
years later, or on another machine with `root` for where the files lie now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from modelwright.canonical import sha256_of_path
from modelwright.data.documents import loading
from modelwright.data.documents.document import Document, Refused
from modelwright.errors import DataError
from modelwright.scoring.citations import stands, supports
from modelwright.text import clean
from modelwright.tools._rag import Box
from modelwright.types import FilePath, Strict

Status = Literal["verified", "source missing", "source changed", "text changed", "quote moved", "quote absent", "not supported"]


class Citation(Strict):
    document: FilePath = Field(description="absolute path of the source")
    sha256: str = Field(description="of the source's bytes")
    text_sha256: str = Field(description="of the text that the loader made of it")
    loader: str = Field(description="version of the loaders")
    start: int = Field(description="first character of the quote in that text")
    end: int = Field(description="behind its last character")
    quote: str = Field(description="verbatim")
    page: int = Field(description="page, row, cell or message, from 1; 0 for none")
    boxes: list[Box] = Field(default_factory=list, description="of a scanned quote")


class Sentence(Strict):
    text: str
    citations: list[Citation] = Field(min_length=1)


class Verification(Strict):
    sentence: int = Field(description="from 1")
    document: str
    status: Status
    detail: str


@lru_cache(maxsize=4)
def _loaded(path: str, sha256: str) -> Document:
    """The document again; the hash is part of the key, so a changed file is read anew."""
    return loading.load(Path(path), limit=2_000_000_000)


def verify(sentences: Sequence[Sentence], find: Callable[[Citation], Path]) -> list[Verification]:
    """One verdict for each citation, and one more for a sentence that its quotes do not carry. `find` says where a source lies now."""
    made: list[Verification] = []
    for number, sentence in enumerate(sentences, 1):
        for citation in sentence.citations:
            status, detail = _look(citation, find(citation))
            made.append(Verification(sentence=number, document=citation.document, status=status, detail=detail))
        support = supports(sentence.text, [citation.quote for citation in sentence.citations])
        if not support.carried:
            missing = ", ".join(support.missing) or f"{support.covered:.0%} of its words stand in the quote"
            made.append(Verification(sentence=number, document="", status="not supported", detail=missing))
    return made


def _look(citation: Citation, path: Path) -> tuple[Status, str]:
    if not path.is_file():
        return "source missing", f"no file {path}"
    digest = sha256_of_path(path)
    if digest != citation.sha256:
        return "source changed", f"{path} is {digest[:12]} now, {citation.sha256[:12]} was cited"
    try:
        text = _loaded(str(path), digest).text
    except Refused as error:
        return "source missing", f"{path} cannot be read: {error.message}"
    if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != citation.text_sha256:
        if stands(text, citation.start, citation.end, citation.quote) != "verbatim":
            return "text changed", f"loaders of version {citation.loader} gave another text than those of {loading.VERSION}"
        return "verified", "the loader changed since, the quote stands where it stood"
    if clean(text[citation.start : citation.end]) == citation.quote:  # as `--json` prints it, invisible characters written out
        return "verified", digest[:12]
    found = stands(text, citation.start, citation.end, citation.quote)
    if found == "moved":
        return "quote moved", f"it does not stand at [{citation.start}:{citation.end}] but at {text.find(citation.quote)}"
    return ("verified", digest[:12]) if found == "verbatim" else ("quote absent", "these characters stand nowhere in the source")


def sentences_in(answer: Any) -> list[Sentence]:
    """The sentences of an answer file: a result of rag_answer, or what `call --json` and `run --json` print around it.

    Raises DataError when there is none.
    """
    found = _results(answer)
    if not found:
        raise DataError(
            "this file holds no answer with sentences and citations", fix="give what `modelwright call rag_answer … --json` printed"
        )
    try:
        return [Sentence.model_validate(one) for result in found for one in result["sentences"]]
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"not an answer: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _results(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [one for inner in value for one in _results(inner)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("sentences"), list) and "found" in value:
        return [value]
    return [one for name in ("result", "steps") for one in _results(value.get(name))]
