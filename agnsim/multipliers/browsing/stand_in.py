"""What a narrower exact circuit errs where it stands in for a wider one: the operands' low bits are dropped."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.multiplier import Multiplier

MAX_BITS = 8
"""Widest operands for which a stand-in is computed."""


@lru_cache(maxsize=4096)
def stand_in(bits: tuple[int, int], signed: tuple[bool, bool], own_bits: tuple[int, int]) -> Multiplier | None:
    """Return what an exact circuit computes on operands wider than its own, whose low bits are dropped.

    Args:
        bits: Widths of the operands.
        signed: Their signs; two's complement values are rounded down.
        own_bits: Widths of the exact circuit, none of them larger.

    Returns:
        A circuit of the wider widths, whose errors are those of the rounding; None beyond `MAX_BITS`.
    """
    if max(bits) > MAX_BITS:
        return None
    fed = [
        operand_values(width, sign) >> (width - own) << (width - own)
        for width, sign, own in zip(bits, signed, own_bits, strict=True)
    ]
    name = f"exact {own_bits[0]}x{own_bits[1]} for {bits[0]}x{bits[1]}"
    table = np.multiply.outer(*fed).astype(np.int32)
    return Multiplier.from_table(name, table, bits_a=bits[0], bits_b=bits[1], signed_a=signed[0], signed_b=signed[1])
