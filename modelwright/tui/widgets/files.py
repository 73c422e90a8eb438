"""The files that an `@` can name: those of the workspace, and inside a folder first what is in it.

They are looked for again when the last look is old, or was at another folder: a walk takes up to 30 ms, a key press must not.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

MOST_SHOWN = 50
MOST_FILES = 5000
"""looked at for a completion: a folder of a hundred thousand files must not stop a key press"""
FRESH_SECONDS = 3.0
SKIPPED = frozenset({"node_modules", "__pycache__", ".git", ".venv", ".modelwright"})
NAMED = re.compile(r"(?<!\S)@(\S+)")
BEHIND_NAMES = ".,;:?!)"


class Files:
    def __init__(self, root: Path) -> None:
        self._root, self._folder, self._paths, self._looked = root, "", list[str](), -FRESH_SECONDS

    def like(self, typed: str) -> list[str]:
        folder = self._folder_of(typed)
        if folder != self._folder or time.monotonic() - self._looked >= FRESH_SECONDS:
            self._paths, self._folder, self._looked = list(_paths(self._root, folder)), folder, time.monotonic()
        return files_like(self._paths, typed)

    def _folder_of(self, typed: str) -> str:
        """The folder that was typed, when there is such a one below the root; else the root, as ""."""
        folder = typed.rpartition("/")[0]
        inside = folder and not typed.startswith("/") and ".." not in PurePosixPath(folder).parts
        return folder if inside and (self._root / folder).is_dir() else ""

    def named_plainly(self, text: str) -> str:
        """The text with files and folders as they are called, without the @ before them."""
        return NAMED.sub(lambda m: m[1] if self._is_there(m[1].rstrip(BEHIND_NAMES)) else m[0], text)

    def _is_there(self, name: str) -> bool:
        try:
            return bool(name) and (self._root / name).exists()
        except (OSError, ValueError):  # a name that is too long
            return False


def files_like(paths: Iterable[str], typed: str, most: int = MOST_SHOWN) -> list[str]:
    """Paths that hold what was typed: first what stands in the folder that was typed, then what begins so."""
    wanted = typed.casefold()
    ranked = [(_rank(path.casefold(), wanted), path) for path in paths if wanted in path.casefold()]
    return [path for _, path in sorted(ranked)[:most] if not (path.endswith("/") and path.casefold() == wanted)]


def _rank(path: str, wanted: str) -> int:
    begins = path.startswith(wanted)
    if "/" in wanted and begins and "/" not in path[len(wanted) :].rstrip("/"):
        return 0
    return 1 if begins or path.rpartition("/")[2].startswith(wanted) else 2


def _paths(root: Path, inside: str) -> Iterator[str]:
    """What is below a folder of the root, as seen from the root; folders end in a slash."""
    seen = 0
    for folder, folders, names in os.walk(root / inside):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("."))
        for name in [*sorted(names), *(f + "/" for f in folders)]:
            seen += 1
            if seen > MOST_FILES:
                return
            if not name.startswith("."):
                yield os.path.relpath(os.path.join(folder, name), root) + ("/" if name.endswith("/") else "")
