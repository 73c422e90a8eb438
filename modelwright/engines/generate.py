"""Greedy answers of one model to many prompts, each written down as it is made.

spec: {"model", "prompts": [[{"role", "content"} …] …], "max_new_tokens", "threads", "cache_dir", "engine"?}
result: {"answers": [text …], "details": [{text, output_tokens, prompt_tokens, finish, seconds} …], "seconds",
         "prompt_tokens", "output_tokens", "tokens_per_second", "engine"}

Two facts to know. `answers.jsonl` in the job's folder grows as answers are made, and a job that was killed goes on
behind the last whole line, if its specification and its model are still the same. And `seconds` is the time spent on
answers over all tries, without loading, so tokens_per_second includes reading the prompts.

Not here: scoring, sampling, endpoints.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from modelwright.engines import runtimes
from modelwright.engines.child import Job
from modelwright.engines.leftovers import fingerprint
from modelwright.errors import BadRequest
from modelwright.files import clear_os_errors
from modelwright.modelrefs import Model

Json = dict[str, Any]
FILE = "answers.jsonl"


def run(spec: Json, job: Job) -> Json:
    model, prompts, longest = Model(**spec["model"]), spec["prompts"], int(spec["max_new_tokens"])
    if not prompts:
        raise BadRequest("there are no prompts to answer", fix="give a data set with at least one row")
    log = AnswerLog(job.folder / FILE, fingerprint(spec, model))
    engine = spec.get("engine")
    runtime = runtimes.open_runtime(model, engine=engine, cache_dir=spec["cache_dir"], threads=spec["threads"])
    tokens = runtimes.encode_prompts(runtime, prompts, longest)
    groups = [group for group in runtime.batches(tokens, longest) if not log.has(group)]
    if groups:
        runtime.load(max(map(len, tokens)) + longest)
    for group in groups:
        log.add(_answer(runtime, [tokens[index] for index in group], group, longest))
        _report(job, log, len(prompts))
    return _result([log.answers[index] for index in range(len(prompts))], runtime.name)


class AnswerLog:
    """Answers on disk, one JSON line each, behind a line that says what they belong to."""

    def __init__(self, path: Path, mark: str) -> None:
        self.path = path
        self.answers: dict[int, Json] = {}
        with clear_os_errors(path):
            self._take_over(mark)

    def _take_over(self, mark: str) -> None:
        """Keep the whole lines of an earlier try of the same job; start anew if it was another one."""
        lines = self.path.read_bytes().splitlines(keepends=True) if self.path.is_file() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        if not whole or json.loads(whole[0]) != {"fingerprint": mark}:
            self.path.write_text(json.dumps({"fingerprint": mark}) + "\n", encoding="utf-8")
            return
        with self.path.open("r+b") as stream:  # cut the line that the kill tore
            stream.truncate(sum(map(len, whole)))
        self.answers = {answer["index"]: answer for answer in map(json.loads, whole[1:])}

    def has(self, group: list[int]) -> bool:
        return all(index in self.answers for index in group)

    def add(self, answers: list[Json]) -> None:
        with clear_os_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(answer) + "\n" for answer in answers)
        self.answers |= {answer["index"]: answer for answer in answers}


def _answer(runtime: runtimes.Runtime, prompts: list[list[int]], indexes: list[int], max_new_tokens: int) -> list[Json]:
    began = time.monotonic()
    answers = runtime.answer(prompts, max_new_tokens)
    seconds = (time.monotonic() - began) / len(answers)
    return [
        {
            "index": index,
            "text": answer.text,
            "output_tokens": answer.output_tokens,
            "prompt_tokens": len(prompt),
            "finish": answer.finish,
            "seconds": seconds,
        }
        for index, prompt, answer in zip(indexes, prompts, answers, strict=True)
    ]


def _report(job: Job, log: AnswerLog, total: int) -> None:
    """Speed and what is left, from the seconds that each answer took, in earlier tries too."""
    done, seconds = len(log.answers), sum(answer["seconds"] for answer in log.answers.values())
    made = sum(answer["output_tokens"] for answer in log.answers.values())
    job.progress(
        f"answered {done} of {total}",
        step=done,
        steps=total,
        tokens_per_second=made / max(seconds, 1e-9),
        eta_seconds=seconds / done * (total - done),
    )


def _result(details: list[Json], engine: str) -> Json:
    seconds, output = sum(d["seconds"] for d in details), sum(d["output_tokens"] for d in details)
    return {
        "answers": [d["text"] for d in details],
        "details": details,
        "seconds": seconds,
        "engine": engine,
        "output_tokens": output,
        "prompt_tokens": sum(d["prompt_tokens"] for d in details),
        "tokens_per_second": output / max(seconds, 1e-9),
    }
