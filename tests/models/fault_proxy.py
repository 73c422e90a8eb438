"""A small HTTP server in front of a real one, which goes wrong when it is told to.

    proxy.next(refuse(429, retry_after="0"), drop_after(3))     # for the next two questions, then it passes on

It listens on loopback and keeps what it was sent. Without a server behind it, every question needs a fault or an answer.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Proxy:
    """`behind` is host:port of the real server, empty for none."""

    behind: str = ""
    acts: deque[Act] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    models: list[str] = field(default_factory=lambda: ["toy"])
    address: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def next(self, *acts: Act) -> None:
        self.acts.extend(acts)

    @property
    def ref(self) -> str:
        return f"openai:http://{self.address}/v1#toy"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        listed = {"object": "list", "data": [{"id": name} for name in self.proxy.models]}
        self.proxy.seen.append(Seen(self.path, dict(self.headers), {}))
        whole(self, 200, json.dumps(listed))

    def do_POST(self) -> None:
        self.raw = self.rfile.read(int(self.headers["content-length"]))
        self.proxy.seen.append(Seen(self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(self.raw)))
        act = self.proxy.acts.popleft() if self.proxy.acts else pass_on
        act(self)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def event(self, content: str, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
        self.chunk(b"data: " + json.dumps({"id": "call_0", "choices": [choice]}).encode() + b"\n\n")


def whole(handler: Handler, status: int, text: str, **headers: str) -> None:
    body = text.encode()
    handler.send_response(status)
    for name, value in {"content-type": "application/json", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def refuse(status: int, message: str = "no", **headers: str) -> Act:
    return lambda handler: whole(handler, status, json.dumps({"error": {"message": message}}), **headers)


def says(*texts: str, finish: str = "stop", usage: dict[str, int] | None = None) -> Act:
    """A stream with these pieces of an answer."""

    def act(handler: Handler) -> None:
        handler.start_stream()
        for text in texts:
            handler.event(text)
        handler.event("", finish)
        if usage:
            handler.chunk(b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n")
        handler.chunk(b"data: [DONE]\n\n")
        handler.chunk(b"")

    return act


def says_whole(text: str) -> Act:
    """No stream although one was asked for, with line breaks as some servers write them."""
    body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}
    return lambda handler: whole(handler, 200, json.dumps(body, indent=2))


def malformed(handler: Handler) -> None:
    handler.start_stream()
    handler.event("{")
    handler.chunk(b"data: {oops\n\n")


def hang(handler: Handler) -> None:
    """Takes the question and never answers."""
    handler.proxy.closing.wait()


def hang_after(pieces: int) -> Act:
    """A few pieces, then only the comments that keep a connection open."""

    def act(handler: Handler) -> None:
        handler.start_stream()
        for _ in range(pieces):
            handler.event("x")
        with contextlib.suppress(OSError):
            while not handler.proxy.closing.wait(0.05):
                handler.chunk(b": ping\n\n")

    return act


def stop_after(pieces: int) -> Act:
    """Ends the stream in good order, but in the middle of the answer."""

    def act(handler: Handler) -> None:
        handler.start_stream()
        for _ in range(pieces):
            handler.event("x")
        handler.chunk(b"")

    return act


def drop_after(pieces: int) -> Act:
    """Passes some of the real server's stream on, then cuts the connection."""

    def act(handler: Handler) -> None:
        with _real_answer(handler) as answer:
            handler.start_stream()
            for piece in itertools.islice(answer, pieces):
                handler.chunk(piece)
        handler.close_connection = True
        handler.connection.close()

    return act


def pass_on(handler: Handler) -> None:
    with _real_answer(handler) as answer:
        if answer.status != 200:
            whole(handler, answer.status, answer.read().decode())
            return
        handler.start_stream()
        for piece in answer:
            handler.chunk(piece)
        handler.chunk(b"")


@contextlib.contextmanager
def _real_answer(handler: Handler) -> Iterator[http.client.HTTPResponse]:
    with contextlib.closing(http.client.HTTPConnection(handler.proxy.behind, timeout=60)) as connection:
        connection.request("POST", handler.path, handler.raw, {"content-type": "application/json"})
        yield connection.getresponse()


@contextlib.contextmanager
def running(behind: str = "") -> Iterator[Proxy]:
    proxy = Proxy(behind)
    handler = type("Bound", (Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    proxy.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
