"""A table's factors as sums of products of bytes: unsigned activations, signed weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from agnsim.kernels.patterns import PerMultiplier

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

MAX_BITS = 8
"""Widest activation code that a byte indexes."""

MAX_TERMS = 6
"""From here on looking products up is as fast, measured (kernels/README.md)."""

_CODES = 1 << MAX_BITS
_DIGIT = 256


@dataclass(frozen=True)
class Pass:
    """Terms of one scale: `scale * sum_t planes[activation[t]][a] * weight[t, w]`.

    Attributes:
        scale: What the terms' sum is multiplied by.
        activation: Index of each term's activation plane.
        weight: int8 `[terms, 2**bits_b]`.
    """

    scale: int
    activation: tuple[int, ...]
    weight: NDArray[np.int8]


@dataclass(frozen=True)
class ByteTerms:
    """`table[a, w] = constant[w] + sum over passes`, exactly.

    Attributes:
        planes: uint8 `[planes, 257]`, by activation pattern; the last entry stands for the product 0 of skipped
            padding.
        skips: Whether every plane has a byte for it.
        passes: At least one.
        constant: int64 `[2**bits_b]`.
        count: Terms in all.
    """

    planes: NDArray[np.uint8]
    skips: bool
    passes: tuple[Pass, ...]
    constant: NDArray[np.int64]
    count: int


def _build(multiplier: Multiplier, device: torch.device) -> ByteTerms | None:
    """Return the terms, or `None` where there are more than `MAX_TERMS` or activations are wider than a byte."""
    del device  # always the CPU
    factors = multiplier.factors
    if factors is None or multiplier.bits_a > MAX_BITS:
        return None
    planes: list[NDArray[np.uint8]] = []
    terms: list[tuple[int, int, NDArray[np.int8]]] = []
    skips = True
    constant = np.zeros(factors.v.shape[1], np.int64)
    for u, v in zip(factors.u, factors.v, strict=True):
        common_u, common_v = (max(1, int(np.gcd.reduce(row))) for row in (u, v))
        activation, weight = u // common_u, v // common_v
        least = int(activation.min())
        if int(activation.max()) - least >= _CODES:
            return None
        scale = factors.scale * common_u * common_v
        constant += scale * least * weight
        skips = skips and 0 <= -least < _CODES
        row = np.zeros(_CODES + 1, np.uint8)
        row[: len(activation)] = activation - least
        row[_CODES] = -least if 0 <= -least < _CODES else 0
        for digit in _signed_digits(weight):
            terms.append((scale, len(planes), digit))
            scale *= _DIGIT
        planes.append(row)
    if len(terms) > MAX_TERMS:
        return None
    terms.sort(key=lambda term: term[0])
    passes = []
    for scale, same in groupby(terms, key=lambda term: term[0]):
        members = list(same)
        passes.append(Pass(scale, tuple(t[1] for t in members), np.stack([t[2] for t in members])))
    return ByteTerms(np.stack(planes), skips, tuple(passes), constant, len(terms))


def _signed_digits(values: NDArray[np.integer[Any]]) -> list[NDArray[np.int8]]:
    """Return int8 digits, least first, with `values == sum_i digits[i] * 256**i`."""
    digits = []
    rest = values.astype(np.int64)
    while True:
        low = (rest + _DIGIT // 2) % _DIGIT - _DIGIT // 2
        digits.append(low.astype(np.int8))
        rest = (rest - low) // _DIGIT
        if not rest.any():
            return digits


byte_terms_of = PerMultiplier(_build)
