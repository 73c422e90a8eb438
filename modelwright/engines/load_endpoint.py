"""A server that speaks the OpenAI chat API under load: one streamed answer a request, each chunk with its time.

Two facts to know. The server's own count of tokens is believed only where it can be true (not above what was asked for,
not below the chunks that came); a request with an impossible count is a failed one. And a server that knows no
`ignore_eos` or `min_tokens` may refuse them: they are left out then, and the lengths are reported as they fall.

A key comes from the environment variable that the settings name for this host, and goes over https or to this machine.
Not here: retries. A request that fails is part of the result.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Coroutine, Sequence
from typing import Any

import httpx
import psutil

from modelwright.engines.bench_prompts import WORDS
from modelwright.engines.load_stream import RequestFailed, Stream, said
from modelwright.engines.load_types import Ended, Json, Load, Options, Request, clock, unheard
from modelwright.errors import ConfigError, EngineMissing, ModelRefError
from modelwright.modelrefs import Endpoint
from modelwright.scoring.latency import Record
from modelwright.text import one_line, redact

LONGEST_LINE = 1_000_000
CONNECT_SECONDS = 10.0


class EndpointTarget:
    """One model behind one address. Raises EngineMissing when nobody answers there."""

    name = "endpoint"

    def __init__(self, endpoint: Endpoint, options: Options, *, key_variable: str | None) -> None:
        self._endpoint, self._options = endpoint, options
        self._headers = _headers(endpoint, key_variable)
        self._enforcing, self._marks = options.enforce_output, int(not options.prefix_cache)
        self._served: Json = {}
        self._model = self._model_name()
        self._head, self._per_word, self._counts = self._calibrate()

    def fresh(self) -> None:
        """A server's caches are its own; salted prompts keep them out of the numbers."""

    def card(self) -> Json:
        return {
            "engine": self.name,
            "address": self._endpoint.address,
            "model": self._model,
            "server": self._served.get("server", "not told"),
            "enforces_output": self._enforcing,
            "template_tokens": self._head,
            "counts_tokens": self._counts,
            "sampling": "temperature 0",
        }

    def pids(self) -> list[int]:
        """The process that listens there, with its children, if it is on this machine."""
        if not self._endpoint.is_local:
            return []
        port = httpx.URL(self._endpoint.url).port or (443 if self._endpoint.url.startswith("https") else 80)
        try:
            found = {c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port and c.pid}
            return sorted({child.pid for pid in found for child in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))})
        except psutil.Error:
            return []

    def close(self) -> None:
        """Nothing is held between runs."""

    # before the load --------------------------------------------------------------------------------------------------

    def _model_name(self) -> str:
        try:
            with httpx.Client(timeout=CONNECT_SECONDS, trust_env=not self._endpoint.is_local) as client:
                answer = client.get(f"{self._endpoint.url}/models", headers=self._headers)
        except httpx.HTTPError as error:
            reason = one_line(str(error) or type(error).__name__)
            raise EngineMissing(f"{self._endpoint.address} cannot be reached: {reason}", fix="is the server running?") from None
        self._served["server"] = answer.headers.get("server", "not told")
        if self._endpoint.model:
            return self._endpoint.model
        try:
            names = [str(entry["id"]) for entry in answer.json()["data"]]
        except (ValueError, KeyError, TypeError):
            names = []
        if len(names) != 1:
            raise ModelRefError(f"{self._endpoint.address} has {len(names)} models", fix="name one: openai:URL#NAME")
        return names[0]

    def _calibrate(self) -> tuple[int, float, bool]:
        """Tokens of the chat template and the mark, tokens a word, and whether the server counts at all: two answers of one token."""
        short, long = 8, 136
        a, b = (self._prompt_tokens_of(count) for count in (short, long))
        if a is None or b is None or b <= a:
            return 0, 1.0, False
        per_word = (b - a) / (long - short)
        return max(0, round(a - short * per_word)), per_word, True

    def _prompt_tokens_of(self, words: int) -> int | None:
        """Of a prompt of so many words, with a mark in front where the real ones have one."""
        mark = "" if self._options.prefix_cache else "0f1e2d3c010-0 "
        text = mark + " ".join(WORDS[i % len(WORDS)] for i in range(words))
        body = {"model": self._model, "messages": [{"role": "user", "content": text}], "max_tokens": 1}
        try:
            timeout = httpx.Timeout(self._options.timeout_seconds, connect=CONNECT_SECONDS)
            with httpx.Client(timeout=timeout, trust_env=not self._endpoint.is_local) as client:
                answer = client.post(f"{self._endpoint.url}/chat/completions", json=body, headers=self._headers)
            count = answer.json()["usage"]["prompt_tokens"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None
        return count if isinstance(count, int) and count > 0 else None

    # under load -------------------------------------------------------------------------------------------------------

    def run(self, requests: Sequence[Request], load: Load, ended: Ended = unheard) -> list[Record]:
        return asyncio.run(self._run(requests, load, ended))

    async def _run(self, requests: Sequence[Request], load: Load, ended: Ended) -> list[Record]:
        bodies = [json.dumps(self._body(request)).encode() for request in requests]
        records: list[Record | None] = [None] * len(requests)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=not self._endpoint.is_local) as client:
            began = clock()

            async def one(place: int, moment: float | None) -> None:
                if moment is not None:
                    await asyncio.sleep(max(0.0, began + moment - clock()))
                records[place] = await self._timed(client, requests[place], bodies[place], began, moment)
                ended()

            if load.is_open:
                await asyncio.gather(*(one(place, moment) for place, moment in enumerate(load.arrivals)))
            else:
                await _keep_running(load.concurrency, [one(place, None) for place in range(len(requests))])
        return [record for record in records if record is not None]

    async def _timed(self, client: httpx.AsyncClient, request: Request, body: bytes, began: float, moment: float | None) -> Record:
        sent, stream, error = clock(), Stream(), ""
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                await self._stream(client, request, body, stream)
        except TimeoutError:
            error = f"not finished after {self._options.timeout_seconds:g} s, {len(stream.chunks)} chunks came"
        except RequestFailed as failed:
            error = str(failed)
        except httpx.HTTPError as failed:
            error = f"the connection failed: {one_line(redact(str(failed) or type(failed).__name__), 160)}"
        times = [at - began for at in stream.chunks]
        scheduled = sent - began if moment is None else moment
        return self._record(request, stream, times, scheduled, sent - began, error)

    async def _stream(self, client: httpx.AsyncClient, request: Request, body: bytes, stream: Stream) -> None:
        url = f"{self._endpoint.url}/chat/completions"
        async with client.stream("POST", url, content=body, headers=self._headers) as response:
            if response.status_code != httpx.codes.OK:
                told = (await response.aread()).decode("utf-8", "replace")
                raise RequestFailed(f"the server answers {response.status_code}: {said(told)}")
            async for line in response.aiter_lines():
                if len(line) > LONGEST_LINE:
                    raise RequestFailed(f"the server sent a line of {len(line)} characters")
                stream.take(line, request.output_tokens)
                if stream.done:
                    break
        if not (stream.done or stream.finish):
            raise RequestFailed(f"the server ended the stream in the middle, after {len(stream.chunks)} chunks")
        if not stream.chunks:
            raise RequestFailed("the server ended its answer without a token")

    def _record(self, request: Request, stream: Stream, times: list[float], scheduled: float, sent: float, error: str) -> Record:
        told = stream.usage.get("completion_tokens")
        counted = told if isinstance(told, int) and not isinstance(told, bool) else None
        if counted is not None and not error and not len(times) - 1 <= counted <= request.output_tokens + 1:
            error = f"the server tells {counted} output tokens in {len(times)} chunks where at most {request.output_tokens} were asked for"
        prompt, details = stream.usage.get("prompt_tokens"), stream.usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        return Record(
            index=request.index,
            scheduled=scheduled,
            sent=sent,
            first=times[0] if times else math.nan,
            end=times[-1] if times else math.nan,
            chunks=tuple(times),
            prompt_tokens=prompt if isinstance(prompt, int) else self._guess(request),
            output_tokens=len(times) if counted is None else counted,
            wanted_tokens=request.output_tokens,
            cached_tokens=cached if isinstance(cached, int) else None,
            finish=stream.finish,
            counted_by="chunks" if counted is None else "engine",
            error=error,
        )

    def _guess(self, request: Request) -> int:
        """By the calibration, for a server that tells no usage in its stream."""
        words = len(_content(request, self._words(request)).split()) - self._marks
        return round(self._head + words * self._per_word)

    def _words(self, request: Request) -> int:
        """How many make a prompt of the wanted length; a mark in front counts as one more."""
        return max(1, round((request.prompt_tokens - self._head) / self._per_word)) + self._marks

    def _body(self, request: Request) -> Json:
        messages = list(request.messages) or [{"role": "user", "content": _content(request, self._words(request))}]
        body: Json = {"model": self._model, "messages": messages, "max_tokens": request.output_tokens, "temperature": 0, "stream": True}
        body["stream_options"] = {"include_usage": True}
        if self._enforcing:
            body |= {"ignore_eos": True, "min_tokens": request.output_tokens}
        return body

    def check(self, request: Request) -> None:
        """One answer before the load: finds out whether the server knows the fields that enforce its length."""
        [record] = self.run([request], Load("check", 1))
        if record.error.startswith(("the server answers 400", "the server answers 422")) and self._enforcing:
            self._enforcing = False


def _content(request: Request, words: int) -> str:
    """As many words of the text, or of a conversation's last turn, as the calibration asks for."""
    if request.messages:
        return "\n".join(str(message["content"]) for message in request.messages)
    return " ".join((request.text.split() * 2)[:words])


async def _keep_running(count: int, waiting: list[Coroutine[Any, Any, None]]) -> None:
    """Run all of them, `count` at a time, each as soon as another ends."""
    queue = iter(waiting)

    async def worker() -> None:
        for coroutine in queue:
            await coroutine

    await asyncio.gather(*(worker() for _ in range(count)))


def _headers(endpoint: Endpoint, key_variable: str | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "text/event-stream"}
    if key_variable is None:
        return headers
    key = os.environ.get(key_variable, "")
    if not key:
        raise ConfigError(f"the environment variable {key_variable} is empty", fix=f"export {key_variable}=…")
    if not (endpoint.is_local or endpoint.url.startswith("https://")):
        raise ConfigError(f"a key would go to {endpoint.host} in the clear", fix="use https, or no key for this host")
    return {**headers, "authorization": f"Bearer {key}"}
