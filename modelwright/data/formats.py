"""The formats that rows come in, recognised by their fields, each turned into the one shape that engines read.

    chat               messages: [{role, content}]; also conversations with role/content
    sharegpt           conversations: [{from, value}]
    alpaca             instruction, output, maybe input, system and history
    prompt_completion  prompt + completion, prompt + response, question + answer
    preference         chosen + rejected, maybe prompt; strings or message lists
    text               text

The first five become {"messages": [...]} (preference {"prompt", "chosen", "rejected"}, message lists all three), the last
{"text": str}. Contents are kept to the letter. Images and tool calls are refused: no engine here trains on them.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Literal

from modelwright.data.messages import assistant, check_conversation, from_role_content, from_sharegpt, json_type, user
from modelwright.data.problems import BadRow
from modelwright.text import one_line

Format = Literal["chat", "sharegpt", "alpaca", "prompt_completion", "preference", "text"]
Example = dict[str, Any]
Fields = dict[str, Any]

USED_FIELDS: dict[Format, frozenset[str]] = {
    "chat": frozenset({"messages", "conversations"}),
    "sharegpt": frozenset({"conversations", "system"}),
    "alpaca": frozenset({"instruction", "input", "output", "system", "history"}),
    "prompt_completion": frozenset({"prompt", "completion", "response", "question", "answer"}),
    "preference": frozenset({"prompt", "chosen", "rejected"}),
    "text": frozenset({"text"}),
}
ANSWER_NAMES = {"prompt": ("completion", "response"), "question": ("answer",)}


def recognise(row: Any) -> Format | None:
    """The format that the row's fields speak of, though it may be broken; None when they speak of none."""
    if not isinstance(row, dict):
        return None
    if "messages" in row:
        return "chat"
    if "conversations" in row:
        return "chat" if _first_turn_has(row["conversations"], "role") else "sharegpt"
    if "chosen" in row or "rejected" in row:
        return "preference"
    if "instruction" in row:
        return "alpaca"
    if "prompt" in row or "question" in row or "completion" in row:
        return "prompt_completion"
    return "text" if "text" in row else None


def _first_turn_has(turns: Any, key: str) -> bool:
    return isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and key in turns[0]


def convert(row: Fields, form: Format) -> Example:
    """The row as its engine reads it. Raises BadRow with what and fix."""
    return _CONVERTERS[form](row)


def not_recognised(row: Any, form: Format | None) -> BadRow:
    """Why a row that speaks of no format is bad, in words of the format that the file has."""
    if not isinstance(row, dict):
        return BadRow(f"wrong type: {json_type(row)}, an object is needed", 'write {"messages": [...]} or another known format')
    names = [str(name) for name in row]
    known = sorted(USED_FIELDS[form] if form else set().union(*USED_FIELDS.values()))
    near = next((f"rename {one_line(n, 40)} to {m[0]}" for n in names if (m := get_close_matches(n.lower(), known, n=1, cutoff=0.75))), "")
    shown = one_line(", ".join(names[:6]), 100) or "none"
    needed = " + ".join(_NEEDED[form]) if form else "messages, prompt + completion, instruction + output, chosen + rejected, or text"
    return BadRow(f"field missing: it has {shown}; needed {needed}", near or f"give it {needed}")


def _chat(row: Fields) -> Example:
    field = "messages" if "messages" in row else "conversations"
    messages = from_role_content(row[field], field)
    check_conversation(messages, field)
    return {"messages": messages}


def _sharegpt(row: Fields) -> Example:
    messages = from_sharegpt(row["conversations"])
    system = _optional_text(row, "system")
    if system.strip() and [message["role"] for message in messages[:1]] != ["system"]:
        messages.insert(0, {"role": "system", "content": system})
    check_conversation(messages, "conversations")
    return {"messages": messages}


def _alpaca(row: Fields) -> Example:
    asked = [part for part in (_optional_text(row, "instruction"), _optional_text(row, "input")) if part.strip()]
    if not asked:
        raise BadRow("empty instruction", "write what is asked, or remove the row")
    messages = [user("\n\n".join(asked)), assistant(_text(row, "output", answer=True))]
    system = _optional_text(row, "system")
    head = [{"role": "system", "content": system}] if system.strip() else []
    return {"messages": [*head, *_history(row), *messages]}


