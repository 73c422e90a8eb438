"""What a person is asked on a plain terminal or through a pipe: questions, approvals, edits. Text from outside is made safe here.

Prompts go to stderr unless both ends are a terminal (there the line editor needs to know them). What cannot be understood
is asked again; the end of input leaves the run waiting.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.errors import BadRequest
from modelwright.plantable import default_text, needs, short
from modelwright.text import clean, one_line, safe_text
from modelwright.types import Estimate, Json

STEP = re.compile(r"s[0-9]+")
ENDINGS = frozenset({"exit", "quit", "bye", ":q"})
"""Words that leave: a conversation, or what is asked about."""
ALONE = frozenset(
    (
        "n",
        "no",
        "nope",
        "nein",
        "non",
        "y",
        "yes",
        "yep",
        "ok",
        "okay",
        "sure",
        "ja",
        "oui",
        "go",
        "stop",
        "cancel",
        "pause",
        "wait",
        "why",
        "help",
    )
)
"""Single words that say something to a plan; any other may be a slip of the hand."""
NOT_UNDERSTOOD: Json = {}
"""Stands for an answer that has to be asked for again."""


def read_line(prompt: str) -> str:
    """A line of the user's, UTF-8. Raises EOFError at the end of input."""
    while True:
        line = _line(prompt)
        if _is_utf8(line):
            return line
        sys.stderr.write("  that is not UTF-8 text\n")


def _line(prompt: str) -> str:
    if sys.stdin.isatty() and sys.stdout.isatty():
        return input(prompt)
    sys.stderr.write(prompt)
    sys.stderr.flush()
    try:
        return input()
    finally:
        if not sys.stdin.isatty():  # nobody typed the end of the line
            sys.stderr.write("\n")


def _is_utf8(text: str) -> bool:
    """Bytes that are not UTF-8 arrive as lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def yes_or_no(question: str) -> bool:
    """Raises EOFError at the end of input."""
    while True:
        answer = read_line(f"{question} [y]es, [n]o: ").strip().lower()
        if answer in ("y", "yes", "n", "no"):
            return answer[0] == "y"


def ask_on_terminal(pending: Json) -> Json | None:
    """The approver of the plain command line: shows what is asked, reads one answer. None leaves the run waiting."""
    try:
        return _ask(clean(pending) | {"choices": pending.get("choices", [])})
    except EOFError:
        return None


def _ask(pending: Json) -> Json | None:
    if pending["kind"] == "question":
        return _question(pending)
    if pending["kind"] != "approval":
        return None
    if "said" in pending:  # the same is asked again, as what was said changed nothing
        sys.stderr.write(f"  {_told_back(pending['said'])}\n")
        return _read_decision(pending["calls"])
    if pending["note"]:
        sys.stderr.write(f"  note: {safe_text(pending['note'])}\n")
    for call in pending["calls"]:
        sys.stderr.write(_card(call))
    return _read_decision(pending["calls"])


def _told_back(said: Json) -> str:
    """What words came to that change nothing."""
    if said["means"] == "yes":
        return "words allow nothing: type a to allow it, r to reject it"
    if said["means"] == "question":
        return "\n  ".join(one_line(line, 400) for line in said["why"].splitlines())
    return f"not understood: {one_line(said['why'], 400) or 'answer this first; an empty line leaves it for later'}"


def _question(pending: Json) -> Json | None:
    choices = pending["choices"]
    sys.stderr.write(f"? {safe_text(pending['question'])}\n" + "".join(f"    {i}. {safe_text(c)}\n" for i, c in enumerate(choices, 1)))
    answer = read_line("  answer (number or text, empty to leave it open): ").strip()
    if answer.lower() in ENDINGS:
        return None
    if answer.isdecimal() and 0 < int(answer) <= len(choices):
        answer = choices[int(answer) - 1]
    return {"answer": answer} if answer else None


def _card(call: Json, *, whole: bool = False) -> str:
    """The call that is asked about; `whole` cuts no value."""
    limit = 100_000 if whole else 60
    lines = [f"? {call['id']} {call['tool']}  ({', '.join(call['effects'])}; rule {call['rule']})"]
    lines += [f"      {k} = {short(v, limit)}   from {call['sources'].get(k, 'no source')}" for k, v in call["args"].items()]
    lines += [f"      {default_text(call['defaults'], lambda value: short(value, limit))}"] if call.get("defaults") else []
    lines.append(f"      about {needs(Estimate(**call['estimate']) if call.get('estimate') else None)}")
    return "\n".join(lines) + "\n"


def _read_decision(calls: Sequence[Json]) -> Json | None:
    """One answer about the asked calls. `show` shows them whole; what cannot be understood is asked again."""
    while True:
        answer = read_line(
            "  [a]llow, [all] for this run, [e]dit s1.key=value, or say what to change, [r]eject s1 reason, [s]how, empty to decide later: "
        ).strip()
        if answer in ("s", "show"):
            sys.stderr.write("".join(_card(call, whole=True) for call in calls))
        elif (decision := _decision(answer, {call["id"]: call["tool"] for call in calls})) is NOT_UNDERSTOOD:
            sys.stderr.write("  not understood\n")
        else:
            return decision


def _decision(answer: str, tools: Mapping[str, str]) -> Json | None:
    """What was said about the steps (id -> tool)."""
    verb, _, rest = answer.partition(" ")
    if not verb or answer.lower() in ENDINGS:
        return None
    if verb in ("a", "allow") and not rest:
        return {"allow": list(tools)}
    if answer in ("all", "allow all"):
        return {"allow_for_run": list(tools)}
    if verb in ("r", "reject"):
        return _rejection(rest.strip(), tools)
    if verb in ("e", "edit"):
        try:
            return {"edit": parse_edits([rest], tools)}
        except BadRequest as error:
            sys.stderr.write(f"  {one_line(str(error), 300)}\n")
            return NOT_UNDERSTOOD
    return {"said": answer} if rest or verb.lower().rstrip("?!.,") in ALONE or any(sign.isdigit() for sign in verb) else NOT_UNDERSTOOD


def _rejection(rest: str, tools: Mapping[str, str]) -> Json:
    """ "s1 too slow", "too slow", or nothing: without a step's name the first step is refused, which ends the run as well."""
    step, _, reason = rest.partition(" ")
    if step in tools:
        return {"reject": {step: reason.strip()}}
    return NOT_UNDERSTOOD if STEP.fullmatch(step) else {"reject": {next(iter(tools)): rest}}


