"""Requests without spaces between words: read in English words, planned with the request's own places."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.scripts import gloss
from modelwright.tools import load_all

from .conftest import put_files
from .test_arguments import Drafts, plan_of, used


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


@pytest.mark.parametrize(
    ("request_", "tools"),
    [
        ("用 data/客服.jsonl 微调内置模型,三轮,学习率 1e-4,然后在 b.jsonl 上评估", ["finetune", "evaluate"]),
        ("a.jsonl の行に問題がないか調べて、そのあと内蔵モデルを 1 エポック学習して", ["inspect_dataset", "finetune"]),
        ("m.gguf を量子化してください", ["quantize"]),
        ("用 a.jsonl 比较 m.gguf 和 n.gguf,看看哪个更好", ["compare"]),
    ],
)
def test_every_value_stands_in_the_request_itself(request_: str, tools: list[str], workspace: Path, installed: dict[str, Tool]) -> None:
    put_files(workspace, ["data/客服.jsonl"])
    plan = plan_of(request_, workspace, installed, Drafts(*((tool, {}) for tool in tools), score=-0.05))
    assert used(plan) == tools
    assert plan.request == request_
    assert unsupported(plan, workspace) == []


def test_numbers_paths_and_the_builtin_model_are_found(workspace: Path, installed: dict[str, Tool]) -> None:
    put_files(workspace, ["data/客服.jsonl"])
    request = "用 data/客服.jsonl 微调内置模型,三轮,学习率 1e-4"
    [step] = plan_of(request, workspace, installed, Drafts(("finetune", {}), score=-0.05)).steps
    assert step.args == {"model": "builtin", "dataset": "data/客服.jsonl", "epochs": 3, "learning_rate": 1e-4}
    start = request.index("三")
    assert step.sources["epochs"] == f"request[{start}:{start + 1}]"


def test_a_question_keeps_its_own_words(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "把 notes/ 建成索引 fin,然后告诉我第三季度的毛利率是多少"
    plan = plan_of(request, workspace, installed, Drafts(("rag_index", {}), ("rag_answer", {}), score=-0.05))
    assert used(plan) == ["rag_index", "rag_answer"]
    assert plan.steps[1].args["question"] == "第三季度的毛利率是多少"


@pytest.mark.parametrize("text", ["fine-tune builtin on a.jsonl", "日報.jsonl", "你好"])
def test_what_has_no_known_word_is_left_as_it_is(text: str) -> None:
    assert gloss(text) is None


def test_a_place_in_the_english_words_is_the_place_of_what_they_stand_for() -> None:
    request = "用 a.jsonl 微调,三轮"
    found = gloss(request)
    assert found
    for said, own in (("a.jsonl", "a.jsonl"), ("finetune", "微调"), ("3", "三"), ("epochs", "轮")):
        start = found.text.index(said)
        first, last = found.place(start, start + len(said))
        assert request[first:last] == own


@pytest.mark.parametrize(
    ("request_", "tool", "given"),
    [
        ("用 kb 索引回答:谁签字?", "rag_answer", {"index": "kb"}),
        ("用 a.jsonl 评估 m.gguf,我想看完全匹配率", "evaluate", {"metrics": ["exact_match"]}),
        ("在索引 kb 里按意思搜索关于退货的段落,给我前五条", "rag_search", {"mode": "dense", "top_k": 5}),
        ("それで内蔵モデルをQLoRAで a.jsonl を使って学習して", "finetune", {"method": "qlora"}),
        ("インデックス「規程」から、休暇に関する箇所を探して", "rag_search", {"index": "規程"}),
    ],
)
def test_a_name_between_words_without_spaces_is_read(
    request_: str, tool: str, given: dict[str, object], workspace: Path, installed: dict[str, Tool]
) -> None:
    [step] = plan_of(request_, workspace, installed, Drafts((tool, {}), score=-0.05)).steps
    assert {name: step.args.get(name) for name in given} == given