def _history(row: Fields) -> list[dict[str, str]]:
    turns: list[dict[str, str]] = []
    history = row.get("history") or []
    for pair in history if isinstance(history, list) else [history]:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) and text.strip() for text in pair)):
            raise BadRow("wrong type: history is not a list of [question, answer]", "mend or remove history")
        turns += [user(pair[0]), assistant(pair[1])]
    return turns


def _prompt_completion(row: Fields) -> Example:
    asked = "question" if "question" in row and "prompt" not in row else "prompt"
    names = ANSWER_NAMES[asked]
    answered = next((name for name in names if name in row), names[0])
    for name in (asked, answered):
        if name not in row:
            raise BadRow(f"field missing: {' or '.join(names) if name == answered else name}", f"add {name}, or remove the row")
    if isinstance(row[asked], list) and isinstance(row[answered], list):
        messages = [*from_role_content(row[asked], asked), *from_role_content(row[answered], answered)]
        check_conversation(messages, answered)
        return {"messages": messages}
    return {"messages": [user(_text(row, asked)), assistant(_text(row, answered, answer=True))]}


def _preference(row: Fields) -> Example:
    for name in ("chosen", "rejected"):
        if name not in row:
            raise BadRow(f"field missing: {name}", f"add {name}, or remove the row")
    chosen, rejected = _side(row, "chosen"), _side(row, "rejected")
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    prompt, chosen, rejected = _prompt(row, chosen[:shared]), chosen[shared:], rejected[shared:]
    for name, answer in (("chosen", chosen), ("rejected", rejected)):
        check_conversation([*prompt, *answer], name)
        if not any(message["role"] == "assistant" for message in answer):
            raise BadRow(f"no assistant turn in {name}", f"end {name} with an assistant turn")
    if chosen == rejected:
        raise BadRow("chosen and rejected are identical", "make them differ, or remove the row: it teaches nothing")
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def _side(row: Fields, name: str) -> list[dict[str, str]]:
    if isinstance(row[name], list):
        return from_role_content(row[name], name)
    return [assistant(_text(row, name, answer=True))]


def _prompt(row: Fields, shared: list[dict[str, str]]) -> list[dict[str, str]]:
    """The prompt field and what both sides begin with; many files write the prompt in all three places."""
    if "prompt" not in row:
        if not shared:
            raise BadRow(
                "field missing: prompt (chosen and rejected share no beginning)", "add prompt, or begin both with the same user turn"
            )
        return shared
    given = from_role_content(row["prompt"], "prompt") if isinstance(row["prompt"], list) else [user(_text(row, "prompt"))]
    return shared if all(message in shared for message in given) else given + shared


def _plain(row: Fields) -> Example:
    return {"text": _text(row, "text")}


def _text(row: Fields, name: str, *, answer: bool = False) -> str:
    if name not in row:
        raise BadRow(f"field missing: {name}", f"add {name}, or remove the row")
    value = row[name]
    if not isinstance(value, str):
        raise BadRow(f"wrong type: {name} is {json_type(value)}, a string is needed", f"write {name} in quotes")
    if not value.strip():
        raise BadRow(f"empty answer: {name} is empty" if answer else f"empty {name}", f"fill in {name}, or remove the row")
    return value


def _optional_text(row: Fields, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRow(f"wrong type: {name} is {json_type(value)}, a string is needed", f"write {name} in quotes")
    return value


_CONVERTERS: dict[Format, Callable[[Fields], Example]] = {
    "chat": _chat,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "prompt_completion": _prompt_completion,
    "preference": _preference,
    "text": _plain,
}
_NEEDED: dict[Format, tuple[str, ...]] = {
    "chat": ("messages",),
    "sharegpt": ("conversations",),
    "alpaca": ("instruction", "output"),
    "prompt_completion": ("prompt", "completion"),
    "preference": ("prompt", "chosen", "rejected"),
    "text": ("text",),
}
