"""The warm child of a planning model in transformers: `python -m modelwright.engines.complete_hf MODEL_JSON CACHE THREADS`.

One JSON object a line on stdin, one on stdout, until stdin ends. It first says {"ready": true}. Then
{"messages", "answer", "options": [[text, ends], …], "exact"} gives {"scores", "prompt_tokens", "output_tokens", "read_tokens"}: for
each option the log-probability in nats that the answer, which begins with `answer`, goes on with its text, and then ends if
`ends`.

`exact` reads every option to its end. Otherwise the options are followed as a tree of tokens and only the likeliest branch is
read on: one step of the model for most decisions; those in a branch that was left share its probability. What two
questions have in common is read once. It does NOT generate freely. MODEL_JSON holds the fields of modelrefs.Model.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from pathlib import Path
from typing import IO, Any

from modelwright.engines.child import as_error
from modelwright.errors import ModelRefError
from modelwright.modelrefs import Model

Json = dict[str, Any]


class Scorer:
    """One open model with the tokens that it has read."""

    def __init__(self, model: Model, cache: str, threads: int) -> None:
        import torch

        from modelwright.engines import hf

        torch.set_num_threads(threads)
        self._torch = torch
        self._weights, self._tokenizer = hf.load(model, Path(cache))
        self._read: list[int] = []
        self._kept: Any = None
        self._fresh = 0
        self._longest = int(getattr(self._weights.config, "max_position_embeddings", 0) or 0)

    def answer(self, question: Json) -> Json:
        asked = self._rendered(question["messages"]) + question["answer"]
        ways = [self._ids(asked + text, ends) for text, ends in question["options"]]
        shared, self._fresh = _shared(ways), 0
        with self._torch.inference_mode():
            scores = [self._score(way, shared) for way in ways] if question["exact"] else self._along(ways, shared)
        written = len(ways[scores.index(max(scores))]) - shared
        return {"scores": scores, "prompt_tokens": shared, "output_tokens": written, "read_tokens": self._fresh}

    def _rendered(self, messages: list[Json]) -> str:
        if not self._tokenizer.chat_template:
            return "\n\n".join(str(message["content"]) for message in messages) + "\n\n"
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _ids(self, text: str, ends: bool) -> list[int]:
        ids = list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        return [*ids, self._tokenizer.eos_token_id] if ends else ids

    def _score(self, way: list[int], shared: int) -> float:
        """log p of the tokens behind the shared ones."""
        logits = self._logits(way, shared - 1)
        chosen = self._torch.tensor(way[shared:])
        rows = self._torch.log_softmax(logits[: len(chosen)].float(), dim=-1)
        return float(rows.gather(1, chosen[:, None].to(rows.device)).sum())

    def _along(self, ways: list[list[int]], shared: int) -> list[float]:
        """log p of each way among them, along the likeliest branch of their tree."""
        scores, active, place, reached = [0.0] * len(ways), list(range(len(ways))), shared, 0.0
        while len(active) > 1:
            tokens = sorted({ways[i][place] for i in active})
            if len(tokens) > 1:
                row = self._logits(ways[active[0]][:place], place - 1)[0].float()
                shares = dict(zip(tokens, self._torch.log_softmax(row[tokens], dim=0).tolist(), strict=True))
                for token in tokens:
                    branch = [i for i in active if ways[i][place] == token]
                    for i in branch:
                        scores[i] = reached + shares[token] - math.log(len(branch))
                best = max(shares, key=shares.__getitem__)
                reached += shares[best]
                active = [i for i in active if ways[i][place] == best]
            place += 1
            ended = [i for i in active if len(ways[i]) == place]
            if len(active) > 1:  # one that another begins with stops here; callers tell them apart by what follows
                scores = [reached - math.log(len(active)) if i in ended else score for i, score in enumerate(scores)]
                active = [i for i in active if i not in ended]
        return scores

    def _logits(self, ids: list[int], first: int) -> Any:
        """The logits after ids[first], ids[first + 1] …; what was read before and still fits is not read again."""
        if self._longest and len(ids) > self._longest:
            raise ModelRefError(
                f"the question has {len(ids)} tokens, the model reads {self._longest}", fix="use a model with a longer context"
            )
        same = min(_shared([self._read, ids]), first) if self._kept is not None else 0
        try:
            if same and same < len(self._read):
                self._kept.crop(same - len(self._read))  # negative: so many tokens are forgotten
        except (ValueError, NotImplementedError, AttributeError):  # a sliding window, or a state that cannot go back
            same = 0
        fresh = self._torch.tensor([ids[same:]], device=self._weights.device)
        out = self._weights(fresh, past_key_values=self._kept if same else None, use_cache=True, logits_to_keep=len(ids) - first)
        self._kept, self._read = out.past_key_values, ids
        self._fresh += len(ids) - same
        return out.logits[0]


def _shared(sequences: list[list[int]]) -> int:
    """How many tokens all begin with; of the shortest all but the last, so that something is left to score."""
    count = 0
    for column in zip(*sequences, strict=False):
        if len(set(column)) > 1:
            break
        count += 1
    return min(count, min(map(len, sequences)) - 1) if len(sequences) > 1 else count


def serve(model: Model, cache: str, threads: int, lines: IO[str], out: IO[str]) -> int:
    """Answer until `lines` ends. A question that fails is answered with its error."""
    try:
        scorer = Scorer(model, cache, threads)
    except Exception as error:
        _say(out, {"error": as_error(error).as_json()})
        return 1
    _say(out, {"ready": True})
    for line in lines:
        try:
            reply = scorer.answer(json.loads(line))
        except Exception as error:
            reply = {"error": as_error(error).as_json()}
        _say(out, reply)
    return 0


def _say(out: IO[str], message: Json) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def main() -> int:
    """What libraries print goes to stderr; stdout is the protocol's alone."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        return serve(Model(**json.loads(sys.argv[1])), sys.argv[2], int(sys.argv[3]), sys.stdin, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
