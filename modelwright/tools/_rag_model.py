"""One question to a model that writes: a local one in a child process, or an endpoint. What it answers is text and nothing else."""

from __future__ import annotations

import os
from dataclasses import asdict

from modelwright.contract import ToolContext
from modelwright.errors import EngineMissing
from modelwright.modelrefs import endpoint, resolve

SECONDS = 120
Messages = list[dict[str, str]]


def say(prompt: Messages, model: str, ctx: ToolContext, *, tokens: int) -> str:
    """The model's answer, at most `tokens` long, greedy. Raises EngineMissing when an endpoint gives none."""
    if model.startswith("openai:"):
        return _at_endpoint(prompt, model, ctx, tokens)
    spec = {
        "model": asdict(resolve(model, ctx.workspace)),
        "prompts": [prompt],
        "max_new_tokens": tokens,
        "threads": ctx.settings.threads,
        "cache_dir": str(ctx.settings.cache_dir),
    }
    return str(ctx.job("generate", spec)["answers"][0])


def _at_endpoint(prompt: Messages, model: str, ctx: ToolContext, tokens: int) -> str:
    """Policy has seen that the call goes over the network: a model that is an address counts as that."""
    import httpx

    server = endpoint(model)
    key = os.environ.get(ctx.settings.gateway.keys.get(server.host, ""), "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"model": server.model, "messages": prompt, "temperature": 0, "max_tokens": tokens}
    try:
        reply = httpx.post(f"{server.url}/chat/completions", json=body, headers=headers, timeout=SECONDS)
        reply.raise_for_status()
        return str(reply.json()["choices"][0]["message"]["content"] or "")
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        raise EngineMissing(f"{server.address} gives no answer: {error!s:.120}", fix="start the server, or leave the model out") from None
