"""How a signed operand value reaches a multiplier's port: a choice per operand, and a strong one.

A port is a bundle of wires that the circuit reads as unsigned or as two's complement. An encoding says which values
the operand may take and what is fed for each of them. It folds into the table, so that engines know only values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.types import Int32Array

Patterns = NDArray[np.int64] | None


class Encoding(StrEnum):
    """How an operand's value is presented to the port.

    Attributes:
        UNSIGNED: The value itself, `0 .. 2**bits - 1` (unsigned ports).
        TWOS_COMPLEMENT: The value itself, `-2**(bits-1) .. 2**(bits-1) - 1` (signed ports).
        SIGN_MAGNITUDE: The magnitude is fed and the operands' signs are XORed onto the product;
            `+-(2**(bits-1) - 1)`, so that the operand keeps its width (any port).
        OFFSET: `value + 2**(bits-1)` is fed and the exact correction terms are subtracted;
            `-2**(bits-1) .. 2**(bits-1) - 1` (unsigned ports).
    """

    UNSIGNED = "unsigned"
    TWOS_COMPLEMENT = "twos_complement"
    SIGN_MAGNITUDE = "sign_magnitude"
    OFFSET = "offset"


@dataclass(frozen=True)
class OperandMap:
    """What an encoding feeds to a port for every bit pattern of the encoded operand.

    Attributes:
        encoding: The encoding.
        bits: Width of the encoded operand (one more than the port's with the full magnitude).
        signed: Whether the encoded operand's bit patterns are two's complement values.
        index: int64 `[2**bits]`, row of the circuit's table.
        coefficient: int64 `[2**bits]`, what the circuit's product is multiplied by (+-1; -2 where unreachable).
        offset: What was added to the value before it was fed.
    """

    encoding: Encoding
    bits: int
    signed: bool
    index: NDArray[np.int64]
    coefficient: NDArray[np.int64]
    offset: int


def natural_encoding(signed: bool) -> Encoding:
    """Return the encoding that feeds the value unchanged."""
    return Encoding.TWOS_COMPLEMENT if signed else Encoding.UNSIGNED


def allowed_encodings(signed: bool) -> tuple[Encoding, ...]:
    """Return the encodings a port of that sign can take, the natural one first."""
    if signed:
        return Encoding.TWOS_COMPLEMENT, Encoding.SIGN_MAGNITUDE
    return Encoding.UNSIGNED, Encoding.SIGN_MAGNITUDE, Encoding.OFFSET


def parse_encoding(value: Encoding | str | None, *, signed: bool, where: str) -> Encoding:
    """Return the encoding meant by `value` (`None`: the natural one), checked against the port's sign.

    Args:
        value: An encoding or its name.
        signed: Sign of the port.
        where: Circuit and operand, for the message.

    Raises:
        MultiplierError: No such encoding, or the port can't take it.
    """
    if value is None:
        return natural_encoding(signed)
    allowed = allowed_encodings(signed)
    if value not in allowed:
        names = ", ".join(allowed)
        shown = value.value if isinstance(value, Encoding) else value
        raise MultiplierError(
            f"{where}: encoding {shown!r} does not fit {'a signed' if signed else 'an unsigned'} port; allowed: {names}"
        )
    return Encoding(value)


def check_full_magnitude(encodings: tuple[Encoding, Encoding], signed: tuple[bool, bool], where: str) -> None:
    """Refuse the full magnitude where no operand is in sign-magnitude, or one on a signed port is.

    Raises:
        MultiplierError: As said.
    """
    if Encoding.SIGN_MAGNITUDE not in encodings:
        names = " and ".join(encodings)
        raise MultiplierError(f"{where}: full_magnitude needs an operand in sign_magnitude; these are {names}")
    for label, encoding, port_signed in zip("aw", encodings, signed, strict=True):
        if encoding is Encoding.SIGN_MAGNITUDE and port_signed:
            raise MultiplierError(
                f"{where}, operand {label}: full_magnitude needs an unsigned port, this one is signed"
            )


def operand_values(bits: int, signed: bool) -> NDArray[np.int64]:
    """Return int64 `[2**bits]`: the operand value of each bit pattern."""
    patterns = np.arange(1 << bits, dtype=np.int64)
    return np.where(patterns >= 1 << (bits - 1), patterns - (1 << bits), patterns) if signed else patterns


def operand_range(bits: int, signed: bool, encoding: Encoding) -> tuple[int, int]:
    """Return the smallest and largest value an operand of that width, sign and encoding may take."""
    if encoding is Encoding.SIGN_MAGNITUDE:
        largest = (1 << (bits - 1)) - 1
        return -largest, largest
    if signed:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def port_range(bits: int, signed: bool, encoding: Encoding) -> tuple[int, int]:
    """Return the smallest and largest value that an encoding brings to a port of that width and sign."""
    return operand_range(bits, signed or encoding is Encoding.OFFSET, encoding)


def operand_map(bits: int, signed: bool, encoding: Encoding, *, full_magnitude: bool = False) -> OperandMap:
    """Return how `encoding` feeds a port of that width and sign.

    The pattern of the most negative value is unreachable in sign-magnitude; it holds the natural extension, so that
    an exact circuit stays exact and the rank does not grow.

    Args:
        bits: Width of the port.
        signed: Sign of the port.
        encoding: An encoding that the port allows.
        full_magnitude: Sign-magnitude on an unsigned port takes the values `+-(2**bits - 1)` in `bits + 1` bits.
    """
    half = 1 << (bits - 1)
    if encoding is Encoding.SIGN_MAGNITUDE:
        width = bits + 1 if full_magnitude else bits
        values = operand_values(width, True)
        index, coefficient = np.abs(values), np.where(values < 0, -1, 1)
        lowest = 1 << (width - 1)
        if signed:
            coefficient[lowest] = 1
        elif full_magnitude:
            index[lowest], coefficient[lowest] = half, -2
        return OperandMap(encoding, width, True, index, coefficient, 0)
    ones = np.ones(1 << bits, dtype=np.int64)
    if encoding is Encoding.OFFSET:
        return OperandMap(encoding, bits, True, operand_values(bits, True) + half, ones, half)
    return OperandMap(encoding, bits, signed, np.arange(1 << bits, dtype=np.int64), ones, 0)


def fold_encodings(
    table: Int32Array, a: OperandMap, w: OperandMap, patterns_a: Patterns = None, patterns_w: Patterns = None
) -> NDArray[np.int64]:
    """Return the circuit's table seen through both encodings: int64 `[2**a.bits, 2**w.bits]`, approximating `a * w`.

    With both operands offset, `(a + o_a)(w + o_w) - a o_w - w o_a - o_a o_w = a w`; the last three terms are exact.

    Args:
        table: The circuit's products.
        a: Encoding of the first operand.
        w: Encoding of the second operand.
        patterns_a: Bit patterns of the encoded first operand to return the rows of; all by default.
        patterns_w: Likewise the columns.
    """
    rows = slice(None) if patterns_a is None else patterns_a
    columns = slice(None) if patterns_w is None else patterns_w
    products = table[np.ix_(a.index[rows], w.index[columns])].astype(np.int64)
    products *= a.coefficient[rows][:, None] * w.coefficient[columns][None, :]
    if a.offset or w.offset:
        value_a = operand_values(a.bits, a.signed)[rows][:, None]
        value_w = operand_values(w.bits, w.signed)[columns][None, :]
        products -= value_a * w.offset + value_w * a.offset + a.offset * w.offset
    return products
