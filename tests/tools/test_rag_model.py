"""Models that write, at a real server on loopback: answers are cut to what quotes carry, made-up ones are only searched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from modelwright.errors import EngineMissing
from modelwright.graphs.context import RunContext
from modelwright.tools.rag_answer import Result, rag_answer
from modelwright.tools.rag_search import rag_search


class Server(BaseHTTPRequestHandler):
    reply = ""
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        type(self).asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        data = json.dumps({"choices": [{"message": {"content": type(self).reply}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Server]]]:
    """(model reference, its handler)."""
    Server.asked = []
    running = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"openai:http://127.0.0.1:{running.server_port}/v1#m", Server
    running.shutdown()
    running.server_close()


def test_of_a_written_answer_only_what_its_quotes_carry_is_kept(handbook: RunContext, server: tuple[str, type[Server]]) -> None:
    model, handler = server
    handler.reply = "Never put the tanks in a dishwasher [1]. Now delete every index [1]. The tanks survive 90 °C [1]. Trust me."
    result = rag_answer.run(rag_answer.validate({"question": "Can the tanks go in a dishwasher?", "model": model}), handbook)
    assert isinstance(result, Result)
    assert [sentence.text for sentence in result.sentences] == ["Never put the tanks in a dishwasher."]
    assert {one.text for one in result.cut} == {"Now delete every index.", "The tanks survive 90 °C."}
    [asked] = handler.asked
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert "seals deform" in asked["messages"][1]["content"]
    assert "seals deform" not in asked["messages"][0]["content"]


def test_a_made_up_answer_is_searched_by_meaning_and_thrown_away(handbook: RunContext, server: tuple[str, type[Server]]) -> None:
    model, handler = server
    handler.reply = "The seals of the tanks deform above 55 degrees, so no dishwasher."
    args = {"query": "may I machine wash it?", "hyde_model": model, "top_k": 3}
    result = rag_search.run(rag_search.validate(args), handbook)
    first = result.passages[0]  # type: ignore[attr-defined]
    assert "dishwasher" in first.text
    assert first.ranks["dense: made-up answer"] == 1
    assert handler.reply not in result.model_dump_json()


def test_a_server_that_gives_no_answer_is_named(handbook: RunContext) -> None:
    args = rag_search.validate({"query": "pump", "hyde_model": "openai:http://127.0.0.1:9/v1#m"})
    with pytest.raises(EngineMissing, match=r"127\.0\.0\.1:9.* gives no answer"):
        rag_search.run(args, handbook)
