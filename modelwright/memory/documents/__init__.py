"""Document indexes: files -> chunks in the store, and from a question back to passages of the files.

Two facts to know. An index is a collection of the store called `documents/NAME`, beside the tables of catalog.py that know
the files; both live in the workspace's database. And every passage is a span of a document's text, which the catalog keeps
and the file, reopened by its hash, must give again.

Files: catalog (what is indexed), build (the child process that indexes), search (one query to ranked chunks), fusion,
entities (a graph that costs no model call), routing (which index), why_not, service (what
tools see). Importing this loads neither numpy nor FAISS.
"""

from __future__ import annotations

PREFIX = "documents/"


def collection(index: str) -> str:
    """The store's name for the index."""
    return PREFIX + index
