"""Fallbacks, patience and budgets, through real HTTP."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelwright.config import GatewaySettings, Settings
from modelwright.errors import BudgetSpent, ConfigError, EngineMissing
from modelwright.models import open_model
from modelwright.models.base import Choice, ModelCall, PlanningModel
from modelwright.models.gateway import Gateway, Metered
from modelwright.models.prices import Price
from modelwright.models.spending import Spending
from modelwright.workspace import Workspace
from tests.models import fault_proxy
from tests.models.fault_proxy import Proxy, refuse, says

CHOICES = ["red", "blue"]
RED = says('{"choice": "red"}', usage={"prompt_tokens": 100, "completion_tokens": 10})


def opened(server: Proxy, workspace: Path, **gateway: Any) -> PlanningModel:
    extra = {name: gateway.pop(name) for name in ("prices",) if name in gateway}
    model = open_model(Settings(model=server.ref, gateway=GatewaySettings(**gateway), **extra), workspace)
    assert model
    return model


def choose(model: PlanningModel) -> Choice:
    return model.choose("which?", CHOICES, purpose="colour", examples={})


def calls(workspace: Path) -> list[sqlite3.Row]:
    with contextlib.closing(Workspace(workspace).connect()) as db:
        return db.execute("select * from model_calls order by time").fetchall()


@pytest.fixture
def second_server() -> Iterator[Proxy]:
    with fault_proxy.running() as running:
        yield running


def test_a_rate_limit_is_waited_for_as_long_as_the_server_asks(toy_server: Proxy, workspace: Path) -> None:
    toy_server.next(refuse(429, retry_after="0.05"), refuse(503, retry_after="0"), RED)
    answer = choose(opened(toy_server, workspace))
    assert answer.text == "red"
    errors = [(e.error[-11:], e.waited_seconds) for e in answer.exchanges]
    assert errors == [("ers 429: no", 0.0), ("ers 503: no", 0.05), ("", 0.0)]
    assert len({e.id for e in answer.exchanges}) == 3
    assert len({e.prompt_sha256 for e in answer.exchanges}) == 1


def test_a_dropped_stream_is_tried_again_with_the_real_server(proxy: Proxy, workspace: Path) -> None:
    proxy.next(refuse(500, "response_format"), fault_proxy.drop_after(4))
    answer = choose(opened(proxy, workspace))
    assert answer.text in CHOICES
    assert "dropped" in answer.exchanges[0].error
    assert answer.exchanges[0].prompt_tokens > 0  # read, and lost


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_question_or_key_is_asked_once(toy_server: Proxy, workspace: Path, status: int) -> None:
    toy_server.next(refuse(status))
    with pytest.raises(EngineMissing, match=str(status)):
        choose(opened(toy_server, workspace))
    assert len(toy_server.seen) == 1


def test_a_long_wait_is_not_waited(toy_server: Proxy, second_server: Proxy, workspace: Path) -> None:
    toy_server.next(refuse(429, retry_after="3600"))
    second_server.next(RED)
    answer = choose(opened(toy_server, workspace, fallbacks=[second_server.ref]))
    assert answer.text == "red"
    call = ModelCall.of("first", "colour", "0" * 64, {}, answer.text, answer)
    assert call.answered_by == f"{second_server.address}/v1#toy"
    assert [e.model for e in call.exchanges] == [f"{toy_server.address}/v1#toy", f"{second_server.address}/v1#toy"]


def test_a_server_that_hangs_is_passed_over(toy_server: Proxy, workspace: Path) -> None:
    (workspace / "s.toml").write_text('choices = ["blue"]')
    toy_server.next(fault_proxy.hang)
    answer = choose(opened(toy_server, workspace, fallbacks=["scripted:s.toml"], first_token_seconds=0.2))
    assert (answer.text, [e.model for e in answer.exchanges][1:]) == ("blue", ["scripted:s.toml"])
    assert "said nothing for 0.2 s" in answer.exchanges[0].error


def test_when_none_answers_each_reason_is_told(toy_server: Proxy, second_server: Proxy, workspace: Path) -> None:
    toy_server.next(refuse(401))
    second_server.next(refuse(404))
    with pytest.raises(EngineMissing, match=r"none of 2 models answers: .*401.*404"):
        choose(opened(toy_server, workspace, fallbacks=[second_server.ref]))


def test_every_try_is_in_the_books_with_what_it_cost(toy_server: Proxy, workspace: Path) -> None:
    (workspace / "prices.toml").write_text('[[price]]\nmodel = "127.*"\nprompt = 10\nanswer = 100\n')
    toy_server.next(refuse(503, retry_after="0"), RED)
    answer = choose(opened(toy_server, workspace, prices="prices.toml"))
    assert [e.cost for e in answer.exchanges] == [0.0, pytest.approx(0.002)]
    rows = calls(workspace)
    assert [(row["prompt_tokens"], row["output_tokens"], row["cost"]) for row in rows] == [(0, 0, 0.0), (100, 10, pytest.approx(0.002))]
    assert rows[0]["error"].endswith("503: no")
    assert ModelCall.of("m", "p", "", {}, "red", answer).cost == pytest.approx(0.002)


def test_the_budget_of_a_request_begins_again_with_the_next(toy_server: Proxy, workspace: Path) -> None:
    toy_server.next(RED, RED)
    model = opened(toy_server, workspace, request_tokens=400)
    choose(model)
    with pytest.raises(BudgetSpent, match=r"gateway\.request_tokens: 110 of 400 tokens are spent"):
        choose(model)
    assert isinstance(model, Gateway)
    model.begin_request()
    assert choose(model).text == "red"
    assert len(toy_server.seen) == 2


def test_the_budget_of_a_day_is_kept_across_processes_and_ends_with_it(workspace: Path) -> None:
    now = [86_400.0 * 20_000 + 5]
    books = Spending(Workspace(workspace), GatewaySettings(day_cost=0.006), clock=lambda: now[0])
    chat = Toy()
    first = Metered(chat, Price(model="*", prompt=10, answer=10), GatewaySettings(), books)
    first.complete([{"role": "user", "content": "x"}], {}, max_tokens=500)
    other = Spending(Workspace(workspace), GatewaySettings(day_cost=0.006), clock=lambda: now[0])
    second = Metered(chat, Price(model="*", prompt=10, answer=10), GatewaySettings(), other)
    with pytest.raises(BudgetSpent, match=r"gateway\.day_cost"):
        second.complete([{"role": "user", "content": "x"}], {}, max_tokens=500)
    now[0] += 86_400
    second.complete([{"role": "user", "content": "x"}], {}, max_tokens=500)
    assert chat.asked == 2


def test_a_budget_in_dollars_refuses_an_unknown_price(workspace: Path) -> None:
    books = Spending(Workspace(workspace), GatewaySettings(day_cost=1))
    with pytest.raises(BudgetSpent, match="price of toy is unknown"):
        Metered(Toy(), None, GatewaySettings(), books).complete([], {}, max_tokens=5)
    without = Metered(Toy(), None, GatewaySettings(), Spending(Workspace(workspace), GatewaySettings()))
    assert without.complete([], {}, max_tokens=5).exchanges[0].cost is None


def test_a_call_that_was_killed_has_spent_its_reserve(workspace: Path) -> None:
    class Killed(Toy):
        def complete(self, *args: Any, **kwargs: Any) -> Any:
            raise SystemExit

    price = Price(model="*", prompt=0, answer=1_000_000)
    with pytest.raises(SystemExit):
        Metered(Killed(), price, GatewaySettings(), NeverSettles(Workspace(workspace), GatewaySettings())).complete([], {}, max_tokens=3)
    assert calls(workspace)[0]["cost"] == 3.0


def test_without_a_setting_a_folder_may_not_say_where_keys_go(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelwright import config

    (workspace / "modelwright.toml").write_text('[gateway.keys]\n"evil.example" = "AWS_SECRET"\n')
    with pytest.raises(ConfigError, match=r"gateway\.keys is read from your own file only"):
        config.load(workspace, environ={})
    (workspace / "modelwright.toml").write_text('vllm_python = "bin/evil"\n')
    with pytest.raises(ConfigError, match="vllm_python is read from your own file only"):
        config.load(workspace, environ={})
    own = config.own_file()
    own.parent.mkdir(parents=True)
    own.write_text('vllm_python = "/opt/vllm/bin/python"\n[gateway.keys]\n"api.example.com" = "EXAMPLE_KEY"\n')
    (workspace / "modelwright.toml").write_text('[gateway]\nretries = 1\nfallbacks = ["m.gguf", "builtin"]\n')
    settings = config.load(workspace, environ={"MODELWRIGHT_GATEWAY__DAY_COST": "2.5"})
    assert settings.gateway.keys == {"api.example.com": "EXAMPLE_KEY"}
    assert (settings.vllm_python, settings.gateway.retries, settings.gateway.day_cost) == ("/opt/vllm/bin/python", 1, 2.5)
    assert settings.gateway.fallbacks == [str(workspace / "m.gguf"), "builtin"]


class Toy:
    """A chat model that always takes 100 and 10 tokens."""

    name = "toy"

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, messages: Any, schema: Any, *, max_tokens: int) -> Any:
        from modelwright.models.chat import Reply

        self.asked += 1
        return Reply("{}", 100, 10, seconds=1.0, ttft_seconds=0.1)

    def close(self) -> None:
        pass


class NeverSettles(Spending):
    def settle(self, call: Any) -> None:
        """As if the process had ended before."""
