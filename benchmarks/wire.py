"""A pass-through between a client and a server of streamed chat answers that notes when requests came and tokens left.

Each connection gets a thread and a connection of its own to the server; bytes are handed on as they come. A chunk counts from the
moment its line was read, before it is handed on. NOT here: anything but HTTP/1.1 and server-sent events.
"""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSED_ON = ("content-type", "server")


@dataclass
class Wire:
    """`answers` has the seconds from a request to each of its chunks with text, for requests of `output` tokens."""

    server: str
    output: int
    address: str = ""
    answers: list[list[float]] = field(default_factory=list)

    def forget(self) -> None:
        self.answers.clear()

    def medians(self) -> tuple[float, float]:
        """TTFT and TPOT in ms, as the clients count them."""
        whole = [times for times in self.answers if len(times) > 1]
        gaps = [(times[-1] - times[0]) / (len(times) - 1) for times in whole]
        return 1e3 * statistics.median(times[0] for times in whole), 1e3 * statistics.median(gaps)


@contextmanager
def listening(server: str, output: int) -> Iterator[Wire]:
    wire = Wire(server, output)
    handler = type("Handler", (_Handler,), {"wire": wire})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as front:
        front.daemon_threads = True
        wire.address = f"127.0.0.1:{front.server_address[1]}"
        threading.Thread(target=front.serve_forever, daemon=True).start()
        yield wire
        front.shutdown()


class _Handler(BaseHTTPRequestHandler):
    wire: Wire
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the client went away between two requests
            return

    def do_GET(self) -> None:
        self._pass_on("GET", b"", None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(body)
        counted = asked.get("stream") and asked.get("max_tokens") == self.wire.output
        self._pass_on("POST", body, [] if counted else None)

    def _pass_on(self, method: str, body: bytes, times: list[float] | None) -> None:
        began = time.perf_counter()
        upstream = http.client.HTTPConnection(self.wire.server)
        headers = {name: self.headers[name] for name in ("content-type", "accept") if self.headers[name]}
        upstream.request(method, self.path, body, headers)
        answer = upstream.getresponse()
        self.send_response(answer.status)
        for name in PASSED_ON:
            if answer.headers[name]:
                self.send_header(name, answer.headers[name])
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for line in answer:
            if times is not None and _has_text(line):
                times.append(time.perf_counter() - began)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")
        upstream.close()
        if times:
            self.wire.answers.append(times)


def _has_text(line: bytes) -> bool:
    if not line.startswith(b"data: {"):
        return False
    choices = json.loads(line[6:]).get("choices") or [{}]
    return bool(choices[0].get("delta", {}).get("content"))
