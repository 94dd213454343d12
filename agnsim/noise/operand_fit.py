"""How a layer's operand codes reach the ports of a circuit, and the error each pair of codes then suffers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError, OperandRangeError
from agnsim.multipliers import Choice, Multiplier
from agnsim.types import FloatArray, Int32Array, LayerOperands

Range = tuple[int, int]


@dataclass(frozen=True)
class OperandFit:
    """A circuit with the map from a layer's sampled codes to the values that its ports would be fed.

    The maps are the identity where the codes fit the ports. Else the layer would be quantised anew for the circuit
    (fewer bits, or symmetric for a signed port); `steps` and `zero_point` describe that coarser grid.

    Attributes:
        multiplier: The circuit as the layer sees it (swapped and encoded).
        steps_a: Steps of the port's grid per step of the sampled codes, at most 1.
        steps_w: The same for the weights.
        zero_point: Zero point of the sampled activation codes.
        port_zero_point: Zero point of the activations on the port's grid.
    """

    multiplier: Multiplier
    steps_a: float
    steps_w: float
    zero_point: int
    port_zero_point: int

    def activations(self, codes: Int32Array) -> Int32Array:
        """Return the values that the activation port is fed for sampled codes of any shape."""
        if self.steps_a == 1.0 and self.port_zero_point == self.zero_point:
            return codes
        low, high = self.multiplier.range_a
        fed = np.round((codes - self.zero_point) * self.steps_a) + self.port_zero_point
        return np.asarray(np.clip(fed, low, high), dtype=np.int32)

    def weights(self, codes: Int32Array) -> Int32Array:
        """Return the values that the weight port is fed for sampled codes of any shape."""
        if self.steps_w == 1.0:
            return codes
        low, high = self.multiplier.range_b
        return np.asarray(np.clip(np.round(codes * self.steps_w), low, high), dtype=np.int32)

    def errors(self, codes_a: Int32Array, codes_w: Int32Array) -> FloatArray:
        """Return the error of one product for every pair of codes, zero-point corrections made.

        Args:
            codes_a: int32 `[A]`, sampled activation codes.
            codes_w: int32 `[B]`, sampled weight codes.

        Returns:
            float64 `[A, B]` in units of the sampled layer's accumulator. Where the codes fit the ports this is
            `table - exact`; else the coarser grid's rounding is part of it.
        """
        fed_a, fed_w = self.activations(codes_a), self.weights(codes_w)
        patterns_a = fed_a & (2**self.multiplier.bits_a - 1)
        patterns_w = fed_w & (2**self.multiplier.bits_b - 1)
        products = self.multiplier.table[np.ix_(patterns_a, patterns_w)].astype(np.float64)
        products -= self.port_zero_point * fed_w.astype(np.float64)
        products /= self.steps_a * self.steps_w
        products -= np.outer(codes_a - self.zero_point, codes_w)
        return products


def _inside(codes: Range, port: Range) -> bool:
    return port[0] <= codes[0] and codes[1] <= port[1]


def _span(codes: NDArray[np.int32], stated: Range | None, what: str) -> Range:
    found = (int(codes.min()), int(codes.max()))
    if stated is not None and not _inside(found, stated):
        raise InputError(f"{what} codes span {found[0]}..{found[1]}, outside the stated range {stated[0]}..{stated[1]}")
    return stated if stated is not None else found


def fit_operands(
    operands: LayerOperands, choice: Choice, *, range_a: Range | None = None, range_w: Range | None = None
) -> OperandFit:
    """Return how `choice` would be fed in this layer.

    Args:
        operands: The sampled layer; weights quantised symmetrically where they must be requantised.
        choice: The circuit with orientation and encodings.
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
    fits_a, fits_w = _inside(span_a, multiplier.range_a), _inside(span_w, multiplier.range_b)
    for fits, stated, span, port, what in (
        (fits_a, range_a, span_a, multiplier.range_a, "activation"),
        (fits_w, range_w, span_w, multiplier.range_b, "weight"),
    ):
        if not fits and stated is None:
            raise OperandRangeError(
                f"{place}: {what} codes span {span[0]}..{span[1]}, the port takes {port[0]}..{port[1]}; "
                "state the quantiser's range to have them rounded to the port's grid, or choose another encoding"
            )
    steps_a, port_zero_point = (1.0, zero_point) if fits_a else _activation_grid(span_a, multiplier.range_a, zero_point)
    steps_w = 1.0 if fits_w else min(-multiplier.range_b[0], multiplier.range_b[1]) / max(-span_w[0], span_w[1])
    if steps_w <= 0.0:
        raise InputError(f"{place}: the weight port takes no negative values; give the weights an encoding")
    return OperandFit(multiplier, steps_a, steps_w, zero_point, port_zero_point)


def _activation_grid(codes: Range, port: Range, zero_point: int) -> tuple[float, int]:
    """Return (port steps per code step, zero point on the port): symmetric on a signed port, else the same span."""
    if port[0] < 0:
        return min(-port[0], port[1]) / max(zero_point - codes[0], codes[1] - zero_point), 0
    steps = (port[1] - port[0]) / (codes[1] - codes[0])
    return steps, port[0] + round((zero_point - codes[0]) * steps)
