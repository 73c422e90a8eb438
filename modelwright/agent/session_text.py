"""A session for people and programs: a page in a terminal, Markdown, JSON. What was said stays text in all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from modelwright.agent.report.markdown import fence, inline
from modelwright.agent.sessions import Overview, Turn
from modelwright.text import clean, one_line
from modelwright.types import Json


def overview_rows(found: Sequence[Overview]) -> list[list[str]]:
    rows = [["session", "turns", "last", "first request"]]
    return rows + [[o.session, str(o.turns), _when(o.last), one_line(o.request, 80)] for o in found]


def found_rows(turns: Sequence[Turn]) -> list[list[str]]:
    """Rows of a search."""
    rows = [["session", "turn", "when", "run", "request"]]
    return rows + [[t.session, str(t.number), _when(t.time), t.run or "", one_line(t.request, 80)] for t in turns]


def page(turns: Sequence[Turn]) -> str:
    """Plain text for a terminal."""
    return "\n".join(line for turn in turns for line in _lines(turn))


def _lines(turn: Turn) -> list[str]:
    meant = "; ".join(meanings(turn))
    return [
        f"{turn.number}. {_when(turn.time)}  {turn.request}",
        *([f"   meant: {meant}"] if meant else []),
        *([f"   run {turn.run}"] if turn.run else []),
        *(f"   {line}" for line in outcome(turn).splitlines()),
    ]


def meanings(turn: Turn) -> list[str]:
    """What the words of the request were taken to stand for."""
    things = [f"{thing['label']} = {thing['value']} ({thing['source']})" for thing in turn.resolved.get("things", [])]
    changes = [f"{step}.{name} = {value}" for step, args in turn.resolved.get("changes", {}).items() for name, value in args.items()]
    again = [f"run {turn.resolved['run']} again"] if turn.kind == "again" else []
    return [*things, *again, *changes]


def outcome(turn: Turn) -> str:
    return turn.answer or ("cut off" if turn.exit_code is None else "")


def markdown(name: str, turns: Sequence[Turn]) -> str:
    parts = [f"# Session {inline(name)}"]
    for turn in turns:
        parts.append(f"## {turn.number}. {_when(turn.time)}\n\n{fence(turn.request)}")
        parts += [f"- {inline(meant)}" for meant in meanings(turn)]
        parts += [f"Run `{turn.run}`"] if turn.run else []
        parts += [fence(outcome(turn))] if outcome(turn) else []
    return str(clean("\n\n".join(parts) + "\n"))


def as_json(name: str, turns: Sequence[Turn]) -> Json:
    return {"session": name, "turns": [turn.as_json() for turn in turns]}


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
