"""Plain and speculative decoding on the same prompts, in turn, in llama.cpp: how much is accepted, and does it pay.

spec: {"model", "draft_model"?, "dataset", "limit", "ngram", "draft_tokens", "max_new_tokens", "threads", "seed", "output_dir"}
result: {"items": [one a prompt], "accepted", "drafted", "rejections", "rounds", "drafted_rounds", "step_seconds",
         "verify_seconds", "draft_seconds", "items_path"}

Two facts to know. Both are greedy, so the answers are the same but for near-ties, which a batch of several tokens rounds
otherwise. And a draft is the longest earlier match of the last words (prompt lookup), or what a small model of the same
vocabulary writes.

One request at a time: with many at once the processor has no idle time for guesses, and the gain shrinks.
"""

from __future__ import annotations

import ctypes
import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

from modelwright import files
from modelwright.engines import bench_prompts, llama
from modelwright.engines.child import Job
from modelwright.engines.load_llama import Context
from modelwright.engines.load_types import clock
from modelwright.engines.runtimes import LlamaRuntime, encode_prompts
from modelwright.errors import BadRequest
from modelwright.modelrefs import Model

Json = dict[str, Any]
Tokens = list[int]


class Greedy:
    """One sequence of one model: read tokens, get the likeliest next one after each, step back."""

    def __init__(self, path: str, threads: int, length: int) -> None:
        self.llm = llama.load(path, n_ctx=256, threads=threads)
        self.width = self.llm.n_vocab()
        self.context = Context(self.llm.model, 1, length, threads)
        self.read = 0

    def restart(self) -> None:
        self.context.clear()
        self.read = 0

    def prompt(self, tokens: Tokens) -> int:
        """Read a prompt; the token that follows it."""
        self.restart()
        for start in range(0, len(tokens), 512):
            following = self.step(tokens[start : start + 512], every=False)
        return following[-1]

    def step(self, tokens: Tokens, *, every: bool = True) -> Tokens:
        """Read `tokens` at once; the likeliest token after each of them, or after the last alone."""
        wanted = []
        for number, token in enumerate(tokens):
            logits = every or number == len(tokens) - 1
            place = self.context.add(0, token, self.read + number, logits)
            wanted += [place] if logits else []
        self.context.decode()
        self.read += len(tokens)
        return [self._likeliest(place) for place in wanted]

    def _likeliest(self, place: int) -> int:
        pointer = llama.llama_cpp.llama_get_logits_ith(self.context.pointer, ctypes.c_int32(place))
        return int(np.ctypeslib.as_array(pointer, (self.width,)).argmax())

    def back_to(self, length: int) -> None:
        """Forget everything behind the first `length` tokens."""
        llama.llama_cpp.llama_memory_seq_rm(self.context.memory, 0, length, -1)
        self.read = min(self.read, length)


class Drafter(Protocol):
    def begin(self, prompt: Tokens) -> None: ...

    def propose(self, history: Tokens, count: int) -> Tokens:
        """At most `count` tokens that may follow; none is an answer too."""


class Lookup:
    """What followed the last time that the end of the text occurred in it."""

    def __init__(self, ngram: int) -> None:
        self._ngram = ngram

    def begin(self, prompt: Tokens) -> None:
        """Nothing to read."""

    def propose(self, history: Tokens, count: int) -> Tokens:
        found = LlamaPromptLookupDecoding.find_candidate_pred_tokens(np.array(history, dtype=np.intc), self._ngram, count)
        return [int(token) for token in found]


class DraftModel:
    """A smaller model of the same vocabulary."""

    def __init__(self, greedy: Greedy) -> None:
        self._greedy = greedy

    def begin(self, prompt: Tokens) -> None:
        self._greedy.prompt(prompt)

    def propose(self, history: Tokens, count: int) -> Tokens:
        """It has read a part of `history`, perhaps with wrong guesses behind; it goes on from what is right."""
        self._greedy.back_to(len(history) - 1)
        drafted = self._greedy.step(history[self._greedy.read :], every=False)
        while len(drafted) < count:
            drafted += self._greedy.step(drafted[-1:])
        return drafted


@dataclass
class Tally:
    """What happened over all prompts, after the warm-up."""

    accepted: int = 0
    drafted: int = 0
    rejections: int = 0
    """Rounds in which a drafted token was refused; the others ran out of draft."""
    rounds: int = 0
    drafted_rounds: int = 0
    """Those in which there was a guess to judge."""
    step_seconds: list[float] = field(default_factory=list)
    verify_seconds: list[float] = field(default_factory=list)
    """Of rounds with a full draft."""
    draft_seconds: list[float] = field(default_factory=list)
    """Per drafted token."""


@dataclass
class Written:
    """One answer: `seconds` of decoding behind the first token, `whole` from the prompt on."""

    tokens: Tokens
    seconds: float
    whole: float

    @property
    def seconds_per_token(self) -> float:
        return self.seconds / max(1, len(self.tokens) - 1)