def parse_edits(edits: Sequence[str], tools: Mapping[str, str]) -> dict[str, Json]:
    """["s1.epochs=3"] -> {"s1": {"epochs": 3}}; an empty value removes the argument. `tools` are the steps, id -> tool."""
    from modelwright.tools import load

    changes: dict[str, Json] = {}
    for edit in edits:
        place, equals, value = edit.partition("=")
        step, dot, key = place.strip().partition(".")
        if not (equals and dot and key):
            raise BadRequest(f"{edit!r} is not an edit", fix="write it as s1.epochs=3")
        refuse_unknown_step(step, tools)
        schema = load(tools[step]).args.model_json_schema()
        if key not in schema["properties"]:
            raise BadRequest(f"{tools[step]} has no argument {key!r:.80}", fix=f"it has: {', '.join(schema['properties'])}")
        changes.setdefault(step, {})[key] = value_of(value.strip(), schema, key) if value.strip() else None
    return changes


def refuse_unknown_step(step: str, tools: Mapping[str, str]) -> None:
    if step not in tools:
        raise BadRequest(f"there is no step {step!r:.80}", fix=f"steps: {', '.join(tools) or 'none yet'}")


def value_of(text: str, schema: Json, key: str) -> Any:
    """What a person typed for an argument, as its schema takes it: `Q8_0,Q4_0` for a list, text for text, JSON where it is JSON."""
    from modelwright.graphs.references import schema_at

    kind = schema_at(schema, (key,)).get("type")
    if kind == "string":
        return text
    value = parse_value(text)
    if kind != "array" or isinstance(value, list) or value is None:
        return value
    items = schema_at(schema, (key, 0)).get("type")
    return [part.strip() if items == "string" else parse_value(part) for part in text.split(",")]


def parse_value(text: str) -> Any:
    """JSON when it is JSON (3, true, ["a"]), else the text itself."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number to work with")
