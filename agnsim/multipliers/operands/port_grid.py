"""How a quantiser's codes reach a port that is too narrow for them, or of the other sign: on a coarser grid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agnsim.errors import InputError
from agnsim.types import Int32Array

Range = tuple[int, int]


@dataclass(frozen=True)
class PortGrid:
    """The map from an operand's codes to the values that its port is fed.

    The identity where the codes fit the port. Else the operand would be quantised anew for the circuit (fewer bits, or
    symmetric for a signed port). A stretched grid spends the port's values on a smaller range, and clips the rest.

    Attributes:
        limits: Smallest and largest value of the port.
        steps: Steps of the port's grid per step of the codes.
        zero_point: Zero point of the codes.
        port_zero_point: Zero point on the port's grid.
    """

    limits: Range
    steps: float = 1.0
    zero_point: int = 0
    port_zero_point: int = 0

    def stretched(self, factor: float) -> PortGrid:
        """Return the grid of `factor` times as many steps: values are that much larger, or clipped."""
        return self if factor == 1.0 else replace(self, steps=self.steps * factor)

    def values(self, codes: Int32Array) -> Int32Array:
        """Return the values that the port is fed for codes of any shape."""
        if self.steps == 1.0 and self.port_zero_point == self.zero_point:
            return codes
        fed = np.round((codes - self.zero_point) * self.steps) + self.port_zero_point
        return np.asarray(np.clip(fed, *self.limits), dtype=np.int32)


def fits(codes: Range, port: Range) -> bool:
    """Return whether a port of that range takes every code."""
    return port[0] <= codes[0] and codes[1] <= port[1]


def used_codes(codes: Range, port: Range, zero_point: int) -> Range:
    """Return the part of a quantiser's range that non-negative activations use: half of a symmetric one.

    Only such activations are given an unsigned port, so that the other half need not be mapped to it.
    """
    return (0, codes[1]) if port[0] >= 0 and zero_point == 0 else codes


def activation_grid(codes: Range, port: Range, zero_point: int) -> PortGrid:
    """Return the activations' map: symmetric on a signed port, else the same span on fewer steps.

    Args:
        codes: Range of the quantiser.
        port: Values that the port takes.
        zero_point: Zero point of the quantiser.
    """
    if fits(codes, port):
        return PortGrid(port, 1.0, zero_point, zero_point)
    if port[0] < 0:
        reach = max(zero_point - codes[0], codes[1] - zero_point)
        return PortGrid(port, min(-port[0], port[1]) / reach, zero_point, 0)
    steps = (port[1] - port[0]) / (codes[1] - codes[0])
    return PortGrid(port, steps, zero_point, port[0] + round((zero_point - codes[0]) * steps))


def weight_grid(codes: Range, port: Range, where: str) -> PortGrid:
    """Return the weights' map: symmetric, the zero stays.

    Args:
        codes: Range of the quantiser, whose zero point is 0.
        port: Values that the port takes.
        where: Layer and circuit, for the message.

    Raises:
        InputError: The port takes no negative values, but there are some.
    """
    if fits(codes, port):
        return PortGrid(port)
    steps = min(-port[0], port[1]) / max(-codes[0], codes[1])
    if steps <= 0.0:
        raise InputError(f"{where}: the weight port takes no negative values; give the weights an encoding")
    return PortGrid(port, steps)