class Race:
    """Both ways of decoding over the same model."""

    def __init__(self, target: Greedy, drafter: Drafter, draft_tokens: int, longest: int) -> None:
        self._target, self._drafter, self._count, self._longest = target, drafter, draft_tokens, longest
        self.tally = Tally()

    def plain(self, prompt: Tokens) -> Written:
        began = clock()
        tokens, first = [self._target.prompt(prompt)], clock()
        while not self._ended(tokens):
            start = clock()
            tokens += self._target.step(tokens[-1:])
            self.tally.step_seconds.append(clock() - start)
        return Written(tokens, clock() - first, clock() - began)

    def speculative(self, prompt: Tokens) -> Written:
        began = clock()
        tokens = [self._target.prompt(prompt)]
        self._drafter.begin(prompt)
        first = clock()
        while not self._ended(tokens):
            tokens += self._round(prompt, tokens)
        return Written(self._cut(tokens), clock() - first, clock() - began)

    def _round(self, prompt: Tokens, tokens: Tokens) -> Tokens:
        """Draft, read the draft in one go, keep what the model itself would have written, and one token more."""
        start, history = clock(), prompt + tokens
        draft = self._drafter.propose(history, min(self._count, self._longest - len(tokens)))
        drafted = clock()
        likeliest = self._target.step([tokens[-1], *draft])
        agreed = next((i for i, token in enumerate(draft) if token != likeliest[i]), len(draft))
        self._target.back_to(len(history) + agreed)
        self._note(len(draft), agreed, drafted - start, clock() - drafted)
        return likeliest[: agreed + 1]

    def _note(self, drafted: int, agreed: int, draft_seconds: float, verify_seconds: float) -> None:
        tally = self.tally
        tally.rounds += 1
        tally.drafted += drafted
        tally.accepted += agreed
        tally.drafted_rounds += drafted > 0
        tally.rejections += agreed < drafted
        if drafted:
            tally.draft_seconds.append(draft_seconds / drafted)
        if drafted == self._count:
            tally.verify_seconds.append(verify_seconds)

    def _ended(self, tokens: Tokens) -> bool:
        return len(self._cut(tokens)) < len(tokens) or len(tokens) >= self._longest or self._is_end(tokens[-1])

    def _cut(self, tokens: Tokens) -> Tokens:
        """Up to the end of the turn, which several accepted tokens may have passed, and to the longest answer."""
        end = next((i + 1 for i, token in enumerate(tokens) if self._is_end(token)), len(tokens))
        return tokens[: min(end, self._longest)]

    def _is_end(self, token: int) -> bool:
        return llama.ends_generation(self._target.llm, token)


def run(spec: Json, job: Job) -> Json:
    model = Model(**spec["model"])
    prompts = _prompts(spec, model)
    longest = max(map(len, prompts)) + spec["max_new_tokens"] + spec["draft_tokens"] + 2
    threads = llama.thread_count(spec["threads"])
    target = Greedy(model.path, threads, longest)
    drafter: Drafter = Lookup(spec["ngram"])
    if spec["draft_model"]:
        draft = Greedy(Model(**spec["draft_model"]).path, threads, longest)
        _same_vocabulary(target, draft)
        drafter = DraftModel(draft)
    race = Race(target, drafter, spec["draft_tokens"], spec["max_new_tokens"])
    race.plain(prompts[0])
    race.speculative(prompts[0])
    race.tally = Tally()
    items = [_item(race, prompt, number, len(prompts), job) for number, prompt in enumerate(prompts)]
    return {**_tallied(race.tally), "items": items, "items_path": _write(items, Path(spec["output_dir"]))}


def _prompts(spec: Json, model: Model) -> list[Tokens]:
    """A sample of the data set's prompts, as the model's chat template writes them."""
    rows = bench_prompts.conversations(Path(spec["dataset"]))
    if len(rows) > spec["limit"]:
        rows = random.Random(spec["seed"]).sample(rows, spec["limit"])
    return encode_prompts(LlamaRuntime(model, spec["threads"]), rows, spec["max_new_tokens"])


def _same_vocabulary(target: Greedy, draft: Greedy) -> None:
    """Token ids of one must mean the same to the other."""
    fix = "use a draft model of the same family, or leave draft_model out for prompt lookup"
    if target.width != draft.width:
        raise BadRequest(f"the draft model has {draft.width} tokens, the model {target.width}", fix=fix)
    other = next((i for i in range(target.width) if llama.token_text(target.llm, i) != llama.token_text(draft.llm, i)), None)
    if other is not None:
        raise BadRequest(f"the draft model's token {other} is another than the model's", fix=fix)


def _item(race: Race, prompt: Tokens, number: int, total: int, job: Job) -> Json:
    """One prompt both ways; which goes first takes turns."""
    if number % 2 == 0:
        plain, guessed = race.plain(prompt), race.speculative(prompt)
    else:
        guessed, plain = race.speculative(prompt), race.plain(prompt)
    job.progress(
        f"prompt {number + 1} of {total}", step=number + 1, steps=total, eta_seconds=(plain.whole + guessed.whole) * (total - number - 1)
    )
    return {
        "prompt": number,
        "prompt_tokens": len(prompt),
        "plain_tokens": len(plain.tokens),
        "speculative_tokens": len(guessed.tokens),
        "plain_seconds": plain.seconds,
        "speculative_seconds": guessed.seconds,
        "plain_whole_seconds": plain.whole,
        "speculative_whole_seconds": guessed.whole,
        "plain_seconds_per_token": plain.seconds_per_token,
        "speculative_seconds_per_token": guessed.seconds_per_token,
        "same_answer": plain.tokens == guessed.tokens,
    }


def _tallied(tally: Tally) -> Json:
    def middle(values: Sequence[float]) -> float | None:
        return statistics.median(values) if values else None

    return {
        "accepted": tally.accepted,
        "drafted": tally.drafted,
        "rejections": tally.rejections,
        "rounds": tally.rounds,
        "drafted_rounds": tally.drafted_rounds,
        "step_seconds": middle(tally.step_seconds),
        "verify_seconds": middle(tally.verify_seconds),
        "draft_seconds": middle(tally.draft_seconds),
    }


def _write(items: Sequence[Json], folder: Path) -> str:
    path = folder / "prompts.jsonl"
    files.write_atomic(path, "".join(json.dumps(item) + "\n" for item in items))
    return str(path)
