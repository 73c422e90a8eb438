"""Names of number formats as arguments take them. One that there is none of is refused before anything runs, with those that are near.

Two facts to know. The check is no part of the JSON schema: a planner that was trained on the schemas sees them as they were. And
llama.cpp's names stand here, as asking it takes a second; a test compares them with what the engine can write.

NOT here: whether this machine can make a format (engines/low_bit.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from modelwright.contract import NO_SUCH_NAME
from modelwright.engines.low_bit import KINDS
from modelwright.sizing.kv import CACHE_TYPES
from modelwright.sizing.mixes import NEEDS_IMATRIX
from modelwright.sizing.weights import FULL, OTHER_BITS, file_types

ONLY_WRITTEN = ("MXFP4_MOE", "NVFP4", "Q1_0")
"""File types that llama.cpp writes and whose mix sizing/mixes.py does not know."""
QUANTIZED = (*(name for name in file_types() if name not in FULL), *ONLY_WRITTEN)
USUAL = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K")
"""What is named where nothing is near."""


def _one_of(what: str, known: Sequence[str], usual: Sequence[str]) -> Callable[[str], str]:
    plain = {_plain(name): name for name in known}
    listed = f"there are {', '.join(usual)}{' …' if len(usual) < len(known) else ''}"

    def check(given: str) -> str:
        if _plain(given) in plain:
            return given
        near = get_close_matches(_plain(given), plain, n=3)
        fix = f"did you mean {' or '.join(plain[name] for name in near)}?" if near else listed
        raise PydanticCustomError(NO_SUCH_NAME, "{text}", {"text": f"{given!r:.40} is no {what}; {fix}"})

    return check


def _plain(name: str) -> str:
    return name.strip().upper().replace("-", "_")


QuantType = Annotated[str, AfterValidator(_one_of("quantization type", (*QUANTIZED, *KINDS), (*USUAL, *KINDS)))]
"""What a model is made smaller to: llama.cpp's quantized types, int8, nf4, gptq, awq."""
WeightType = Annotated[str, AfterValidator(_one_of("type of weights", (*file_types(), *OTHER_BITS), (*USUAL, "F16", *OTHER_BITS)))]
"""What a size can be reckoned for."""
CacheType = Annotated[str, AfterValidator(_one_of("type of the KV cache", CACHE_TYPES, CACHE_TYPES))]


def refuse_without_imatrix(types: Sequence[str], dataset: str | None) -> None:
    """Raise ValueError for a type that cannot be made without text to weigh columns by: before the run, not in the middle of it."""
    bare = [name for name in types if NEEDS_IMATRIX.match(_plain(name))]
    if bare and dataset is None:
        raise ValueError(f"{bare[0]} needs an imatrix_dataset, text to weigh columns by; Q3_K_M and larger need none")
