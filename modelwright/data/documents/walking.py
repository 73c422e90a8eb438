"""The files that a path, a folder or a glob means, in a fixed order, without hidden ones and without leaving the folder.

Links to files are followed only when they end inside the folder; links to folders never (they can make circles).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from modelwright.errors import DataError

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", ".git", ".venv", "venv", ".modelwright"})
_MAGIC = frozenset("*?[")


def root_and_pattern(text: str, workspace: Path) -> tuple[Path, str]:
    """`docs/**/*.md` -> (workspace/docs, "**/*.md"); a folder or file has the pattern "". Raises DataError when there is none."""
    parts = Path(text).expanduser().parts
    fixed = next((at for at, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
    root = (workspace / Path(*parts[:fixed])).absolute()
    root = Path(os.path.normpath(root))
    if not root.exists():
        raise DataError(f"no file or folder {root}", fix=_nearest(root))
    return root, "/".join(parts[fixed:])


def _nearest(path: Path) -> str:
    from difflib import get_close_matches

    parent = path.parent
    if not parent.is_dir():
        return f"there is no folder {parent}"
    near = get_close_matches(path.name, [entry.name for entry in parent.iterdir()], n=1)
    return f"did you mean {parent / near[0]}?" if near else f"nothing in {parent} has a name like it"


def files_under(root: Path, pattern: str = "") -> Iterator[Path]:
    """Every file that counts, sorted by name within its folder; folders are read as they come, so one may change meanwhile."""
    if root.is_file():
        yield root
        return
    inside = root.resolve()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and _matches(path.relative_to(root).as_posix(), pattern) and _is_inside(path, inside):
                yield path


def _matches(relative: str, pattern: str) -> bool:
    """`**/` stands for any folders, none too; a single `*` does not cross a slash."""
    if not pattern:
        return True
    return _match_parts(relative.split("/"), pattern.split("/"))


def _match_parts(parts: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        rest = patterns[1:] or ["*"]
        return any(_match_parts(parts[at:], rest) for at in range(len(parts)))
    return bool(parts) and fnmatch(parts[0], patterns[0]) and _match_parts(parts[1:], patterns[1:])


def _is_inside(path: Path, inside: Path) -> bool:
    if not path.is_symlink():
        return path.is_file()
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # a dead link, a circle
        return False
    return target.is_file() and target.is_relative_to(inside)
