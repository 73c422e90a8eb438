"""speculate through a real child process on a tiny model: acceptance, costs and verdict, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import gguf_write
from modelwright.errors import BadRequest
from modelwright.graphs.context import RunContext
from modelwright.tools.speculate import Args, Result, checks, estimate, speculate
from tests.engines import tiny


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tiny.make(tmp_path_factory.mktemp("tiny") / "model")
    path = folder.parent / "tiny.gguf"
    gguf_write.write(folder, tiny.tokenizer_for("llama"), path, dtype="f32", name="t", progress=lambda *a, **k: None)
    return str(path)


@pytest.fixture
def prompts(workspace: Path) -> str:
    rows = [{"messages": [{"role": "user", "content": f"Say number {n} again: {n} {n} {n}"}]} for n in range(10)]
    turns = [{"messages": [*row["messages"], {"role": "assistant", "content": "x"}]} for row in rows]
    (workspace / "prompts.jsonl").write_text("".join(json.dumps(turn) + "\n" for turn in turns), encoding="utf-8")
    return "prompts.jsonl"


def run(context: RunContext, **args: Any) -> tuple[Args, Result]:
    context.settings.threads = 1
    checked = speculate.validate({"max_new_tokens": 24, **args})
    assert isinstance(checked, Args)
    result = speculate.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def test_prompt_lookup_is_measured_on_the_users_prompts(tool_context: RunContext, gguf: str, prompts: str) -> None:
    args, result = run(tool_context, model=gguf, dataset=prompts, limit=9)
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    assert (result.method, result.prompts, result.same_answers) == ("prompt lookup", 9, 9)
    assert result.low is not None
    assert result.high is not None
    assert result.low <= result.speed_up <= result.high
    assert result.verdict == ("faster" if result.low > 1 else "slower" if result.high < 1 else "cannot tell")
    assert result.tokens_per_round >= 1
    items = [json.loads(line) for line in Path(result.items_path).read_text(encoding="utf-8").splitlines()]
    assert {item["plain_tokens"] for item in items} >= {24}


def test_a_draft_model_that_is_the_model_is_always_accepted(tool_context: RunContext, gguf: str, prompts: str) -> None:
    args, result = run(tool_context, model=gguf, draft_model=gguf, dataset=prompts, limit=2, draft_tokens=3)
    assert (result.method, result.acceptance_rate, result.token_acceptance) == ("draft model", 1, 1)
    assert result.tokens_per_round > 3
    assert result.verify_cost is not None
    assert result.draft_cost is not None
    assert result.predicted_speed_up == pytest.approx(4 / (result.verify_cost + 3 * result.draft_cost))
    assert (result.low, result.verdict) == (None, "cannot tell")
    assert any("2 prompts give no interval" in note for note in result.notes)
    assert estimate(args, tool_context.workspace).seconds > 0


def test_without_a_data_set_the_shipped_prompts_are_used_and_it_is_said(tool_context: RunContext, gguf: str) -> None:
    args, result = run(tool_context, model=gguf, limit=2, max_new_tokens=8)
    assert result.prompts == 2
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    assert any("shipped prompts" in note for note in result.notes)


def test_a_folder_is_sent_to_export_first(tool_context: RunContext, gguf: str, prompts: str) -> None:
    with pytest.raises(BadRequest, match="no GGUF file"):
        run(tool_context, model=str(Path(gguf).parent / "model"), dataset=prompts)
