"""`speculate`: does guessing ahead make this model faster on your own prompts? Prompt lookup, or a small draft model.

Two facts to know. The answers stay the model's own: a guess is kept only where the model would have written the same. And
it pays when text repeats itself (code, summaries, extraction) and one request runs at a time; on a processor reading five
tokens takes longer than reading one, so the break-even lies higher than on a GPU.

llama.cpp and GGUF files only. It measures; it changes no server's settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.errors import BadRequest
from modelwright.files import artifact
from modelwright.modelrefs import Model, resolve
from modelwright.scoring import speculation
from modelwright.scoring.signed_rank import Difference, difference
from modelwright.tools import _bench
from modelwright.types import Check, DatasetPath, Effect, Estimate, Json, ModelRef, ToolArgs, ToolResult

PROMPT_TOKENS = 100
"""Of a row, for the estimate."""
SAMPLE = Path(__file__).with_name("samples") / "prompts.jsonl"
"""Half of them ask for text that is in the prompt (rewriting, extraction, code), half for new text."""


class Args(ToolArgs):
    model: ModelRef = Field(description="the model whose answers are wanted: builtin or a .gguf file")
    dataset: DatasetPath | None = Field(
        None, description="your own prompts; what follows the last question of a row is not used; unset: 16 shipped ones of mixed work"
    )
    draft_model: ModelRef | None = Field(None, description="smaller model of the same vocabulary that guesses; unset: prompt lookup")
    ngram: int = Field(3, ge=1, le=16, description="prompt lookup: longest run of tokens that is looked for in the text so far")
    draft_tokens: int = Field(4, ge=1, le=32, description="tokens that are guessed at once")
    max_new_tokens: int = Field(64, ge=2, le=8192, description="longest answer, tokens")
    limit: int = Field(16, ge=1, le=10_000, description="prompts, a sample drawn with the seed; 8 or more give an interval")


class Result(ToolResult):
    method: Literal["prompt lookup", "draft model"]
    prompts: int
    acceptance_rate: float | None = Field(description="accepted tokens / drafted tokens; null when nothing was drafted")
    token_acceptance: float | None = Field(description="probability that one drafted token is accepted: accepted / (accepted + refused)")
    tokens_per_round: float = Field(description="tokens that one reading of the model gave: written / rounds; plain decoding has 1")
    plain_tokens_per_second: float = Field(description="median over prompts of (tokens - 1) / seconds behind the first token")
    speculative_tokens_per_second: float = Field(description="the same with guessing")
    speed_up: float = Field(description="plain / speculative seconds per token, paired by prompt (Hodges-Lehmann); above 1 is faster")
    low: float | None = Field(description="lower end of its 99% interval; null below 8 prompts")
    high: float | None = Field(description="upper end of its 99% interval; null below 8 prompts")
    verdict: Literal["faster", "slower", "cannot tell"]
    whole_speed_up: float = Field(description="all plain seconds / all speculative seconds, reading of the prompts by both models included")
    verify_cost: float | None = Field(description="seconds of a round with a full draft / seconds of a plain step")
    draft_cost: float | None = Field(description="seconds of guessing one token / seconds of a plain step")
    break_even: float | None = Field(
        description="token_acceptance from which it pays; null when it never does at these costs, or is unknown"
    )
    predicted_speed_up: float | None = Field(description="from acceptance and costs (Leviathan et al. 2023), to hold beside speed_up")
    best_draft_tokens: int | None = Field(description="draft length with the highest expected speed-up, 1 to 16")
    best_speed_up: float | None = Field(description="expected there")
    same_answers: int = Field(description="prompts whose answer is the same token by token; the rest are near-ties")
    items_path: str = Field(description="JSON lines: tokens and seconds of every prompt, both ways")
    notes: list[str]


def settle(args: Args, workspace: Path) -> Json:
    return {"draft_model": "none, prompt lookup"}


def estimate(args: Args, workspace: Path) -> Estimate:
    """Every prompt is answered twice, and once more to warm up."""
    model = _bench.try_resolve(args.model, workspace)
    answers = 2.0 * (args.limit + 1)
    seconds = 5 + _bench.seconds_of_runs(model, "llama.cpp", answers, PROMPT_TOKENS, args.max_new_tokens, 1)
    memory = _bench.memory_of(model, "llama.cpp", PROMPT_TOKENS + args.max_new_tokens)
    if args.draft_model:
        draft = _bench.try_resolve(args.draft_model, workspace)
        seconds += _bench.seconds_of_runs(draft, "llama.cpp", args.limit + 1, PROMPT_TOKENS, 2 * args.max_new_tokens, 1)
        memory += _bench.memory_of(draft, "llama.cpp", PROMPT_TOKENS + args.max_new_tokens)
    return Estimate(seconds=round(seconds, 1), memory_bytes=memory, disk_bytes=1000 + 400 * args.limit)


def checks(args: Args, result: Result) -> Sequence[Check]:
    path = Path(result.items_path)
    lines = path.read_bytes().count(b"\n") if path.is_file() else 0
    close = result.same_answers >= result.prompts / 2
    return [
        Check(name="every prompt is on record", passed=lines == result.prompts > 0, detail=f"{lines} lines for {result.prompts} prompts"),
        Check(
            name="answers stay the model's own",
            passed=close,
            detail=f"{result.same_answers} of {result.prompts} are the same token by token",
        ),
    ]


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "builtin", "dataset": "prompts.jsonl"},
    estimate=estimate,
    checks=checks,
    decisive=("draft_model", "draft_tokens", "max_new_tokens", "limit"),
    settle=settle,
    volatile=True,
    keywords=("speculative", "speculate", "draft", "prompt lookup", "ngram", "acceptance", "faster decoding", "guess", "break-even"),
)
def speculate(args: Args, ctx: ToolContext) -> Result:
    """Measure speculative decoding against plain decoding on your prompts: acceptance, speed-up and break-even."""
    model = _gguf(args.model, ctx)
    draft = _gguf(args.draft_model, ctx) if args.draft_model else None
    done = ctx.job(
        "speculate",
        {
            "model": asdict(model),
            "draft_model": asdict(draft) if draft else None,
            "dataset": str((ctx.workspace / Path(args.dataset).expanduser()).absolute() if args.dataset else SAMPLE),
            **{name: getattr(args, name) for name in ("limit", "ngram", "draft_tokens", "max_new_tokens")},
            "threads": ctx.settings.threads,
            "seed": ctx.settings.seed,
            "output_dir": str(ctx.output_dir.absolute()),
        },
    )
    return _result(args, done)


def _gguf(ref: str, ctx: ToolContext) -> Model:
    model = resolve(ref, ctx.workspace)
    if model.kind != "gguf":
        raise BadRequest(f"{ref} is no GGUF file, and speculation is measured in llama.cpp", fix="run export_model format=gguf first")
    return model


def _result(args: Args, done: Json) -> Result:
    items = done["items"]
    plain, guessed = ([item[f"{kind}_seconds_per_token"] for item in items] for kind in ("plain", "speculative"))
    # An answer of one token has nothing to decode, so it says nothing about decoding.
    pairs = [(a, b) for a, b in zip(plain, guessed, strict=True) if a > 0 and b > 0]
    if not pairs:
        raise BadRequest("every answer ended at its first token, so there is nothing to speed up", fix="give prompts with longer answers")
    about = "seconds per token behind the first token"
    compared = difference("seconds_per_token", about, *zip(*pairs, strict=True), more_is_better=False)
    costs = _costs(args, done)
    summary = _summary(args, done, compared, costs)
    return Result(
        summary=summary,
        artifacts=[artifact(Path(done["items_path"]), "items")],
        method="draft model" if args.draft_model else "prompt lookup",
        prompts=len(items),
        acceptance_rate=done["accepted"] / done["drafted"] if done["drafted"] else None,
        tokens_per_round=sum(item["speculative_tokens"] - 1 for item in items) / max(1, done["rounds"]),
        plain_tokens_per_second=1 / compared.a,
        speculative_tokens_per_second=1 / compared.b,
        speed_up=_inverse(compared.percent),
        low=None if compared.high is None else _inverse(compared.high),
        high=None if compared.low is None else _inverse(compared.low),
        verdict=_verdict(compared),
        whole_speed_up=sum(i["plain_whole_seconds"] for i in items) / sum(i["speculative_whole_seconds"] for i in items),
        same_answers=sum(item["same_answer"] for item in items),
        items_path=done["items_path"],
        notes=_notes(args, done, costs),
        **costs,
    )


def _inverse(percent: float) -> float:
    """Percent more seconds as a speed-up: +25% is 0.8."""
    return 1 / (1 + percent / 100)


def _verdict(compared: Difference) -> Literal["faster", "slower", "cannot tell"]:
    words: dict[str, Literal["faster", "slower", "cannot tell"]] = {"B is better": "faster", "A is better": "slower"}
    return words.get(compared.verdict, "cannot tell")


def _costs(args: Args, done: Json) -> Json:
    """Costs in plain steps, and what follows from them; unknown where no full draft was ever read."""
    acceptance = speculation.acceptance_of(done["accepted"], done["rejections"])
    found: Json = dict.fromkeys(("verify_cost", "draft_cost", "break_even", "predicted_speed_up", "best_draft_tokens", "best_speed_up"))
    found["token_acceptance"] = acceptance
    if acceptance is None or done["verify_seconds"] is None or not done["step_seconds"]:
        return found
    verify, draft = done["verify_seconds"] / done["step_seconds"], done["draft_seconds"] / done["step_seconds"]
    share = done["drafted_rounds"] / done["rounds"]
    best, gain = speculation.best_draft(acceptance, args.draft_tokens, verify, draft, share)
    return found | {
        "verify_cost": verify,
        "draft_cost": draft,
        "break_even": speculation.break_even(args.draft_tokens, verify, draft),
        "predicted_speed_up": speculation.speed_up(acceptance, args.draft_tokens, verify, draft, share),
        "best_draft_tokens": best,
        "best_speed_up": gain,
    }


def _summary(args: Args, done: Json, compared: Difference, costs: Json) -> str:
    low, high = compared.low, compared.high
    between = "no interval" if low is None or high is None else f"{_inverse(high):.2f} to {_inverse(low):.2f}"
    method = "a draft model" if args.draft_model else "prompt lookup"
    said = f"{method}: {_inverse(compared.percent):.2f} times as fast ({between}), {_verdict(compared)}"
    if costs["token_acceptance"] is None:
        return f"{said}; nothing was drafted, as no text repeats itself"
    paying = "never pays at these costs" if costs["break_even"] is None else f"pays from {costs['break_even']:.0%}"
    return f"{said}; a guess is accepted {costs['token_acceptance']:.0%} of the time and {paying}"


def _notes(args: Args, done: Json, costs: Json) -> list[str]:
    found = ["one request at a time: with several at once the gain shrinks, measure that with your server"]
    if args.dataset is None:
        found.append("measured on the shipped prompts: how often guesses are accepted depends on the text, so give your own as dataset")
    if len(done["items"]) < 8:
        found.append(f"{len(done['items'])} prompts give no interval at 99%: give limit=8 or more")
    if costs["verify_cost"] is None:
        found.append(f"no draft of {args.draft_tokens} tokens was ever read, so costs and break-even are unknown")
    elif costs["best_speed_up"] and costs["best_speed_up"] < 1:
        found.append("no draft length of 1 to 16 is expected to pay at this acceptance")
    return found
