"""Against llama-cpp-python's own server with the built-in model, and through a proxy that goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.errors import ConfigError
from modelwright.modelrefs import Endpoint, endpoint
from modelwright.models import jsonplan
from modelwright.models.chat import Messages
from modelwright.models.failures import CallFailed
from modelwright.models.openai_compatible import Clocks, OpenAIChat
from tests.models import fault_proxy
from tests.models.fault_proxy import Proxy

ASKED: Messages = [{"role": "user", "content": "Pick one: red or blue?"}]
COLOURS = jsonplan.choice_schema(["red", "blue"])
QUICK = Clocks(connect=2, first_token=0.3, between_tokens=0.3, total=20)


def chat_of(proxy: Proxy, **options: object) -> OpenAIChat:
    return OpenAIChat(endpoint(proxy.ref), **options)  # type: ignore[arg-type]


def test_a_real_server_keeps_to_the_schema_once_it_is_asked_in_its_own_dialect(proxy: Proxy) -> None:
    chat = chat_of(proxy)
    reply = chat.complete(ASKED, COLOURS, max_tokens=32)
    assert json.loads(reply.text)["choice"] in ("red", "blue")
    styles = [seen.body["response_format"]["type"] for seen in proxy.seen]
    assert styles == ["json_schema", "json_object"]  # refused with status 500, then held to the schema
    assert reply.tokens_estimated  # this server tells no usage in a stream
    assert reply.output_tokens > 1
    assert 0 < reply.ttft_seconds < reply.seconds
    chat.complete(ASKED, COLOURS, max_tokens=32)
    assert len(proxy.seen) == 3  # what worked is kept


def test_a_stream_that_is_dropped_in_the_middle_is_no_answer(proxy: Proxy) -> None:
    proxy.next(fault_proxy.refuse(500, "response_format"), fault_proxy.drop_after(6))
    with pytest.raises(CallFailed, match=r"dropped the connection after [0-9]+ chunks") as failed:
        chat_of(proxy).complete(ASKED, COLOURS, max_tokens=32)
    assert failed.value.again
    assert failed.value.read


def test_a_stream_that_ends_early_in_good_order_is_no_answer_either(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.stop_after(2))
    with pytest.raises(CallFailed, match="in the middle of its answer, after 2 chunks") as failed:
        chat_of(toy_server).complete(ASKED, COLOURS, max_tokens=32)
    assert failed.value.again


@pytest.mark.parametrize(("status", "again"), [(429, True), (500, True), (503, True), (400, False), (401, False), (404, False)])
def test_a_refusal_says_whether_another_try_helps(toy_server: Proxy, status: int, again: bool) -> None:
    toy_server.next(fault_proxy.refuse(status, "not now", retry_after="7"))
    with pytest.raises(CallFailed, match=f"answers {status}: not now") as failed:
        chat_of(toy_server).complete(ASKED, COLOURS, max_tokens=32)
    assert (failed.value.again, failed.value.wait_seconds) == (again, 7.0)


def test_an_empty_account_is_no_rate_limit(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.refuse(429, "insufficient_quota: pay first"))
    with pytest.raises(CallFailed) as failed:
        chat_of(toy_server).complete(ASKED, COLOURS, max_tokens=32)
    assert not failed.value.again


def test_malformed_json_is_shown(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.malformed)
    with pytest.raises(CallFailed, match=r"no JSON object: .\{oops"):
        chat_of(toy_server).complete(ASKED, COLOURS, max_tokens=32)


def test_a_server_that_never_answers_is_left(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.hang)
    with pytest.raises(CallFailed, match=r"said nothing for 0\.3 s") as failed:
        chat_of(toy_server, clocks=QUICK).complete(ASKED, COLOURS, max_tokens=32)
    assert not failed.value.again
    assert "first_token_seconds" in failed.value.fix


def test_comments_do_not_keep_a_silent_stream_alive(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.hang_after(2))
    with pytest.raises(CallFailed, match="in the middle of its answer"):
        chat_of(toy_server, clocks=Clocks(first_token=20, between_tokens=0.3)).complete(ASKED, COLOURS, max_tokens=32)


def test_nobody_at_the_address_is_worth_another_try() -> None:
    with pytest.raises(CallFailed, match="cannot be reached") as failed:
        OpenAIChat(Endpoint("http://127.0.0.1:1/v1", "x")).complete(ASKED, COLOURS, max_tokens=32)
    assert failed.value.again


def test_a_server_that_does_not_stream_is_understood(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.says_whole('{"choice": "red"}'))
    reply = chat_of(toy_server).complete(ASKED, COLOURS, max_tokens=32)
    assert (reply.text, reply.prompt_tokens, reply.output_tokens, reply.tokens_estimated) == ('{"choice": "red"}', 7, 5, False)


def test_usage_comes_from_the_server_and_an_answer_that_was_cut_is_marked(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.says('{"cho', finish="length", usage={"prompt_tokens": 11, "completion_tokens": 3}))
    reply = chat_of(toy_server).complete(ASKED, COLOURS, max_tokens=3)
    assert (reply.prompt_tokens, reply.output_tokens, reply.tokens_estimated, reply.cut) == (11, 3, False, True)


def test_without_a_name_the_only_model_is_taken_and_several_are_listed(toy_server: Proxy) -> None:
    toy_server.next(fault_proxy.says("{}"))
    OpenAIChat(endpoint(f"openai:http://{toy_server.address}/v1")).complete(ASKED, COLOURS, max_tokens=8)
    assert toy_server.seen[-1].body["model"] == "toy"
    toy_server.models = ["a", "b"]
    with pytest.raises(CallFailed, match="has 2 models: a, b"):
        OpenAIChat(endpoint(f"openai:http://{toy_server.address}/v1")).complete(ASKED, COLOURS, max_tokens=8)


def test_a_key_goes_to_its_host_and_into_no_message(toy_server: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_PASS", "correct horse battery")
    toy_server.next(fault_proxy.refuse(401, "wrong: correct horse battery"))
    chat = chat_of(toy_server, key_variable="TOY_PASS")
    with pytest.raises(CallFailed) as failed:
        chat.complete(ASKED, COLOURS, max_tokens=8)
    assert toy_server.seen[0].headers["authorization"] == "Bearer correct horse battery"
    assert "horse" not in str(failed.value)
    chat_of(toy_server)
    monkeypatch.delenv("TOY_PASS")
    with pytest.raises(ConfigError, match="TOY_PASS is empty"):
        chat.complete(ASKED, COLOURS, max_tokens=8)


def test_a_key_does_not_leave_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_PASS", "x")
    with pytest.raises(ConfigError, match="in the clear"):
        OpenAIChat(Endpoint("http://example.invalid/v1", "m"), key_variable="TOY_PASS").complete(ASKED, COLOURS, max_tokens=8)


def test_a_redirect_is_not_followed(toy_server: Proxy, tmp_path: Path) -> None:
    toy_server.next(fault_proxy.refuse(307, "go there", location="http://example.invalid/v1/chat/completions"))
    with pytest.raises(CallFailed, match="answers 307"):
        chat_of(toy_server).complete(ASKED, COLOURS, max_tokens=8)
