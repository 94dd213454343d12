"""How a circuit's error depends on its operands: per operand value, at zero, as a histogram, as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.multiplier import Multiplier
from agnsim.types import FloatArray

_ENTRIES_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class ConditionalError:
    """Mean and spread of the error given one operand, the other one uniform.

    Attributes:
        values: int64 `[V]`, operand values, ascending.
        mean: float64 `[V]`, mean error.
        std: float64 `[V]`, standard deviation of the error.
    """

    values: NDArray[np.int64]
    mean: FloatArray
    std: FloatArray


def conditional_errors(multiplier: Multiplier) -> tuple[ConditionalError, ConditionalError]:
    """Return the error given the first operand, and given the second.

    Raises:
        MultiplierError: The circuit has no table.
    """
    shape = multiplier.table.shape
    sums = [np.zeros(size, np.float64) for size in shape]
    squares = [np.zeros(size, np.float64) for size in shape]
    for rows, error in _error_rows(multiplier):
        square = error * error
        sums[0][rows], squares[0][rows] = error.sum(axis=1), square.sum(axis=1)
        sums[1] += error.sum(axis=0)
        squares[1] += square.sum(axis=0)
    found = []
    for axis, (bits, signed) in enumerate(
        ((multiplier.bits_a, multiplier.signed_a), (multiplier.bits_b, multiplier.signed_b))
    ):
        values = operand_values(bits, signed)
        order, others = np.argsort(values), shape[1 - axis]
        mean = sums[axis] / others
        std = np.sqrt(np.maximum(squares[axis] / others - mean**2, 0.0))
        found.append(ConditionalError(values[order], mean[order], std[order]))
    return found[0], found[1]


def zero_products(multiplier: Multiplier) -> tuple[int, int]:
    """Return the largest magnitude of the products with a first operand of 0, and with a second operand of 0.

    Where it is 0, a datapath may skip the multiplication.

    Raises:
        MultiplierError: The circuit has no table.
    """
    table = multiplier.table
    return int(np.abs(table[0].astype(np.int64)).max()), int(np.abs(table[:, 0].astype(np.int64)).max())


def error_histogram(multiplier: Multiplier, bins: int = 101) -> tuple[FloatArray, FloatArray]:
    """Return the middles of equally wide bins over all errors, float64 `[B]`, and the share of the pairs in each.

    A bin holds whole numbers only; small errors have a bin each.

    Raises:
        MultiplierError: The circuit has no table.
    """
    low, high = 0, 0
    for _, error in _error_rows(multiplier):
        low, high = min(low, int(error.min())), max(high, int(error.max()))
    width = -(-(high - low + 1) // bins)
    counts = np.zeros((high - low) // width + 1, np.int64)
    for _, error in _error_rows(multiplier):
        counts += np.bincount(((error - low) // width).ravel(), minlength=len(counts))
    middles = np.asarray(low + width * np.arange(len(counts)) + (width - 1) / 2, np.float64)
    return middles, counts / multiplier.table.size


def error_picture(multiplier: Multiplier, side: int = 256) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a picture of the error of at most `side` by `side` cells: values of both operands, and the error.

    Operand values ascend. Where the table is larger, a cell shows the error of largest magnitude in it, so that none
    is lost.

    Returns:
        float64 `[A]` and `[B]`, the mean operand value of each row and column, and float64 `[A, B]`.

    Raises:
        MultiplierError: The circuit has no table.
    """
    orders = [
        np.argsort(operand_values(bits, signed))
        for bits, signed in ((multiplier.bits_a, multiplier.signed_a), (multiplier.bits_b, multiplier.signed_b))
    ]
    steps = [max(1, size // side) for size in multiplier.table.shape]
    rows, columns = (len(order) // step for order, step in zip(orders, steps, strict=True))
    picture = np.empty((rows, columns))
    values_b = operand_values(multiplier.bits_b, multiplier.signed_b)[orders[1]]
    values_a = operand_values(multiplier.bits_a, multiplier.signed_a)[orders[0]]
    for row in range(rows):
        part = slice(row * steps[0], (row + 1) * steps[0])
        products = multiplier.table[orders[0][part]][:, orders[1]].astype(np.int64)
        error = (products - np.multiply.outer(values_a[part], values_b)).reshape(steps[0], columns, steps[1])
        highest, lowest = error.max(axis=(0, 2)), error.min(axis=(0, 2))
        picture[row] = np.where(-lowest > highest, lowest, highest)
    return values_a.reshape(rows, -1).mean(axis=1), values_b.reshape(columns, -1).mean(axis=1), picture


def _error_rows(multiplier: Multiplier) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Yield slices of rows of the table and their errors, a bounded number at once."""
    table = multiplier.table
    values_a = operand_values(multiplier.bits_a, multiplier.signed_a)
    values_b = operand_values(multiplier.bits_b, multiplier.signed_b)
    step = max(1, _ENTRIES_AT_ONCE // table.shape[1])
    for first in range(0, len(table), step):
        rows = slice(first, first + step)
        yield rows, table[rows].astype(np.int64) - np.multiply.outer(values_a[rows], values_b)
