"""What memory brings to recall of tools beside what was remembered: names of document indexes, and embeddings.

Two facts: nothing is opened where nothing is there, and the embedder's process (1 s from cold) starts with the first text that is
to be embedded, which is never while the rules are sure.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from modelwright.config import Settings
from modelwright.errors import ModelwrightError
from modelwright.memory import Embedder, Store, open_embedder
from modelwright.memory.embedders import HashingEmbedder
from modelwright.workspace import Workspace


def index_names(workspace: Workspace) -> list[str]:
    """The document indexes of this workspace; none where they cannot be read, as the tool that reads one will say why."""
    from modelwright.memory.documents.catalog import Catalog

    if not Store.present(workspace.database):
        return []
    try:
        with Catalog.open(workspace.database) as catalog:
            return catalog.names()
    except (ModelwrightError, sqlite3.Error):
        return []


class Embedding:
    """texts -> vectors, by the embedder of the settings, opened when first called."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        rows: list[list[float]] = self._embedder.embed(texts).tolist()
        return rows

    def close(self) -> None:
        self._embedder.close()


def embedding(settings: Settings, workspace: Workspace) -> Embedding | None:
    """None where only hashing is there, which knows shared words alone, as BM25 does; and where the setting names no embedder."""
    try:
        embedder = open_embedder(settings, workspace.root)
    except ModelwrightError:
        return None
    return None if isinstance(embedder, HashingEmbedder) else Embedding(embedder)
