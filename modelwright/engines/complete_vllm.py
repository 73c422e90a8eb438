"""The warm child of a planning model in vLLM: `PYTHON -P complete_vllm.py MODEL`, where PYTHON has vLLM.

One JSON object a line on stdin, one on stdout, until stdin ends. It first says {"ready": true, "version"}. Then {"messages",
"schema", "max_tokens"} gives {"text", "prompt_tokens", "output_tokens", "seconds", "ttft_seconds", "cut"}, greedy, and held to
the schema by vLLM's structured outputs.

vLLM pins its own torch and transformers, so it usually lives in another environment: this file imports nothing of
this project and is run by its path. It does NOT serve others: for that there is `vllm serve` and `openai:`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from typing import IO, Any

Json = dict[str, Any]
FIX = "make an environment with vLLM (`make vllm`) and name its Python in the setting vllm_python"
CONTEXT = 4096


class Engine:
    """One model in this process (vLLM starts its core beside it)."""

    def __init__(self, path: str) -> None:
        vllm: Any = importlib.import_module("vllm")
        self.version = str(vllm.__version__)
        self._sampling = vllm.SamplingParams
        self._structured: Any = importlib.import_module("vllm.sampling_params").StructuredOutputsParams
        # With its statistics on, as there is no time to the first token without them.
        how = {"max_model_len": CONTEXT, "enforce_eager": True, "seed": 0, "disable_log_stats": False}
        self._llm = vllm.LLM(model=path, dtype="auto" if _has_gpu() else "float32", **how)

    def answer(self, question: Json) -> Json:
        started = time.monotonic()
        held = self._structured(json=question["schema"])
        params = self._sampling(temperature=0, max_tokens=question["max_tokens"], structured_outputs=held)
        done = self._llm.chat(question["messages"], params, use_tqdm=False)[0]
        best = done.outputs[0]
        return {
            "text": best.text,
            "prompt_tokens": len(done.prompt_token_ids or []),
            "output_tokens": len(best.token_ids),
            "seconds": time.monotonic() - started,
            "ttft_seconds": float(getattr(done.metrics, "first_token_latency", 0.0) or 0.0),
            "cut": best.finish_reason == "length",
        }

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._llm.llm_engine.engine_core.shutdown()


def _has_gpu() -> bool:
    torch: Any = importlib.import_module("torch")
    return bool(torch.cuda.is_available())


def serve(path: str, lines: IO[str], out: IO[str]) -> int:
    """Answer until `lines` ends. A question that fails is answered with its error."""
    try:
        engine = Engine(path)
    except ImportError as error:
        _say(out, _error("EngineMissing", f"vLLM cannot be imported by {sys.executable}: {error}", FIX))
        return 1
    except Exception as error:
        _say(out, _error("EngineMissing", f"vLLM cannot open {path}: {_first_line(error)}", "see what it says of the model"))
        return 1
    _say(out, {"ready": True, "version": engine.version})
    for line in lines:
        try:
            reply = engine.answer(json.loads(line))
        except Exception as error:
            reply = _error("ToolFailed", f"vLLM: {_first_line(error)}", "")
        _say(out, reply)
    engine.close()
    return 0


def _error(kind: str, message: str, fix: str) -> Json:
    return {"error": {"type": kind, "message": message, "fix": fix}}


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


def _say(out: IO[str], message: Json) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def main() -> int:
    """What libraries print goes to stderr; stdout is the protocol's alone."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        return serve(sys.argv[1], sys.stdin, out)
    return 0


if __name__ == "__main__":  # vLLM starts children by spawn, which import this file again
    sys.exit(main())
