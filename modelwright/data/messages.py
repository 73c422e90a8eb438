"""Turns of a conversation: read from the two notations in use, checked for the order that chat templates expect.

A conversation is an optional system turn, then user and assistant in turn, ending with assistant. Tool turns stand
after an assistant and before the next one. An empty system turn says nothing and is left out.
"""

from __future__ import annotations

from typing import Any

from modelwright.data.problems import BadRow
from modelwright.text import one_line

Message = dict[str, str]

ROLES = {"user": "user", "assistant": "assistant", "system": "system", "tool": "tool", "developer": "system", "function": "tool"}
SHAREGPT_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "system": "system",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
    "function_call": "assistant",
}
_MAY_FOLLOW = {
    "": {"system", "user"},
    "system": {"user"},
    "user": {"assistant"},
    "assistant": {"user", "tool"},
    "tool": {"assistant", "tool"},
}


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def from_role_content(turns: Any, field: str) -> list[Message]:
    return _from_turns(turns, field, "role", "content", ROLES)


def from_sharegpt(turns: Any) -> list[Message]:
    return _from_turns(turns, "conversations", "from", "value", SHAREGPT_ROLES)


def check_conversation(messages: list[Message], field: str) -> None:
    """Raises BadRow unless the turns stand in an order that a chat template renders."""
    if not any(message["role"] == "assistant" for message in messages):
        raise BadRow(f"no assistant turn in {field}", "add the answer, or remove the row")
    before = ""
    for number, message in enumerate(messages, 1):
        if message["role"] not in _MAY_FOLLOW[before]:
            raise BadRow(
                f"roles do not alternate: turn {number} of {field} is {message['role']} after {before or 'nothing'}",
                "merge or reorder the turns",
            )
        before = message["role"]
    if before != "assistant":
        raise BadRow(f"last turn not assistant: {field} ends with {before}", "add the answer or take the last turn off")


def _from_turns(turns: Any, field: str, role_key: str, text_key: str, roles: dict[str, str]) -> list[Message]:
    if not isinstance(turns, list):
        raise BadRow(
            f"wrong type: {field} is {json_type(turns)}, a list of turns is needed",
            f'write [{{"{role_key}": ..., "{text_key}": ...}}, ...]',
        )
    if not turns:
        raise BadRow(f"no assistant turn: {field} is empty", "add the turns, or remove the row")
    messages = []
    for number, turn in enumerate(turns, 1):
        message = _message(turn, f"turn {number} of {field}", role_key, text_key, roles)
        if message["content"].strip():
            messages.append(message)
        elif message["role"] == "assistant":
            raise BadRow(f"empty answer: turn {number} of {field} is empty", "write the answer, or remove the row")
        elif message["role"] != "system":
            raise BadRow(f"empty {message['role']} turn: turn {number} of {field}", "write it, or remove the row")
    return messages


def _message(turn: Any, place: str, role_key: str, text_key: str, roles: dict[str, str]) -> Message:
    if not isinstance(turn, dict):
        raise BadRow(f"wrong type: {place} is {json_type(turn)}, an object is needed", f'write {{"{role_key}": ..., "{text_key}": ...}}')
    if turn.get("tool_calls"):
        raise BadRow(f"{place} holds tool_calls, which no engine here trains on", "write the call into its text, or remove the row")
    for key in (role_key, text_key):
        if key not in turn:
            raise BadRow(f"field missing: {key} in {place}", f"add {key}")
    role = turn[role_key]
    if not isinstance(role, str) or role.strip().lower() not in roles:
        raise BadRow(f"unknown role {one_line(repr(role), 40)} in {place}", f"use one of {', '.join(roles)}")
    return {"role": roles[role.strip().lower()], "content": _content(turn[text_key], place)}


def _content(content: Any, place: str) -> str:
    """A string, or a list of text parts put together."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content and all(isinstance(part, dict) for part in content):
        other = next((part for part in content if not isinstance(part.get("text"), str)), None)
        if other is None:
            return "".join(part["text"] for part in content)
        raise BadRow(f"{place} holds a part of type {one_line(str(other.get('type')), 30)!r}, only text is read", "leave the row out")
    raise BadRow(f"wrong type: {place} is {json_type(content)}, a string is needed", "write the text in quotes")


def json_type(value: Any) -> str:
    """How JSON calls the type of `value`."""
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
