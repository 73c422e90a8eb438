"""The table of inference engines (engines.toml), and how it ranks them for a set of constraints. Not a tool.

Hard constraints (hardware, system, format, needs) rule an engine out and say why; what is left is ranked by how well it
suits the load. The table holds judgement, and each entry names the public pages that it was read from.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from modelwright.errors import BadRequest
from modelwright.types import Strict

EngineName = Literal["llama.cpp", "vLLM", "SGLang", "TensorRT-LLM", "Ollama", "transformers"]
Hardware = Literal["cpu", "nvidia", "amd", "apple", "intel-gpu"]
System = Literal["linux", "macos", "windows"]
Need = Literal[
    "openai_api",
    "multi_lora",
    "speculative",
    "structured_output",
    "in_process",
    "kv_quantization",
    "metrics",
    "many_gpus",
    "shared_prefixes",
    "model_management",
    "any_architecture",
    "training_weights",
]
_MAKERS: tuple[tuple[str, Hardware], ...] = (
    (r"intel[- ]gpu|arc( ?pro)? ?[ab]\d+|intel arc|gaudi", "intel-gpu"),
    (r"cpus?|processors?|xeon|epyc|ryzen|threadripper|core i\d|raspberry ?pi ?\d?", "cpu"),
    (r"apple|mac|macbook|m[1-5]", "apple"),
    (r"nvidia|geforce|quadro|tesla|jetson|[rg]tx ?\w*|[abh][123]00s?|gb?200|a10g?|a30|a40|a6000|l40?s?|l4|t4|v100|p100|p40", "nvidia"),
    (r"[2-5]0[5-9]0( ?ti| ?super)*", "nvidia"),
    (r"amd|radeon|instinct|rx ?\d{4}\w*|mi ?\d{2,3}x?", "amd"),
)
"""What stands in the names of hardware, and whose it is; the first that matches counts."""
FEW_USERS = 8
"""Up to here a load counts as few."""


class Suits(Strict):
    rank: int = Field(ge=0, le=3)
    why: str


class Engine(Strict):
    """One row of the table."""

    name: EngineName
    install: str
    module: str
    program: str
    hardware: list[Hardware]
    systems: list[System]
    provides: list[Need]
    sources: list[str] = Field(min_length=1)
    formats: dict[Literal["gguf", "hf", "adapter"], str]
    suits: dict[Literal["few_cpu", "many_cpu", "few_gpu", "many_gpu"], Suits]

    @property
    def installed(self) -> bool:
        return bool(self.module and importlib.util.find_spec(self.module)) or bool(self.program and shutil.which(self.program))


class _Table(Strict):
    read: str
    engine: list[Engine]


class Standing(Strict):
    """What the table says of one engine under the constraints."""

    engine: EngineName
    fits: bool
    rank: int = Field(description="0 to 3, how well it suits the load; 0 when it does not fit")
    reasons: list[str] = Field(description="why it suits, or why it is ruled out")
    install: str
    installed: bool = Field(description="its package or program was found on this machine")
    sources: list[str]


@lru_cache(maxsize=1)
def table() -> tuple[list[Engine], str]:
    """The engines, and when their pages were read."""
    text = Path(__file__).with_name("engines.toml").read_text(encoding="utf-8")
    parsed = _Table.model_validate(tomllib.loads(text))
    return parsed.engine, parsed.read


def situation(users: int, hardware: Hardware) -> Literal["few_cpu", "many_cpu", "few_gpu", "many_gpu"]:
    if hardware == "cpu":
        return "few_cpu" if users <= FEW_USERS else "many_cpu"
    return "few_gpu" if users <= FEW_USERS else "many_gpu"


def rank(kind: str, users: int, hardware: Hardware, system: System, needs: Sequence[Need]) -> list[Standing]:
    """Every engine, the best first; `kind` is the model's: gguf, hf or adapter. Equal ranks keep the table's order."""
    standings = [_standing(engine, kind, users, hardware, system, needs) for engine in table()[0]]
    return sorted(standings, key=lambda one: (not one.fits, -one.rank))


def _standing(engine: Engine, kind: str, users: int, hardware: Hardware, system: System, needs: Sequence[Need]) -> Standing:
    against = _ruled_out(engine, kind, hardware, system, needs)
    suits = engine.suits[situation(users, hardware)]
    if not against and suits.rank == 0:
        against = [suits.why]
    reasons = against or [suits.why, *_ways_in(engine, kind)]
    return Standing(
        engine=engine.name,
        fits=not against,
        rank=0 if against else suits.rank,
        reasons=reasons,
        install=engine.install,
        installed=engine.installed,
        sources=engine.sources,
    )


def _ruled_out(engine: Engine, kind: str, hardware: Hardware, system: System, needs: Sequence[Need]) -> list[str]:
    reasons = []
    if hardware not in engine.hardware:
        reasons.append(f"does not run on {hardware}: only on {', '.join(engine.hardware)}")
    if system not in engine.systems:
        reasons.append(f"does not run on {system}: only on {', '.join(engine.systems)}")
    if engine.formats[kind] == "no":  # type: ignore[index]
        reasons.append(f"cannot read a {kind} model")
    missing = [need for need in needs if need not in engine.provides]
    if missing:
        reasons.append(f"does not provide {', '.join(missing)}")
    return reasons


def _ways_in(engine: Engine, kind: str) -> list[str]:
    way = engine.formats[kind]  # type: ignore[index]
    return [] if way == "native" else [f"the model gets in {way}"]


def hardware_of(text: str) -> Hardware:
    """Whose hardware a name means: "4x A100" is nvidia. Raises BadRequest for a name that says nothing of it."""
    for pattern, hardware in _MAKERS:
        if re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", text.lower()):
            return hardware
    kinds = ", ".join(get_args(Hardware))
    raise BadRequest(f"hardware {text!r:.60} is not known", fix=f"give one of {kinds}, or a graphics card's usual name")


def this_hardware() -> Hardware:
    """A GPU that its own tool tells of, else Apple's, else the processor."""
    if shutil.which("nvidia-smi"):
        return "nvidia"
    if shutil.which("rocm-smi"):
        return "amd"
    return "apple" if platform.system() == "Darwin" and platform.machine() == "arm64" else "cpu"


def this_system() -> System:
    found: dict[str, System] = {"Darwin": "macos", "Windows": "windows"}
    return found.get(platform.system(), "linux")


NEEDS: tuple[Need, ...] = get_args(Need)
