"""A chat server for tests that streams as it is told: well, falsely, for ever, not at all. It listens on loopback only."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass
class Script:
    """How the server behaves; `acts[n]` is for the n-th streamed question, the last one for all that follow.

    good; refuse: 500; strict: 400 for fields that OpenAI has not; lie: a false count; endless; drop: ends in the middle;
    garbage: no JSON; silent: nothing comes; empty: no token.
    """

    acts: list[str] = field(default_factory=lambda: ["good"])
    usage: bool = True
    seconds_a_token: float = 0.0
    tokens_a_chunk: int = 1
    cached: int | None = None
    asked: list[Json] = field(default_factory=list)
    address: str = ""

    @property
    def ref(self) -> str:
        return f"openai:http://{self.address}/v1#toy"

    def next_act(self) -> str:
        return self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]


class _Handler(BaseHTTPRequestHandler):
    script: Script

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._whole(200, {"data": [{"id": "toy"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.prompt_tokens = 7 + sum(len(message["content"].split()) for message in body["messages"])
        if not body.get("stream"):
            self._whole(200, {"choices": [], "usage": {"prompt_tokens": self.prompt_tokens, "completion_tokens": 1}})
            return
        self.script.asked.append(body)
        act = self.script.next_act()
        if act == "refuse":
            self._whole(500, {"error": {"message": "out of order"}})
        elif act == "strict" and "ignore_eos" in body:
            self._whole(400, {"error": {"message": "unknown field ignore_eos"}})
        else:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._stream(act, body["max_tokens"])

    def _whole(self, status: int, body: Json) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, act: str, most: int) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self._say({"choices": [{"delta": {"role": "assistant"}}]})
        if act == "silent":
            time.sleep(1.5)
            return
        tokens = {"endless": 100_000, "drop": 2, "empty": 0, "strict": most}.get(act, most)
        for start in range(0, tokens, self.script.tokens_a_chunk):
            if self.script.seconds_a_token:
                time.sleep(self.script.seconds_a_token)
            words = "word " * min(self.script.tokens_a_chunk, tokens - start)
            self._say({"choices": [{"delta": {"content": words}}]})
        if act == "garbage":
            self.wfile.write(b"data: {not json\n\n")
        if act != "drop":
            self._end(10_000 if act == "lie" else tokens)

    def _end(self, tokens: int) -> None:
        self._say({"choices": [{"delta": {}, "finish_reason": "length"}]})
        if self.script.usage:
            usage: Json = {"prompt_tokens": self.prompt_tokens, "completion_tokens": tokens}
            if self.script.cached is not None:
                usage["prompt_tokens_details"] = {"cached_tokens": self.script.cached}
            self._say({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _say(self, body: Json) -> None:
        self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())
        self.wfile.flush()


@contextlib.contextmanager
def scripted(**how: Any) -> Iterator[Script]:
    script = Script(**how)
    handler = type("Handler", (_Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        script.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
