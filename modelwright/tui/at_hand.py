"""What an error says to do on the command line, said for someone who sits in the app: the key or the command that does it here.

What cannot be done here (`modelwright memory reindex`) is left as it is.
"""

from __future__ import annotations

import re

from modelwright.tui.commands import COMMANDS

ON_THE_LINE = re.compile(r"`modelwright (\w+)([^`]*)`|\bmodelwright (\w+)((?: [^\s;,`]+)*)")
HERE = {
    "tools": "/tools",
    "call": "/tools",
    "runs": "/runs",
    "show": "/runs",
    "trace": "/runs",
    "sessions": "/sessions",
    "models": "/models",
    "policy": "/policy",
    "doctor": "/doctor",
}
"""For a command of the line the one here that shows the same."""
RAISED = re.compile(r"--max-(\w+) (\S+)")
ONLY_THERE = "--json"
LOOKS = ("", "list", "search", "show")
"""What `modelwright memory` does that F5 does too."""


def at_hand(text: str) -> str:
    """ "see `modelwright tools quantize`" as "see F4 (quantize)"."""
    return ON_THE_LINE.sub(lambda m: _here(m[1] or m[3], (m[2] or m[4] or "").strip()) or m[0], text)


def _here(verb: str, rest: str) -> str:
    """Empty where it cannot be done here."""
    if ONLY_THERE in rest:
        return ""
    if verb == "resume":
        raised = RAISED.search(rest)
        return f"/budget {raised[1]} {raised[2]}" if raised else 'say "go on"'
    if verb == "memory":
        return key_of("/memory") if rest.partition(" ")[0] in LOOKS else ""
    if verb not in HERE:
        return ""
    return key_of(HERE[verb]) + (f" ({rest})" if rest else "")


def key_of(name: str) -> str:
    """The key of a command here, as it stands on the keyboard; its name where it has none."""
    key = next(command.key for command in COMMANDS if command.name == name)
    return "+".join(part.capitalize() for part in key.split("+")) or name
