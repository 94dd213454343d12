"""The integer types of C as compilers for 64-bit Linux have them, and how they combine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class CType(NamedTuple):
    """An integer type.

    Attributes:
        name: As `stdint.h` names it.
        width: Bits.
        signed: Whether it is in two's complement.
    """

    name: str
    width: int
    signed: bool


_INTEGERS = {
    (width, signed): CType(f"{'' if signed else 'u'}int{width}_t", width, signed)
    for width in (8, 16, 32, 64)
    for signed in (True, False)
}
INT = _INTEGERS[32, True]
SIZE = _INTEGERS[64, False]

NAMED_TYPES = {ctype.name: ctype for ctype in _INTEGERS.values()} | {"size_t": SIZE}
TYPE_WORDS = frozenset({"char", "short", "int", "long", "signed", "unsigned"})
_WIDTHS = {
    "": 32,
    "int": 32,
    "char": 8,
    "short": 16,
    "int short": 16,
    "long": 64,
    "int long": 64,
    "long long": 64,
    "int long long": 64,
}
_SUFFIXES = frozenset({"", "u", "l", "ul", "lu", "ll", "ull", "llu"})


def spelled_type(words: Sequence[str]) -> CType | None:
    """Return the type that words such as `unsigned long int` spell in any order, `None` where they spell none."""
    signs = [word for word in words if word in ("signed", "unsigned")]
    width = _WIDTHS.get(" ".join(sorted(word for word in words if word not in signs)))
    if width is None or len(signs) > 1:
        return None
    return _INTEGERS[width, "unsigned" not in signs]


def promoted(ctype: CType) -> CType:
    """Return the type after integer promotion: `int` for all that is narrower."""
    return INT if ctype.width < INT.width else ctype


def common_type(left: CType, right: CType) -> CType:
    """Return the type of two operands after the usual arithmetic conversions: the wider, of equal ones the unsigned."""
    left, right = promoted(left), promoted(right)
    if left.width != right.width:
        return left if left.width > right.width else right
    return right if left.signed else left


def literal_type(value: int, *, decimal: bool, suffix: str) -> CType | None:
    """Return the type of an integer literal, `None` for one that is in no type or has a wrong suffix."""
    suffix = suffix.lower()
    if suffix not in _SUFFIXES:
        return None
    for width in (64,) if "l" in suffix else (32, 64):
        if "u" not in suffix and value < 1 << width - 1:
            return _INTEGERS[width, True]
        if ("u" in suffix or not decimal) and value < 1 << width:
            return _INTEGERS[width, False]
    return None
