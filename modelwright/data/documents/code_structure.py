"""Where code may be cut: at its top-level definitions, decorators and the comment above them included.

Python is parsed; in other languages a definition is a line that begins at the margin with a word that opens one. A file
that does not parse is cut like those. It does NOT look inside functions: what is too long is cut at blank lines.
"""

from __future__ import annotations

import ast
import re
import warnings

_OPENS = re.compile(
    r"^(?:export\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|final\s+|async\s+|pub(?:\([a-z]+\))?\s+|default\s+|inline\s+|unsafe\s+)*"
    r"(?:def|class|function|func|fn|struct|enum|trait|impl|interface|type|module|namespace|object|record|message|service|CREATE|create"
    r"|(?:const|let|var)\s+\w+\s*=\s*(?:async\s*)?(?:\(|function))\b"
    r"|^[A-Za-z_][\w:<>*&\s]+\s[*&]*[A-Za-z_]\w*\s*\([^;]*$"  # C: `static int name(…` and no semicolon
    r"|^\[[^\]\n]+\]\s*$",  # a section of TOML or INI
    re.M,
)


def block_starts(text: str, name: str) -> list[int]:
    """Character positions at which a top-level block begins, in order; 0 is always one."""
    starts = _python(text) if name.endswith((".py", ".pyi")) else None
    if starts is None:
        starts = [match.start() for match in _OPENS.finditer(text)]
    return sorted({0, *(_with_comment(text, start) for start in starts)})


def _python(text: str) -> list[int] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a bad escape in somebody's code is not ours to tell
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    offsets = _line_offsets(text)
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found.append(offsets[first - 1])
            if isinstance(node, ast.ClassDef):
                found += [
                    offsets[_first_line(inner) - 1] for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
    return found


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def _line_offsets(text: str) -> list[int]:
    """Python's parser counts \\r\\n, \\r and \\n as line ends, and nothing else."""
    return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]


def _with_comment(text: str, start: int) -> int:
    """The start of the comment lines that stand directly above."""
    while start > 0:
        before = text.rfind("\n", 0, start - 1) + 1
        if not text[before:start].lstrip().startswith(("#", "//", "/*", "*", "--", "///")):
            break
        start = before
    return start
