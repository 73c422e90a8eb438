"""What the agent thinks with. `open_model` is the door; nothing heavy is imported or started before the first question.

A planning model chooses among texts and drafts plans; it never writes a value that was not in the request. Which reference
opens what:

    builtin, FILE.gguf          llama.cpp in a warm child                     builtin.py
    FOLDER, org/name            transformers in a warm child                  transformers_model.py
    vllm:FOLDER                 vLLM in a child of its own Python             vllm_model.py
    openai:http://host/v1#name  any server that speaks the OpenAI API         openai_compatible.py
    scripted:FILE               answers that you wrote                        scripted.py
    recorded:FILE               answers that were recorded                    recorded.py

With fallbacks, or for a model that can cost money, a Gateway stands in front (gateway.py).
"""

from __future__ import annotations

import os
from pathlib import Path

from modelwright.config import ENDPOINT, FILE_PREFIXES, VLLM, Settings
from modelwright.errors import BadRequest, ConfigError, EngineMissing
from modelwright.modelrefs import Model, endpoint, resolve
from modelwright.models.base import Choice, ModelCall, PlanningModel
from modelwright.models.spending import Spending
from modelwright.workspace import Workspace

__all__ = ["Choice", "ModelCall", "PlanningModel", "open_model"]

SCRIPTED, RECORDED = FILE_PREFIXES
FORMS = "builtin, a .gguf file, a model folder, openai:http://host:port/v1#name, vllm:FOLDER, scripted:FILE or recorded:FILE"


def open_model(settings: Settings, workspace: Path | None = None) -> PlanningModel | None:
    """The model that the settings name, with its fallbacks. Raises ConfigError for a reference that means nothing.

    None when llama.cpp or the built-in model is not installed and nothing else is named: the planner then has its rules alone.
    """
    here = workspace or Path.cwd()
    books = Spending(Workspace(here), settings.gateway)
    opened = [_opened(ref, settings, here, books) for ref in (settings.model, *settings.gateway.fallbacks)]
    models = [model for model in opened if model is not None]
    if not models:
        return None
    model = models[0]
    if settings.model.startswith(ENDPOINT) or len(models) > 1:
        from modelwright.models.gateway import Gateway

        model = Gateway(models, books)
    if settings.record and not settings.model.startswith(FILE_PREFIXES):
        from modelwright.models.recorded import Recorder

        return Recorder(model, here / settings.record)
    return model


def _opened(ref: str, settings: Settings, here: Path, books: Spending) -> PlanningModel | None:
    """One model, without fallbacks; None when what it needs of llama.cpp is not installed."""
    if ref.startswith(SCRIPTED):
        from modelwright.models.scripted import ScriptedModel

        return ScriptedModel.read(here / os.path.expanduser(ref.removeprefix(SCRIPTED)))
    if ref.startswith(RECORDED):
        from modelwright.models.recorded import RecordedModel

        return RecordedModel.read(here / os.path.expanduser(ref.removeprefix(RECORDED)))
    try:
        if ref.startswith(VLLM):
            return _in_vllm(resolve(ref.removeprefix(VLLM), here), settings)
        model = resolve(ref, here)
        return _at_endpoint(ref, settings, here, books) if model.kind == "endpoint" else _in_child(model, settings)
    except EngineMissing:
        return None
    except BadRequest as error:
        raise ConfigError(f"setting model: {error.message}", fix=f"use {FORMS}") from None


def _in_child(model: Model, settings: Settings) -> PlanningModel | None:
    if model.kind != "gguf":
        from modelwright.models.transformers_model import TransformersModel

        return TransformersModel(model, cache=str(settings.cache_dir), threads=settings.planner_threads)
    from modelwright.models.adapter import builtin_adapter
    from modelwright.models.builtin import BuiltinModel, llama_installed

    if not llama_installed():
        return None
    adapter = builtin_adapter() if model.is_builtin and settings.planner_adapter else None
    folder = settings.cache_dir / "planner"
    return BuiltinModel(model.path, name=model.name, threads=settings.planner_threads, adapter=adapter, folder=folder)


def _in_vllm(model: Model, settings: Settings) -> PlanningModel:
    from modelwright.models.chat_planner import ChatPlanner
    from modelwright.models.vllm_model import VllmChat

    if model.kind != "hf":
        raise BadRequest(f"vLLM reads model folders, {model.ref} is none")
    chat = VllmChat(model.path, python=settings.vllm_python, answer_seconds=settings.gateway.total_seconds)
    return ChatPlanner(chat, max_tokens=settings.gateway.max_output_tokens)


def _at_endpoint(ref: str, settings: Settings, here: Path, books: Spending) -> PlanningModel:
    from modelwright.models.chat_planner import ChatPlanner
    from modelwright.models.gateway import Metered
    from modelwright.models.jsonplan import PROMPT_VERSION
    from modelwright.models.openai_compatible import OpenAIChat
    from modelwright.models.prices import Prices

    chat = OpenAIChat.of(endpoint(ref), settings.gateway)
    price = Prices.read(here / settings.prices if settings.prices else None).of(chat.name)
    metered = Metered(chat, price, settings.gateway, books, prompt_version=PROMPT_VERSION)
    return ChatPlanner(metered, max_tokens=settings.gateway.max_output_tokens)
