"""A real llama_cpp.server under load, and a scripted one that lies, hangs, refuses and breaks off."""

from __future__ import annotations

from typing import Any

import pytest

from modelwright.engines.bench_prompts import Lengths, made
from modelwright.engines.load_endpoint import EndpointTarget
from modelwright.engines.load_types import Options, closed, opened
from modelwright.errors import ConfigError, EngineMissing
from modelwright.modelrefs import Endpoint, endpoint
from modelwright.scoring import latency
from modelwright.scoring.latency import Record
from tests import servers


def target(ref: str, *, timeout: float = 30, enforce: bool = True, prefix_cache: bool = False) -> EndpointTarget:
    return EndpointTarget(endpoint(ref), Options(enforce, prefix_cache, timeout), key_variable=None)


def ask(script: servers.Script, count: int = 1, tokens: int = 4, **options: Any) -> list[Record]:
    return target(script.ref, **options).run(made(Lengths(20, tokens), count, seed=1, salt="x"), closed(2))


def test_a_real_server_streams_the_tokens_that_were_asked_for(llama_server: str) -> None:
    records = target(f"openai:http://{llama_server}/v1#smollm2").run(made(Lengths(48, 4), 2, seed=1, salt="ab-"), closed(1))
    assert [(record.error, record.output_tokens, record.wanted_tokens) for record in records] == [("", 4, 4)] * 2
    assert all(0 <= record.sent < record.first < record.end for record in records)
    assert all(abs(record.prompt_tokens - 48) <= 4 for record in records)
    assert {record.counted_by for record in records} == {"chunks"}  # this server tells no usage in its stream


def test_a_good_server_is_counted_by_its_own_usage() -> None:
    with servers.scripted(cached=5) as script:
        [record] = ask(script, tokens=6)
    assert (record.error, record.output_tokens, record.counted_by, record.cached_tokens, record.finish) == ("", 6, "engine", 5, "length")
    assert record.prompt_tokens == 20
    asked = script.asked[0]
    assert (asked["max_tokens"], asked["min_tokens"], asked["ignore_eos"], asked["temperature"]) == (6, 6, True, 0)


def test_prompts_begin_with_a_mark_unless_the_cache_is_wanted() -> None:
    with servers.scripted() as script:
        target(script.ref).run(made(Lengths(20, 2), 2, seed=1, salt="salt-"), closed(1))
        target(script.ref, prefix_cache=True).run(made(Lengths(20, 2), 2, seed=1, salt=None), closed(1))
    salted, plain = ([body["messages"][0]["content"] for body in part] for part in (script.asked[:2], script.asked[2:]))
    assert [text.split()[0] for text in salted] == ["salt-0", "salt-1"]
    assert plain[0] == plain[1]


def test_several_tokens_in_a_chunk_give_as_many_tokens_as_the_server_counts() -> None:
    with servers.scripted(tokens_a_chunk=3) as script:
        [record] = ask(script, tokens=6)
    assert (record.output_tokens, len(record.chunks), record.error) == (6, 2, "")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("refuse", "answers 500: out of order"),
        ("lie", "tells 10000 output tokens in 4 chunks where at most 4 were asked for"),
        ("endless", "does not end: 25 chunks for at most 4 tokens"),
        ("drop", "ended the stream in the middle, after 2 chunks"),
        ("garbage", "no JSON object"),
        ("empty", "without a token"),
        ("silent", "not finished after 0.3 s, 0 chunks came"),
    ],
)
def test_what_a_server_does_wrong_is_a_failed_request_in_one_line_and_the_others_stand(act: str, said: str) -> None:
    with servers.scripted(acts=["good", act, "good"]) as script:
        timeout = 0.3 if act == "silent" else 30
        records = target(script.ref, timeout=timeout).run(made(Lengths(20, 4), 3, seed=1, salt="x"), closed(1))
    assert [bool(record.error) for record in records] == [False, True, False]
    assert said in records[1].error
    assert "\n" not in records[1].error


def test_a_server_that_went_away_gives_failed_requests() -> None:
    with servers.scripted() as script:
        there = target(script.ref)
    [record] = there.run(made(Lengths(20, 4), 1, seed=1, salt="x"), closed(1))
    assert "connection failed" in record.error


def test_a_server_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(EngineMissing, match=r"127\.0\.0\.1:1/v1#x cannot be reached"):
        target("openai:http://127.0.0.1:1/v1#x")


def test_a_strict_server_is_asked_without_the_fields_that_it_refuses() -> None:
    with servers.scripted(acts=["strict"]) as script:
        there = target(script.ref)
        request = made(Lengths(20, 4), 1, seed=1, salt="x")
        there.check(request[0])
        assert there.card()["enforces_output"] is False
        assert [record.error for record in there.run(request, closed(1))] == [""]


def test_without_usage_tokens_are_counted_as_chunks() -> None:
    with servers.scripted(usage=False) as script:
        [record] = ask(script)
    assert (record.output_tokens, record.counted_by, record.prompt_tokens) == (4, "chunks", 20)


def test_an_open_load_is_sent_when_it_is_due_and_not_when_there_is_room() -> None:
    with servers.scripted(seconds_a_token=0.05) as script:
        load = opened(20, 4, "constant", 1, seed=1)
        records = target(script.ref).run(made(Lengths(20, 4), 4, seed=1, salt="x"), load)
    assert [record.scheduled for record in records] == pytest.approx([0, 0.05, 0.1, 0.15])
    assert all(record.sent >= record.scheduled for record in records)
    assert records[1].sent < records[0].end  # the first was still running
    assert latency.values(records, "queue_ms")


def test_the_servers_own_process_is_found() -> None:
    import os

    with servers.scripted() as script:
        assert os.getpid() in target(script.ref).pids()


def test_a_key_does_not_leave_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KEY", "secret-value")
    options = Options(True, False, 1)
    with pytest.raises(ConfigError, match="in the clear"):
        EndpointTarget(Endpoint("http://example.org/v1", "m"), options, key_variable="TOY_KEY")
    monkeypatch.setenv("TOY_KEY", "")
    with pytest.raises(ConfigError, match="TOY_KEY is empty"):
        EndpointTarget(Endpoint("https://example.org/v1", "m"), options, key_variable="TOY_KEY")
