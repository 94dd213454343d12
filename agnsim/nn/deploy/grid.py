"""The grids that a deployed network's integers lie on: a consumer's codes, or fixed point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from agnsim.quantization import Quantizer
from agnsim.types import Json

FIXED_POINT_RANGE = (-(2**31), 2**31 - 1)


@dataclass(frozen=True)
class Grid:
    """Integers q that stand for `scale * (q - zero_point)`.

    Attributes:
        scale: Positive.
        zero_point: 0 in fixed point.
        low: Smallest integer that may occur.
        high: Largest.
        dtype: Integer type that holds them.
    """

    scale: float
    zero_point: int
    low: int
    high: int
    dtype: torch.dtype

    @classmethod
    def of_quantizer(cls, quantizer: Quantizer) -> Grid:
        """Return the grid of a layer's activation codes.

        Raises:
            InputError: The quantiser has not been calibrated.
        """
        scale = quantizer.grid(torch.zeros(1, device=quantizer.scale.device)).scale
        return cls(float(scale), quantizer.zero_points[0], quantizer.qmin, quantizer.qmax, quantizer.code_dtype)

    @classmethod
    def fixed_point(cls, exponent: int) -> Grid:
        """Return the grid of multiples of `2**exponent`, int32."""
        return cls(math.ldexp(1.0, exponent), 0, *FIXED_POINT_RANGE, torch.int32)

    @property
    def is_fixed_point(self) -> bool:
        """Whether these are not codes."""
        return self.dtype is torch.int32

    def nearest(self, value: float) -> int:
        """Return the integer nearest to a real value (half to even), infinities included, within the grid."""
        if math.isinf(value):
            return self.high if value > 0 else self.low
        return min(max(round(value / self.scale) + self.zero_point, self.low), self.high)

    def describe(self) -> Json:
        """Return plain data."""
        return {"scale": self.scale, "zero_point": self.zero_point, "dtype": str(self.dtype).removeprefix("torch.")}
