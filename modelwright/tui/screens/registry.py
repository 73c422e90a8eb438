"""Screens by name, each imported when it is first asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright

SCREENS = {
    "help": ("help", "HelpScreen"),
    "run": ("run", "RunScreen"),
    "runs": ("runs", "RunsScreen"),
    "tools": ("tools", "ToolsScreen"),
    "memory": ("memory", "MemoryScreen"),
    "policy": ("policy", "PolicyScreen"),
    "models": ("models", "ModelsScreen"),
    "doctor": ("doctor", "DoctorScreen"),
    "sessions": ("sessions", "SessionsScreen"),
}


def make(name: str, app: Modelwright) -> Screen[Any]:
    module, kind = SCREENS[name]
    made: Screen[Any] = getattr(importlib.import_module(f"modelwright.tui.screens.{module}"), kind)(app.root)
    return made
