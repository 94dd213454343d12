"""What makes an array a multiplier's table."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from agnsim.errors import MultiplierError
from agnsim.types import Int32Array

MAX_OPERAND_BITS = 16
MAX_TABLE_BITS = 24


def is_tabulated(bits_a: int, bits_b: int) -> bool:
    """Whether multipliers of these widths have a table: up to 2**24 entries."""
    return bits_a + bits_b <= MAX_TABLE_BITS


def checked_bits(bits_a: Any, bits_b: Any, where: str, *, tabulated: bool = True) -> tuple[int, int]:
    """Return the operand widths as plain integers.

    Args:
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        where: Start of messages.
        tabulated: Whether there must be a table.

    Raises:
        MultiplierError: A width is no integer or out of range, or the table would have more than 2**24 entries.
    """
    widths = []
    for label, bits in (("bits_a", bits_a), ("bits_b", bits_b)):
        try:
            width = operator.index(bits)
        except TypeError:
            width = 0
        if isinstance(bits, bool) or not 1 <= width <= MAX_OPERAND_BITS:
            raise MultiplierError(f"{where}: {label} is {bits!r}; it must be an integer from 1 to {MAX_OPERAND_BITS}")
        widths.append(width)
    if tabulated and not is_tabulated(*widths):
        raise MultiplierError(
            f"{where}: {widths[0]} x {widths[1]} bits make a table of 2**{sum(widths)} entries; "
            f"at most 2**{MAX_TABLE_BITS} are supported"
        )
    return widths[0], widths[1]


def checked_table(table: Any, exact: Int32Array, where: str) -> Int32Array:
    """Return `table` as a read-only int32 array in C order that nobody else can write to.

    Raises:
        MultiplierError: Not an integer array of the shape of `exact`, or a product or its error does not fit int32.
    """
    if not isinstance(table, np.ndarray):
        raise MultiplierError(
            f"{where}: the table is a {type(table).__module__}.{type(table).__qualname__}; "
            "it must be a NumPy array (numpy.asarray makes one)"
        )
    if not np.issubdtype(table.dtype, np.integer):
        raise MultiplierError(f"{where}: the table has dtype {table.dtype}; it must be an integer type")
    if table.shape != exact.shape:
        raise MultiplierError(
            f"{where}: the table has shape {table.shape}; {exact.shape} belongs to its widths "
            "(2**bits_a rows, 2**bits_b columns)"
        )
    limits = np.iinfo(np.int32)
    if table.dtype != np.int32:
        _check_int32(table, limits.min, limits.max, "product", where)
    flags = table.flags
    is_private = table.base is None and not flags.writeable and flags.c_contiguous and table.dtype == np.int32
    products: Int32Array = table if is_private else np.array(table, dtype=np.int32, order="C")
    products.flags.writeable = False
    # Errors overflow only where products come near the limits of int32, which no real table does.
    if int(products.max()) > limits.max // 2 or int(products.min()) < limits.min // 2:
        _check_int32(products.astype(np.int64) - exact, limits.min, limits.max, "error", where)
    return products


def _check_int32(values: np.ndarray[Any, Any], lowest: int, highest: int, what: str, where: str) -> None:
    outside = (values < lowest) | (values > highest)
    if outside.any():
        row, column = (int(index[0]) for index in np.nonzero(outside))
        raise MultiplierError(
            f"{where}: table[{row}, {column}] has {what} {int(values[row, column])}, which does not fit int32"
        )
