"""What a worker says in a run on paper: a plan of two steps, a training that moves, a comparison. Times and ids are fixed."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
RUN = "r261122-k7f2"
START = 1_795_000_000.0
REQUEST = "Fine-tune builtin on train.jsonl with rank 8 and compare it with the original on eval.jsonl"
ESTIMATE = {"seconds": 135.0, "memory_bytes": 3_300_000_000, "disk_bytes": 12_000_000, "cost": 0}
SHORT = {"seconds": 128.0, "memory_bytes": 800_000_000, "disk_bytes": 200_000, "cost": 0}
STEPS: list[Json] = [
    {
        "id": "s1",
        "tool": "finetune",
        "args": {"model": "builtin", "dataset": "train.jsonl", "lora_rank": 8},
        "sources": {"model": "request[10:17]", "dataset": "request[21:32]", "lora_rank": "request[38:44]"},
        "expect": {},
        "estimate": None,
        "decision": None,
        "rule": None,
    },
    {
        "id": "s2",
        "tool": "compare",
        "args": {"models": ["builtin", "$s1.model"], "dataset": "eval.jsonl"},
        "sources": {"models": "step s1", "dataset": "request[81:91]"},
        "expect": {},
        "estimate": None,
        "decision": None,
        "rule": None,
    },
]


class Teller:
    """Stamps events in order."""

    def __init__(self) -> None:
        self.seq = 0

    def event(self, kind: str, of: str | None = None, /, **data: Any) -> Json:
        self.seq += 1
        return {"event": {"type": kind, "run": RUN, "step": of, "data": data, "time": START + self.seq, "seq": self.seq}}


def begin(teller: Teller) -> list[Json]:
    plan = {"request": REQUEST, "kind": "plan", "steps": STEPS, "question": None, "choices": [], "reason": None, "hash": "a" * 64}
    decided = [
        ("s1", "ask", "models-and-data-made", "it makes a model or a data set", ESTIMATE),
        ("s2", "allow", "looking-and-measuring", "it measures", SHORT),
    ]
    return [
        teller.event("run.started", request=REQUEST, options={"limits": {"steps": 50, "replans": 2, "retries": 2, "seconds": None}}),
        teller.event("plan.proposed", plan=plan),
        *(teller.event("policy.decision", s, decision=d, rule=r, reason=w, estimate=e) for s, d, r, w, e in decided),
        teller.event("approval.asked", steps=["s1"]),
    ]


def pending() -> Json:
    call = {
        **STEPS[0],
        "estimate": ESTIMATE,
        "decision": "ask",
        "rule": "models-and-data-made",
        "effects": ["computes", "reads_files", "writes_files"],
    }
    return {"pending": {"kind": "approval", "calls": [{**call, "call": "c" * 32}], "note": None}}


def training(teller: Teller, steps: int = 40, upto: int | None = None) -> list[Json]:
    made = [
        teller.event("approval.given", by="user", allow=["s1"]),
        teller.event("tool.started", "s1", **{"gen_ai.tool.name": "finetune"}, estimate=ESTIMATE),
    ]
    for n in range(1, (upto or steps) + 1):
        loss = 2.4 * 0.97**n + 0.1 * (n % 3)
        made.append(
            teller.event(
                "tool.progress",
                "s1",
                message=f"train step {n} of {steps}",
                step=n,
                steps=steps,
                loss=round(loss, 4),
                tokens_per_second=212.5,
                eta_seconds=3.0 * (steps - n),
            )
        )
    return made


def finish(teller: Teller) -> list[Json]:
    return [
        teller.event(
            "tool.finished",
            "s1",
            key="k1",
            seconds=186.0,
            peak_memory_bytes=2_600_000_000,
            summary="LoRA of builtin, 40 steps, loss 2.40 to 0.71",
        ),
        teller.event("verify.checks", "s1", passed=True, checks=[{"name": "loss fell", "passed": True, "detail": ""}]),
        teller.event("tool.started", "s2", **{"gen_ai.tool.name": "compare"}, estimate=SHORT),
        teller.event(
            "tool.finished",
            "s2",
            key="k2",
            seconds=137.0,
            peak_memory_bytes=600_000_000,
            summary="tuned is better than builtin on rubric: +0.543 [+0.500, +0.586]",
        ),
        teller.event("verify.checks", "s2", passed=True, checks=[{"name": "every model answered every row", "passed": True, "detail": ""}]),
        teller.event("run.ended", status="done", exit_code=0, spent={}, error=None),
        {"done": {"kind": "request", "exit_code": 0, "answer": "", "result": result(), "args": {}, "peaks": {}}},
    ]


def result() -> Json:
    pair = {
        "a": "builtin",
        "b": "tuned",
        "metric": "rubric",
        "difference": 0.543,
        "low": 0.5,
        "high": 0.586,
        "p_value": 0.0001,
        "n": 32,
        "verdict": "better",
    }
    rouge = {**pair, "metric": "rouge_l", "difference": 0.012, "low": -0.02, "high": 0.044, "p_value": 0.41, "verdict": "cannot tell"}
    sample = {
        "why": "biggest gain",
        "prompt": "How long does normal delivery take, and is it free if I spend enough?",
        "answers": {
            "builtin": "The delivery time is typically 2-3 hours, but it can vary depending on the type of delivery, "
            "the size of the package, and the location.",
            "tuned": "Hello there! The delivery time is typically 2 weeks, and you can choose to pay for the rest. "
            "Warmly, the Larkfield team",
        },
    }
    adapter = {"path": "/home/lee/larkfield/tuned", "kind": "adapter", "sha256": "0" * 64, "bytes": 9_800_000}
    step = {"checks": [], "reused": False}
    return {
        "run": RUN,
        "status": "done",
        "plan": None,
        "steps": [
            {
                **step,
                "id": "s1",
                "tool": "finetune",
                "status": "done",
                "seconds": 186.0,
                "result": {"summary": "LoRA of builtin, 40 steps, loss 2.40 to 0.71", "artifacts": [adapter]},
            },
            {
                **step,
                "id": "s2",
                "tool": "compare",
                "status": "done",
                "seconds": 137.0,
                "result": {
                    "summary": "tuned is better than builtin on rubric: +0.543 [+0.500, +0.586]",
                    "artifacts": [],
                    "pairs": [pair, rouge],
                    "samples": [sample],
                },
            },
        ],
        "report": f"/home/lee/larkfield/.modelwright/runs/{RUN}/report.html",
        "spent": {"steps": 2, "replans": 0, "retries": 0, "seconds": 323.0, "tokens": 0, "cost": 0},
    }
