"""What the numbers of a table mean: signs, order of the rows, and products cut to the bits they are stored in.

A table says none of it. An option or a name may; what is left open is taken from the reading with the smallest mean
absolute error in relation to the mean product, if it is far smaller than that of the others, and said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.exact import exact_products
from agnsim.multipliers.importers.failure import SourceError

Int64Array = NDArray[np.int64]

_FAR = 2.0  # times the smaller error: readings that close could both be meant


class Widths(Enum):
    """How the widths of the operands are known."""

    SAID = "said"
    """By the user, or by the circuit's name."""
    SHAPE = "shape"
    """By the shape that the table is kept in."""
    GUESS = "guess"
    """By the number of products, which other widths have, too."""


@dataclass(frozen=True)
class Reading:
    """A table as products of bit patterns.

    Attributes:
        products: int64 `[2**bits_a, 2**bits_b]`.
        signed: Sign of both operands.
        remarks: What was assumed, for the user.
        error: Mean absolute error against the exact products.
        relative: The same in relation to that of a table of zeros.
    """

    products: Int64Array
    signed: bool
    remarks: tuple[str, ...]
    error: float
    relative: float


def read_products(
    values: Int64Array, bits: tuple[int, int], where: str, *, signed: bool | None, widths: Widths
) -> Reading:
    """Return what a table means.

    Args:
        values: int64 `[2**bits_a, 2**bits_b]`, rows and columns by bit pattern, or from the most negative value on.
        bits: Widths of the operands.
        where: The file, for messages.
        signed: Sign of both operands; `None`: found by the smaller error.
        widths: How the widths are known. Guessed ones must fit far better than others with as many products.

    Raises:
        SourceError: The signs or the widths can't be told.
    """
    signs = (False, True) if signed is None else (signed,)
    readings = [reading for sign in signs for reading in _readings(values, bits, sign)]
    best = min(readings, key=lambda reading: reading.relative)
    if widths is not Widths.SAID and signed is not None and best.relative > 1:
        _check_sign(values, bits, best, where)
    if widths is Widths.GUESS:
        _check_guess(values, bits, best, signs, where)
    if widths is not Widths.SAID and best.relative > 1:
        shape = f"{bits[0]}x{bits[1]}"
        reason = (
            f"has larger errors than zeros, read as a table of {shape} bits: say --bits {shape} if that is what it is"
        )
        raise SourceError(where, None, reason)
    other = min(
        (reading for reading in readings if reading.signed is not best.signed),
        key=lambda reading: reading.relative,
        default=None,
    )
    if other is not None and other.relative < _FAR * best.relative:
        raise SourceError(
            where,
            None,
            f"can't tell whether the operands are signed (mean absolute error {best.error:.6g} {_word(best.signed)}, "
            f"{other.error:.6g} {_word(other.signed)}): say --signed or --unsigned",
        )
    if other is None:
        return best
    chosen = f"read as {_word(best.signed)} (mean absolute error {best.error:.6g}, else {other.error:.6g})"
    return replace(best, remarks=(chosen, *best.remarks))


def _check_sign(values: Int64Array, bits: tuple[int, int], best: Reading, where: str) -> None:
    """Refuse a sign with which the table fits worse than zeros, where the other one fits far better."""
    other = min(_readings(values, bits, not best.signed), key=lambda reading: reading.relative)
    if other.relative <= 1 and _FAR * other.relative < best.relative:
        said, better = _word(best.signed), _word(other.signed)
        raise SourceError(
            where,
            None,
            f"is said to be {said}, but fits {better} far better: mean absolute error {other.relative:.3g} of that of "
            f"zeros as {better}, {best.relative:.3g} as {said}. Say --{better}, or --bits {bits[0]}x{bits[1]} too if "
            f"it is {said} indeed",
        )


def _check_guess(values: Int64Array, bits: tuple[int, int], best: Reading, signs: tuple[bool, ...], where: str) -> None:
    total, nearest = sum(bits), (float("inf"), bits)
    for width in range(max(1, total - 16), min(16, total - 1) + 1):
        other = width, total - width
        if other != bits:
            shaped = values.reshape(1 << other[0], 1 << other[1])
            relative = min(reading.relative for sign in signs for reading in _readings(shaped, other, sign))
            nearest = min(nearest, (relative, other))
    if nearest[0] < _FAR * best.relative:
        widths, others = (f"{a}x{b}" for a, b in (bits, nearest[1]))
        raise SourceError(where, None, f"could be a table of {widths} bits, or of {others}: say --bits")


def _readings(values: Int64Array, bits: tuple[int, int], signed: bool) -> Iterator[Reading]:
    """Yield the readings with a sign, the plain one first; a stranger one only where it is far better."""
    exact = exact_products(*bits, signed, signed)
    plain = _reading(values, exact, signed)
    candidates = [plain]
    wrapped, remark = _whole(values, sum(bits), signed)
    if wrapped is not None:
        candidates.append(_reading(wrapped, exact, signed, remark))
    if signed:
        half_a, half_b = exact.shape[0] // 2, exact.shape[1] // 2
        remark = f"rows and columns taken in the order of the values, from {-half_a} on"
        for candidate in tuple(candidates):
            by_pattern = np.roll(candidate.products, (half_a, half_b), axis=(0, 1))
            candidates.append(_reading(by_pattern, exact, signed, *candidate.remarks, remark))
    yield plain
    yield from (candidate for candidate in candidates[1:] if _FAR * candidate.error < plain.error)


def _reading(products: Int64Array, exact: NDArray[np.int32], signed: bool, *remarks: str) -> Reading:
    error, zeros = (float(np.abs(difference).mean()) for difference in (products - exact, exact.astype(np.int64)))
    return Reading(products, signed, remarks, error, error / zeros)


def _whole(values: Int64Array, bits: int, signed: bool) -> tuple[Int64Array | None, str]:
    """Return products whose sign was lost, or made up, where they were stored in `bits` bits; `None`: they were not."""
    lowest, highest, half = int(values.min()), int(values.max()), 1 << (bits - 1)
    remark = f"products of {bits} bits taken as {_word(signed)}"
    if signed and lowest >= 0 and half <= highest < 2 * half:
        return np.where(values >= half, values - 2 * half, values), remark
    if not signed and highest < half and -half <= lowest < 0:
        return np.where(values < 0, values + 2 * half, values), remark
    return None, remark


def _word(signed: bool) -> str:
    return "signed" if signed else "unsigned"
