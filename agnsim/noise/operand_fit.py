"""How a layer's operand codes reach the ports of a circuit, and the error each pair of codes then suffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError, OperandRangeError
from agnsim.multipliers import Choice, Multiplier
from agnsim.multipliers.operands.port_grid import PortGrid, Range, activation_grid, fits, used_codes, weight_grid
from agnsim.types import FloatArray, Int32Array, LayerOperands

Stretch = tuple[float, float]
"""Factors on the steps of the activations' and the weights' grids: 2 maps half the range to the whole port."""

UNSTRETCHED: Stretch = (1.0, 1.0)


@dataclass(frozen=True)
class OperandFit:
    """A circuit with the map from a layer's sampled codes to the values that its ports would be fed.

    Attributes:
        multiplier: The circuit as the layer sees it (swapped and encoded).
        activations: Map of the activations.
        weights: Map of the weights.
    """

    multiplier: Multiplier
    activations: PortGrid
    weights: PortGrid

    def errors(self, codes_a: Int32Array, codes_w: Int32Array) -> FloatArray:
        """Return the error of one product for every pair of codes, zero-point corrections made.

        Args:
            codes_a: int32 `[A]`, sampled activation codes.
            codes_w: int32 `[B]`, sampled weight codes.

        Returns:
            float64 `[A, B]` in units of the sampled layer's accumulator. Where the codes fit the ports this is
            `table - exact`; else the coarser grid's rounding is part of it.
        """
        fed_a, fed_w = self.activations.values(codes_a), self.weights.values(codes_w)
        patterns_a = fed_a & (2**self.multiplier.bits_a - 1)
        patterns_w = fed_w & (2**self.multiplier.bits_b - 1)
        products = self.multiplier.table[np.ix_(patterns_a, patterns_w)].astype(np.float64)
        products -= self.activations.port_zero_point * fed_w.astype(np.float64)
        products /= self.activations.steps * self.weights.steps
        products -= np.outer(codes_a - self.activations.zero_point, codes_w)
        return products


def _span(codes: NDArray[np.int32], stated: Range | None, what: str) -> Range:
    found = (int(codes.min()), int(codes.max()))
    if stated is not None and not fits(found, stated):
        raise InputError(f"{what} codes span {found[0]}..{found[1]}, outside the stated range {stated[0]}..{stated[1]}")
    return stated if stated is not None else found


def fit_operands(
    operands: LayerOperands,
    choice: Choice,
    *,
    range_a: Range | None = None,
    range_w: Range | None = None,
    stretch: Stretch = UNSTRETCHED,
) -> OperandFit:
    """Return how `choice` would be fed in this layer.

    Args:
        operands: The sampled layer; weights quantised symmetrically where they must be requantised.
        choice: The circuit with orientation and encodings.
        stretch: Factors on the steps of the activations' and the weights' grids (see `fit_ranges`).
        range_a: Range of the layer's activation quantiser (0..255, say). With it, a circuit whose port is narrower
            or signed is judged on the codes as that port's own quantiser would round them; without it, codes that
            do not fit are an error.
        range_w: The same for the weights (-127..127, say).

    Raises:
        OperandRangeError: Codes do not fit the port and no quantiser range was stated.
        InputError: Codes outside the stated range, no rows, or an unsigned weight port without an encoding.
    """
    place = f"layer {operands.layer!r}, circuit {choice.label!r}"
    if operands.rows.size == 0 or operands.weights.size == 0:
        raise InputError(f"layer {operands.layer!r} has no sampled operands; sample at least one row")
    multiplier, zero_point = choice.effective, operands.zero_point_a
    span_a = _span(operands.rows, range_a, f"layer {operands.layer!r}: activation")
    span_w = _span(operands.weights, range_w, f"layer {operands.layer!r}: weight")
    for stated, span, port, what in (
        (range_a, span_a, multiplier.range_a, "activation"),
        (range_w, span_w, multiplier.range_b, "weight"),
    ):
        if stated is None and not fits(span, port):
            raise OperandRangeError(
                f"{place}: {what} codes span {span[0]}..{span[1]}, the port takes {port[0]}..{port[1]}; "
                "state the quantiser's range to have them rounded to the port's grid, or choose another encoding"
            )
    if int(operands.rows.min()) >= 0:
        span_a = used_codes(span_a, multiplier.range_a, zero_point)
    return OperandFit(
        multiplier,
        activation_grid(span_a, multiplier.range_a, zero_point).stretched(stretch[0]),
        weight_grid(span_w, multiplier.range_b, place).stretched(stretch[1]),
    )


def fit_all(
    operands: LayerOperands,
    choices: Sequence[Choice],
    *,
    range_a: Range | None,
    range_w: Range | None,
    stretches: Sequence[Stretch] | None,
) -> list[OperandFit]:
    """Return `fit_operands` of every choice, each with its stretch.

    Raises:
        InputError: Not as many stretches as choices; and as `fit_operands`.
    """
    factors = [UNSTRETCHED] * len(choices) if stretches is None else stretches
    if len(factors) != len(choices):
        raise InputError(
            f"layer {operands.layer!r}: {len(factors)} stretches for {len(choices)} choices; give each one"
        )
    return [
        fit_operands(operands, choice, range_a=range_a, range_w=range_w, stretch=stretch)
        for choice, stretch in zip(choices, factors, strict=True)
    ]
