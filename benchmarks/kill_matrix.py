"""SIGKILL at every node boundary and in the middle of each child job, then `resume`: the same artifacts, nothing twice.

    python benchmarks/kill_matrix.py [--repeats 5] [--points node.plan,job.train:2] [--model FOLDER]

One undisturbed run of fine-tune, export, quantize, compare gives the hashes to reach. Then each fault point kills the
agent (or the child) as often as asked, each time in a fresh workspace, and the run is resumed by the command line.
A row passes when every repeat ends done and verified with equal hashes and no child job came to its end more than once.
The boundaries of the graph's nodes are the same whatever the tools are: there the plan is only quantize and compare, of
the file that the undisturbed run exported. In the middle of the jobs all four tools run.
Without --model a Llama of two layers with random weights and the built-in tokenizer is made, so that one run takes
seconds; the code is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import card

BOUNDARIES = [
    "node.plan",
    "node.gate",
    "node.gate:2",
    "node.route",
    "node.execute",
    "node.execute:2",
    "node.verify",
    "node.verify:2",
    "node.report",
    "node.remember",
    "execute.after_intent",
    "execute.after_effect",
    "execute.after_outcome:2",
]
JOBS = [
    "client.child_started",
    "client.child_started:2",
    "client.child_started:3",
    "client.child_started:4",
    "execute.progress:4",
    "execute.after_effect:2",
    "execute.after_outcome:3",
    "job.start",
    "job.train",
    "job.train:2",
    "job.before_result",
]
QUICK_STEPS = 4


@dataclass
class Outcome:
    """How one killed and resumed run ended."""

    killed: bool
    done: bool
    same_hashes: bool
    nothing_twice: bool
    seconds: float


def plan(model: str) -> dict[str, Any]:
    """All four tools; of an exported file only what comes after the export."""
    data = "data.jsonl"
    if model.endswith(".gguf"):
        return {
            "request": "kill matrix",
            "steps": [
                {"id": "s1", "tool": "quantize", "args": {"model": model, "types": ["Q8_0"]}},
                {
                    "id": "s2",
                    "tool": "compare",
                    "args": {"models": [model, "$s1.models[0]"], "dataset": data, "metrics": ["contains"], "max_new_tokens": 4},
                },
            ],
        }
    return {
        "request": "kill matrix",
        "steps": [
            {
                "id": "s1",
                "tool": "finetune",
                "args": {"model": model, "dataset": data, "max_steps": QUICK_STEPS, "batch_size": 2, "max_length": 128},
            },
            {"id": "s2", "tool": "export_model", "args": {"model": "$s1.model", "format": "gguf"}},
            {"id": "s3", "tool": "quantize", "args": {"model": "$s2.model", "types": ["Q8_0"]}},
            {
                "id": "s4",
                "tool": "compare",
                "args": {"models": ["$s2.model", "$s3.models[0]"], "dataset": data, "metrics": ["contains"], "max_new_tokens": 4},
            },
        ],
    }


def workspace(folder: Path, model: str) -> Path:
    folder.mkdir(parents=True)
    rows = [
        {"messages": [{"role": "user", "content": f"What is {i} plus {i}?"}, {"role": "assistant", "content": f"It is {2 * i}."}]}
        for i in range(8)
    ]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "plan.json").write_text(json.dumps(plan(model)))
    return folder


def modelwright(folder: Path, *arguments: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MODELWRIGHT_THREADS": "1", **({"MODELWRIGHT_FAULT": fault} if fault else {})}
    return subprocess.run(
        [sys.executable, "-m", "modelwright", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def hashes(folder: Path) -> dict[str, list[str]]:
    """tool -> hashes of the weights it left; cards and logs hold times and differ."""
    db = sqlite3.connect(folder / ".modelwright" / "modelwright.db")
    found = {}
    for tool, result in db.execute("select tool, result from ledger where status = 'done' and tool != 'compare'"):
        files = [Path(a["path"]) for a in json.loads(result)["artifacts"]]
        weights = [
            f for path in files for f in ([path] if path.is_file() else sorted(path.rglob("*"))) if f.suffix in (".gguf", ".safetensors")
        ]
        found[tool] = sorted({_sha256(f) for f in weights})
    return found


def exported_model(folder: Path) -> Path:
    db = sqlite3.connect(folder / ".modelwright" / "modelwright.db")
    (result,) = db.execute("select result from ledger where tool = 'export_model'").fetchone()
    return folder / json.loads(result)["model"]


def _sha256(path: Path) -> str:
    from modelwright.canonical import sha256_of_path

    return sha256_of_path(path)


def each_job_ended_once(folder: Path) -> bool:
    """Whether no child came to its end twice. A child writes `start PID` when it begins and `end` just before its result."""
    attempts = [path.read_text().splitlines() for path in folder.glob(".modelwright/jobs/*/*/attempts.txt")]
    return bool(attempts) and all(sum(line.startswith("end") for line in lines) == 1 for lines in attempts)


def one(folder: Path, model: str, fault: str, wanted: dict[str, list[str]]) -> Outcome:
    started = time.monotonic()
    root, mark = workspace(folder / "w", model), folder / "mark"
    in_child = fault.startswith("job.")
    first = modelwright(root, "run", "--plan", "plan.json", "--yes", "--json", fault=f"{fault}@{mark}")
    killed = mark.exists() and (in_child or first.returncode == -9)
    last = first if in_child and first.returncode == 0 else modelwright(root, "resume", "last", "--json")
    done = last.returncode == 0 and json.loads(last.stdout)["status"] == "done"
    if not done:
        sys.stderr.write(f"{fault}: {last.stderr[-600:]}\n")
    return Outcome(killed, done, done and hashes(root) == wanted, each_job_ended_once(root), time.monotonic() - started)


def undisturbed(folder: Path, model: str) -> dict[str, list[str]]:
    """The hashes that a run without a kill gives."""
    calm = workspace(folder, model)
    ended = modelwright(calm, "run", "--plan", "plan.json", "--yes", "--json")
    if ended.returncode:
        sys.exit(f"the undisturbed run failed: {ended.stderr[-2000:]}")
    return hashes(calm)


def tiny_model(folder: Path) -> Path:
    """Two layers of random Llama with the built-in model's tokenizer."""
    program = (
        "import sys; from pathlib import Path; from modelwright.config import Settings; from modelwright.engines.hf import builtin_folder\n"
        "from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer; import torch\n"
        "source = builtin_folder(Settings().cache_dir, lambda *a, **k: None); torch.manual_seed(0)\n"
        "config = AutoConfig.from_pretrained(source, num_hidden_layers=2, hidden_size=64, intermediate_size=128, num_attention_heads=4,\n"
        "    num_key_value_heads=2, head_dim=16)\n"
        "AutoModelForCausalLM.from_config(config).save_pretrained(sys.argv[1])\n"
        "AutoTokenizer.from_pretrained(source).save_pretrained(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True, capture_output=True)
    return folder


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--points", type=lambda text: text.split(","), default=BOUNDARIES + JOBS, help="only these fault points, by comma")
    options.add_argument("--model", help="a model folder instead of the tiny one")
    chosen = options.parse_args()
    print(card("langgraph", "torch", "trl", "llama-cpp-python"), flush=True)
    with tempfile.TemporaryDirectory() as base:
        model = chosen.model or str(tiny_model(Path(base) / "tiny"))
        whole = undisturbed(Path(base) / "whole", model)
        exported = shutil.copy(exported_model(Path(base) / "whole"), Path(base) / "exported.gguf")
        short = undisturbed(Path(base) / "short", str(exported))
        print(
            f"{'killed at':<26} {'in':<6} {'kills':>6} {'resumed':>8} {'equal hashes':>13} {'nothing twice':>14} {'mean s':>7}", flush=True
        )
        for point in chosen.points:
            outcomes = []
            for number in range(chosen.repeats):
                folder = Path(base) / f"{point}-{number}"
                outcomes.append(one(folder, str(exported), point, short) if point in BOUNDARIES else one(folder, model, point, whole))
                shutil.rmtree(folder)
            count = [sum(getattr(o, name) for o in outcomes) for name in ("killed", "done", "same_hashes", "nothing_twice")]
            where = "child" if point.startswith("job.") else "agent"
            print(
                f"{point:<26} {where:<6} {count[0]:>6} {count[1]:>8} {count[2]:>13} {count[3]:>14} "
                f"{sum(o.seconds for o in outcomes) / len(outcomes):>7.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
