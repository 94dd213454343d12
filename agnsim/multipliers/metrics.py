"""Error metrics of a multiplier's table, always recomputed, never taken from a card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError

if TYPE_CHECKING:
    from agnsim.multipliers.netlists.netlist import Netlist


@dataclass(frozen=True)
class ErrorMetrics:
    """Errors `table - exact` over all operand pairs, each pair counted once.

    Attributes:
        mae: Mean absolute error.
        wce: Worst-case (largest absolute) error.
        mre: Mean relative error, a fraction, over `max(1, |exact|)`.
        ep: Error probability, a fraction.
        mse: Mean squared error.
        mean_error: Mean error (the bias).
        error_std: Standard deviation of the error over the population of pairs.
    """

    mae: float
    wce: int
    mre: float
    ep: float
    mse: float
    mean_error: float
    error_std: float


def error_metrics(table: NDArray[np.integer[Any]], exact: NDArray[np.integer[Any]]) -> ErrorMetrics:
    """Return the errors of `table` against `exact`.

    Sums are of integers or in a fixed order, so the figures are the same on every machine, whatever its vector width.

    Args:
        table: int `[A, B]`.
        exact: int `[A, B]`, the true products.
    """
    error = table.astype(np.int64)
    error -= exact
    size, magnitude = error.size, np.abs(error)
    total, total_magnitude = int(error.sum()), int(magnitude.sum())
    wce = int(magnitude.max())
    total_square = _sum_of_squares(magnitude, wce)
    # Pairs with the same exact product share a denominator: per-denominator sums are whole numbers.
    denominator = np.maximum(np.abs(exact.astype(np.int64)), 1)
    by_denominator = np.bincount(denominator.ravel(), weights=magnitude.ravel())
    (present,) = np.nonzero(by_denominator)
    relative = float(np.cumsum(by_denominator[present] / present)[-1]) if present.size else 0.0
    return ErrorMetrics(
        mae=total_magnitude / size,
        wce=wce,
        mre=relative / size,
        ep=int(np.count_nonzero(error)) / size,
        mse=total_square / size,
        mean_error=total / size,
        error_std=math.sqrt((size * total_square - total * total) / (size * size)),
    )


def is_exhaustible(netlist: Netlist) -> bool:
    """Tell whether `netlist_metrics` takes it: operands of up to 16 bits, one of 12 or more, products of up to 32."""
    return 12 <= max(netlist.bits_a, netlist.bits_b) <= 16 and len(netlist.outputs) <= 32


def netlist_metrics(netlist: Netlist, signed_a: bool, signed_b: bool) -> ErrorMetrics:
    """Return the errors of a netlist over all of its up to 2**32 products, without a table.

    Raises:
        MultiplierError: An operand has more than 16 bits, both have fewer than 12, or the product has more than 32.
    """
    if not is_exhaustible(netlist):
        raise MultiplierError(
            f"a {netlist.bits_a}x{netlist.bits_b} netlist with a product of {len(netlist.outputs)} bits: errors are "
            "computed over all products up to 16x16 operands (one of 12 or more) and 32 bits of the product"
        )
    from agnsim.multipliers.netlists.exhaustive import exhaustive_metrics

    return exhaustive_metrics(netlist, signed_a, signed_b)


def _sum_of_squares(magnitude: NDArray[np.int64], largest: int) -> int:
    """Return the exact sum of squares of values below 2**33, which may be more than int64 holds."""
    if largest * largest * magnitude.size < 2**63:
        return int((magnitude * magnitude).sum())
    high, low = magnitude >> 16, magnitude & 0xFFFF
    return (int((high * high).sum()) << 32) + (int((high * low).sum()) << 17) + int((low * low).sum())
