"""benchmark through real child processes: in process, over HTTP, compared, swept, and when the server goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from modelwright.engines import gguf_write
from modelwright.errors import BadRequest, DataError, EngineMissing, ToolFailed
from modelwright.graphs.context import RunContext
from modelwright.scoring.latency import DEFINITIONS
from modelwright.tools.benchmark import Args, Result, benchmark, checks, estimate
from modelwright.tools.cost import cost
from tests import servers
from tests.engines import tiny

SMALL = {"prompt_tokens": 20, "output_tokens": 4, "requests": 3}


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tiny.make(tmp_path_factory.mktemp("tiny") / "model")
    path = folder.parent / "tiny.gguf"
    gguf_write.write(folder, tiny.tokenizer_for("llama"), path, dtype="f32", name="t", progress=lambda *a, **k: None)
    return str(path)


def run(context: RunContext, **args: Any) -> tuple[Args, Result]:
    context.settings.threads = 1
    checked = benchmark.validate({**SMALL, **args})
    assert isinstance(checked, Args)
    result = benchmark.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(result.requests_path).read_text(encoding="utf-8").splitlines()]


def failed(args: Args, result: Result) -> list[str]:
    return [check.name for check in checks(args, result) if not check.passed]


def test_closed_loads_of_a_gguf_file_are_measured_with_cards_records_and_a_plot(tool_context: RunContext, gguf: str) -> None:
    args, result = run(tool_context, model=gguf, concurrency=[1, 2], ttft_ms=60_000, repeats=2)
    assert failed(args, result) == []
    assert (result.engine, [point.load for point in result.points]) == ("llama.cpp", ["concurrency 1", "concurrency 2"])
    point = result.points[0]
    assert (point.requests, point.errors, point.output_as_asked, point.cached_tokens) == (6, 0, True, 0)
    assert point.ttft_ms is not None
    assert point.ttft_ms.definition == DEFINITIONS["ttft_ms"]
    assert point.goodput is not None
    assert point.goodput.share == 1
    assert len(point.output_tokens_per_second.repeats) == 2
    assert point.machine.peak_memory_bytes is not None
    assert len(lines(result)) == 12
    assert {line["output_tokens"] for line in lines(result)} == {4}

    workload = json.loads((tool_context.output_dir / "workload.json").read_text(encoding="utf-8"))
    assert workload["sides"][0]["threads"] == 1
    assert json.loads(workload["replay"].split("--args '")[1][:-1])["concurrency"] == [1, 2]
    assert json.loads((tool_context.output_dir / "system.json").read_text(encoding="utf-8"))["versions"]["llama-cpp-python"]
    assert Path(result.plot_path or "").read_bytes().startswith(b"\x89PNG")
    assert {artifact.kind for artifact in result.artifacts} == {"requests", "workload", "system", "plot", "result"}
    assert any("p99 is left out" in note for note in result.notes)

    asked = cost.validate({"benchmark_result": result.result_path, "power_watts": 50, "electricity_price": 0.2, "hardware_price": 0})
    bill = cost.run(asked, tool_context)
    assert bill.model_dump()["options"][0]["complete"], "what benchmark left is enough for cost"


def test_an_open_load_and_rows_of_a_data_set(tool_context: RunContext, workspace: Path, gguf: str) -> None:
    turns = [{"role": "user", "content": "What is a cat?"}, {"role": "assistant", "content": "An animal."}]
    (workspace / "d.jsonl").write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    args, result = run(tool_context, model=gguf, rate=[500.0], dataset="d.jsonl", enforce_output=False)
    assert failed(args, result) == []
    [point] = result.points
    assert (point.kind, point.rate, point.load) == ("open", 500.0, "500 requests/s, poisson")
    assert point.output_as_asked is None
    assert point.scheduled_e2e_ms is not None
    assert result.workload["dataset"]["prompts"] == 1


def test_a_sweep_finds_its_rates_itself(tool_context: RunContext, gguf: str) -> None:
    args, result = run(tool_context, model=gguf, sweep=True, requests=2, concurrency=[2])
    assert failed(args, result) == []
    kinds = [point.kind for point in result.points]
    assert kinds == ["closed"] * 2 + ["open"] * 6
    assert result.knee is not None or any("no knee" in note for note in result.notes)
    assert ("the knee is at" in result.summary) == (result.knee is not None)


def test_the_same_model_against_itself_takes_turns_and_the_verdict_follows_the_interval(tool_context: RunContext, gguf: str) -> None:
    args, result = run(tool_context, model=gguf, baseline=gguf, requests=1, output_tokens=3, warmup=0)
    assert failed(args, result) == []
    assert {point.side for point in result.points} == {"tiny.gguf", "tiny.gguf (baseline)"}
    order = [(line["repeat"], line["side"].endswith("(baseline)")) for line in lines(result)]
    assert order[:6] == [(0, True), (0, False), (1, False), (1, True), (2, True), (2, False)]
    decisive = result.comparison[0]
    assert (decisive.metric, decisive.blocks) == ("output_tokens_per_second", 8)
    assert decisive.low is not None
    assert decisive.high is not None
    assert (result.verdict == "cannot tell") == (decisive.low <= 0 <= decisive.high)


def test_a_slow_server_loses_against_a_fast_one(tool_context: RunContext) -> None:
    with servers.scripted(seconds_a_token=0.05) as slow, servers.scripted() as fast:
        args, result = run(tool_context, model=fast.ref, baseline=slow.ref, requests=1, warmup=0)
    assert failed(args, result) == []
    assert result.verdict == "model is better"
    assert "model is better: throughput +" in result.summary
    assert result.engine == "endpoint"


def test_failed_requests_are_kept_and_counted_and_fail_the_check(tool_context: RunContext) -> None:
    with servers.scripted(acts=["good", "good", "refuse", "lie", "good"]) as script:  # the first answer is a probe, the second warms up
        args, result = run(tool_context, model=script.ref, requests=4)
    [point] = result.points
    assert (point.requests, point.errors) == (4, 2)
    assert sorted(line["error"][:20] for line in lines(result) if line["error"]) == ["the server answers 5", "the server tells 100"]
    assert failed(args, result) == ["requests succeeded"]
    assert any("2 of 4 requests failed" in note for note in result.notes)


def test_when_every_request_fails_it_says_why_in_one_line_and_keeps_the_records(tool_context: RunContext) -> None:
    with servers.scripted(acts=["refuse"]) as script, pytest.raises(ToolFailed, match="all 3 requests failed: the server answers 500"):
        run(tool_context, model=script.ref)
    kept = (tool_context.output_dir / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) == 3


def test_a_prefix_cache_that_was_not_wanted_fails_the_check(make_tool_context: Callable[..., RunContext]) -> None:
    with servers.scripted(cached=19) as script:
        args, result = run(make_tool_context("off"), model=script.ref)
        assert failed(args, result) == ["no prefix cache was measured"]
        args, result = run(make_tool_context("on"), model=script.ref, prefix_cache="on")
        assert failed(args, result) == []
    assert "57 prompt tokens came from a cache" in result.cache
    assert result.workload["salt"] is None


def test_progress_goes_by_request_over_all_loads_sides_and_repeats(tool_context: RunContext, gguf: str) -> None:
    run(tool_context, model=gguf, baseline=gguf, concurrency=[1, 2, 2], repeats=2, warmup=1)
    said = [line for line in tool_context.said if "steps" in line]  # type: ignore[attr-defined]
    assert {line["steps"] for line in said} == {2 * 2 * 2 * 3}
    assert [said[0]["step"], said[-1]["step"]] == [0, 24]
    assert any("warming up" in line["message"] for line in said)


def test_a_server_that_is_not_there_is_said_before_anything_is_measured(tool_context: RunContext) -> None:
    with pytest.raises(EngineMissing, match=r"127\.0\.0\.1:1/v1 cannot be reached"):
        run(tool_context, model="openai:http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"engine": "llama.cpp", "model": "openai:http://127.0.0.1:1/v1"}, "engine=llama.cpp cannot run openai:"),
        ({"engine": "endpoint"}, "engine=endpoint cannot run"),
        ({"sweep": True, "rate": [1.0]}, "sweep finds the rates itself"),
        ({"concurrency": [0]}, "concurrency is 1 to 4096"),
        ({"rate": [0.0]}, "rate is above 0"),
        ({"prompt_tokens": 600}, "do not fit the model's context of 512"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(tool_context: RunContext, gguf: str, args: dict[str, Any], said: str) -> None:
    with pytest.raises((BadRequest, ValidationError), match=said) as caught:
        run(tool_context, **{"model": gguf, **args})
    assert "\n" not in str(caught.value)


def test_a_data_set_that_is_not_there_is_refused(tool_context: RunContext, gguf: str) -> None:
    with pytest.raises((BadRequest, DataError), match=r"none\.jsonl"):
        run(tool_context, model=gguf, dataset="none.jsonl")


def test_the_estimate_grows_with_every_count(workspace: Path) -> None:
    def seconds(**args: Any) -> float:
        checked = benchmark.validate({"model": "builtin", **args})
        return estimate(checked, workspace).seconds  # type: ignore[arg-type]

    base = seconds()
    more: list[dict[str, Any]] = [
        {"requests": 16},
        {"repeats": 2},
        {"prompt_tokens": 512},
        {"output_tokens": 128},
        {"concurrency": [1, 2]},
        {"warmup": 3},
        {"sweep": True},
        {"rate": [0.01]},
    ]
    for args in more:
        assert seconds(**args) > base, args
    assert seconds(baseline="builtin") > 8 * base
