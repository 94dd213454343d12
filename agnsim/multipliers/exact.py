"""True products of all operand pairs, the measure of every table."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from agnsim.multipliers.encoding import operand_values
from agnsim.types import Int32Array


@lru_cache(maxsize=16)
def exact_products(bits_a: int, bits_b: int, signed_a: bool, signed_b: bool) -> Int32Array:
    """Return the true products by bit pattern, int32 `[2**bits_a, 2**bits_b]`, read-only."""
    products = np.multiply.outer(operand_values(bits_a, signed_a), operand_values(bits_b, signed_b)).astype(np.int32)
    products.flags.writeable = False
    return products
