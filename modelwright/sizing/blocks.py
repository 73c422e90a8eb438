"""Number formats and the bytes that they take: ggml's blocks, and what other engines store.

Two facts to know. A quantized type stores rows in blocks of 32 to 256 weights, each with its scales, so a row has to be a
multiple of the block. And a label's bits are those of its block: Q4_K is 144 bytes for 256 weights, 4.5 bits, not 4.
Source: ggml's `GGML_QUANT_SIZES` (gguf/constants.py), the same table that llama.cpp compiles in.
"""

from __future__ import annotations

from modelwright.errors import BadRequest

TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}
"""ggml type number -> name, weights a block, bytes a block."""

BLOCKS = {name: (weights, size) for name, weights, size in TYPES.values()}


def row_bytes(kind: str, columns: int) -> int:
    """Bytes of one row of `columns` weights. Raises BadRequest when the type is unknown or the row is no multiple of its block."""
    if kind not in BLOCKS:
        raise BadRequest(f"no number format {kind!r:.40}", fix=f"known are {', '.join(BLOCKS)}")
    weights, size = BLOCKS[kind]
    if columns % weights:
        raise BadRequest(f"{kind} stores {weights} numbers a block, and a row of {columns} is no multiple of it", fix="use F16 or Q8_0")
    return columns // weights * size
