"""Any server that speaks the OpenAI chat API: llama-server, llama-cpp-python, vLLM, SGLang, Ollama, TGI, hosted ones.

    openai:http://127.0.0.1:8000/v1#name        # without #name: the one model that the server has

Two facts to know. Four clocks run: to connect, to the first token, between two tokens, and in all; a server that keeps
the connection open and says nothing is left at the first or second of them. And a key is read from the environment variable
that the settings name for this very host (`[gateway.keys]`), goes to that host only, over https or to this machine, and is
written nowhere.

Not here: retries, budgets, prices (models/gateway.py), what is asked (models/chat_planner.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from modelwright.config import GatewaySettings
from modelwright.errors import ConfigError
from modelwright.modelrefs import Endpoint
from modelwright.models.chat import Messages, Reply
from modelwright.models.dialect import Dialect
from modelwright.models.failures import CallFailed
from modelwright.models.rate_limits import asked_wait
from modelwright.models.sse import Streamed, parsed
from modelwright.text import one_line, redact
from modelwright.types import Json

WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
NOT_A_RATE = ("insufficient_quota", "billing")
"""A 429 with these is an empty account: waiting does not help."""


@dataclass(frozen=True)
class Clocks:
    """Seconds."""

    connect: float = 5.0
    first_token: float = 120.0
    between_tokens: float = 30.0
    total: float = 300.0


class OpenAIChat:
    """One model behind one address. Nothing is opened before the first question, nothing is kept open between two."""

    def __init__(self, endpoint: Endpoint, *, clocks: Clocks | None = None, key_variable: str | None = None) -> None:
        self.endpoint = endpoint
        self._clocks = clocks or Clocks()
        self._key_variable = key_variable
        self._dialect = Dialect()
        self._model = endpoint.model

    @classmethod
    def of(cls, endpoint: Endpoint, settings: GatewaySettings) -> OpenAIChat:
        clocks = Clocks(settings.connect_seconds, settings.first_token_seconds, settings.between_tokens_seconds, settings.total_seconds)
        return cls(endpoint, clocks=clocks, key_variable=settings.keys.get(endpoint.host))

    @property
    def name(self) -> str:
        return self.endpoint.address

    def complete(self, messages: Messages, schema: Json, *, max_tokens: int) -> Reply:
        """An answer to `messages`. Raises CallFailed, ConfigError for a key that is missing or would leave in the clear."""
        headers = self._headers()
        while True:
            body = {"model": self._model_name(), "messages": messages, "stream": True, **self._dialect.options(schema, max_tokens)}
            try:
                return asyncio.run(self._ask(json.dumps(body).encode(), headers))
            except _Refused as refused:
                other = self._dialect.after(refused.status, refused.told)
                if other is None:
                    raise self._as_failure(refused) from None
                self._dialect = other

    def models(self) -> list[str]:
        """The names that the server has. Raises CallFailed when it cannot be reached."""
        try:
            with self._sync_client() as client:
                answer = client.get(f"{self.endpoint.url}/models", headers=self._headers())
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        if answer.status_code != httpx.codes.OK:
            raise self._as_failure(_Refused(answer.status_code, answer.text, answer.headers))
        listed = parsed(answer.text).get("data")
        return [str(entry.get("id")) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []

    def close(self) -> None:
        """Nothing is held."""

    # asking ---------------------------------------------------------------------------------------------------------

    async def _ask(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        started, streamed = time.monotonic(), Streamed()
        phase = asyncio.timeout(self._clocks.first_token)
        try:
            async with asyncio.timeout(self._clocks.total), phase, self._client() as client:
                request = client.build_request("POST", f"{self.endpoint.url}/chat/completions", content=body, headers=dict(headers))
                response = await client.send(request, stream=True)
                try:
                    await _check_status(response)
                    await self._read(response, streamed, phase)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise self._too_slow(streamed, phase.expired()) from None
        except httpx.HTTPError as error:
            raise self._dropped(error, streamed) if streamed.started else self._unreachable(error) from None
        streamed.check_whole()
        return _reply(streamed, len(body), started)

    async def _read(self, response: httpx.Response, streamed: Streamed, phase: asyncio.Timeout) -> None:
        """The whole answer into `streamed`; each token moves the clock of the phase."""
        if "json" in response.headers.get("content-type", ""):  # a server that does not stream
            streamed.take(parsed((await response.aread()).decode("utf-8", "replace")))
            streamed.done = True
            return
        async for line in response.aiter_lines():
            if streamed.take_line(line) and streamed.started:
                phase.reschedule(asyncio.get_running_loop().time() + self._clocks.between_tokens)
            if streamed.done:
                return

    def _client(self) -> httpx.AsyncClient:
        """Redirects are not followed: a key goes where the settings say. A proxy is never put before this machine."""
        timeout = httpx.Timeout(None, connect=self._clocks.connect)
        return httpx.AsyncClient(timeout=timeout, trust_env=not self.endpoint.is_local)

    def _sync_client(self) -> httpx.Client:
        timeout = httpx.Timeout(self._clocks.connect, read=min(10.0, self._clocks.first_token))
        return httpx.Client(timeout=timeout, trust_env=not self.endpoint.is_local)

    def _model_name(self) -> str:
        if not self._model:
            names = self.models()
            if len(names) != 1:
                listed = ", ".join(names[:8]) or "none"
                raise CallFailed(f"{self.name} has {len(names)} models: {listed}", fix="name one: openai:URL#NAME")
            self._model = names[0]
        return self._model

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", "accept": "text/event-stream, application/json"}
        if self._key_variable is None:
            return headers
        key = os.environ.get(self._key_variable, "")
        if not key:
            raise ConfigError(
                f"the environment variable {self._key_variable} is empty: gateway.keys names it for {self.endpoint.host}",
                fix=f"export {self._key_variable}=…",
            )
        if not (self.endpoint.is_local or self.endpoint.url.startswith("https://")):
            raise ConfigError(f"a key would go to {self.endpoint.host} in the clear", fix="use https, or no key for this host")
        return {**headers, "authorization": f"Bearer {key}"}

    # failing --------------------------------------------------------------------------------------------------------

    def _as_failure(self, refused: _Refused) -> CallFailed:
        again = refused.status in WORTH_ANOTHER_TRY and not any(word in refused.told for word in NOT_A_RATE)
        message = f"{self.name} answers {refused.status}: {self._without_key(_message_of(refused.told))}"
        return CallFailed(message, again=again, wait_seconds=asked_wait(refused.headers), fix=_FIXES.get(refused.status, ""))

    def _unreachable(self, error: httpx.HTTPError) -> CallFailed:
        reason = self._without_key(str(error) or type(error).__name__)
        return CallFailed(f"{self.name} cannot be reached: {reason}", again=True, fix="is the server running? see `modelwright models`")

    def _dropped(self, error: httpx.HTTPError, streamed: Streamed) -> CallFailed:
        message = f"{self.name} dropped the connection after {streamed.chunks} chunks: {self._without_key(str(error))}"
        return CallFailed(message, again=True, read=True)

    def _too_slow(self, streamed: Streamed, phase_expired: bool) -> CallFailed:
        """No second try: a server that hangs once costs the whole time again."""
        clocks = self._clocks
        if not phase_expired:
            what, setting = f"has not finished after {clocks.total:g} s", "total_seconds"
        elif streamed.started:
            what, setting = f"said nothing for {clocks.between_tokens:g} s in the middle of its answer", "between_tokens_seconds"
        else:
            what, setting = f"said nothing for {clocks.first_token:g} s", "first_token_seconds"
        return CallFailed(f"{self.name} {what}", read=True, fix=f"raise gateway.{setting}, or look at the server")

    def _without_key(self, text: str) -> str:
        key = os.environ.get(self._key_variable or "", "")
        return one_line(redact(text.replace(key, "[secret]") if key else text), 200)


_FIXES = {
    401: "name the variable that holds its key under [gateway.keys]",
    403: "the key may not use this model",
    404: "check the address (it usually ends with /v1) and the name after #",
}


class _Refused(Exception):
    """An answer with a status other than 200."""

    def __init__(self, status: int, told: str, headers: Mapping[str, str]) -> None:
        super().__init__(told)
        self.status, self.told, self.headers = status, told, headers


async def _check_status(response: httpx.Response) -> None:
    if response.status_code != httpx.codes.OK:
        await response.aread()
        raise _Refused(response.status_code, response.text, response.headers)


def _message_of(body: str) -> str:
    """The words of an error body, whichever of the usual shapes it has."""
    try:
        found = json.loads(body)
    except ValueError:
        return body
    inner = found.get("error", found) if isinstance(found, dict) else found
    told = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
    return str(told or body)


def _reply(streamed: Streamed, prompt_bytes: int, started: float) -> Reply:
    prompt, output, estimated = streamed.tokens(prompt_bytes)
    return Reply(
        text="".join(streamed.text),
        prompt_tokens=prompt,
        output_tokens=output,
        tokens_estimated=estimated,
        seconds=time.monotonic() - started,
        ttft_seconds=max(streamed.first_at - started, 0.0),
        cut=streamed.finish == "length",
    )
