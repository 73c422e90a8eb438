"""What the agent thinks with. `open_model` is the door; nothing heavy is imported or started before the first choice.

A planning model answers one kind of question: which of these choices fits this text? It never writes free text.
"""

from __future__ import annotations

from pathlib import Path

from modelwright.config import Settings
from modelwright.errors import BadRequest, ConfigError, EngineMissing
from modelwright.models.base import Choice, ModelCall, PlanningModel

__all__ = ["Choice", "ModelCall", "PlanningModel", "open_model"]

SCRIPTED = "scripted:"


def open_model(settings: Settings, workspace: Path | None = None) -> PlanningModel | None:
    """The model that the settings name: `builtin`, a GGUF file, or `scripted:FILE`.

    None when llama.cpp or the built-in model is not installed: the planner then has its rules alone.
    """
    here = workspace or Path.cwd()
    if settings.model.startswith(SCRIPTED):
        from modelwright.models.scripted import ScriptedModel

        return ScriptedModel.read(here / Path(settings.model.removeprefix(SCRIPTED)).expanduser())
    from modelwright.modelrefs import resolve
    from modelwright.models.builtin import BuiltinModel, llama_installed

    try:
        model = resolve(settings.model, here)
    except EngineMissing:
        return None
    except BadRequest as error:
        raise ConfigError(f"setting model: {error.message}", fix="use builtin, a .gguf file or scripted:FILE") from None
    if model.kind != "gguf":
        raise ConfigError(f"setting model: {settings.model} is not a GGUF file", fix="use builtin, a .gguf file or scripted:FILE")
    return BuiltinModel(model.path, name=model.name, threads=settings.planner_threads) if llama_installed() else None
