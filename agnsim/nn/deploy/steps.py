"""The steps between the layers of a deployed network. Integers in, integers out, the two at its ends excepted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.kernels.pointwise.requantize import requantize
from agnsim.nn.deploy.grid import Grid
from agnsim.quantization.requantization import Requantization
from agnsim.types import Json


class Rescaling(nn.Module):
    """`clamp((x * multiplier + addend) >> shift, low, high)`: integers of one grid to those of another.

    Args:
        constants: Per channel, or one for all.
        grid: Of the result.
    """

    multiplier: Tensor
    addend: Tensor
    shift: Tensor

    def __init__(self, constants: Requantization, grid: Grid) -> None:
        super().__init__()
        self.grid = grid
        self.low, self.high = constants.low, constants.high
        for name in ("multiplier", "addend", "shift"):
            self.register_buffer(name, getattr(constants, name))

    def forward(self, x: Tensor, channel_dim: int = 1) -> Tensor:
        """Return integers of the grid's dtype, shaped like `x`.

        Args:
            x: int32 or int64.
            channel_dim: Dimension the channels lie along.
        """
        constants = self.multiplier, self.addend, self.shift, self.low, self.high
        return requantize(x, *constants, self.grid.dtype, channel_dim)

    def describe(self) -> Json:
        """Return the grid of the result."""
        return {"kind": "rescaling", "low": self.low, "high": self.high, **self.grid.describe()}


class QuantizeInput(nn.Module):
    """Images to integers: `clamp(round(x / scale) + zero_point, low, high)`, rounding half to even.

    The only arithmetic in floating point: one division and one rounding, which IEEE 754 fixes to the last bit.

    Args:
        grid: Of the result.
        low: Smallest result.
        high: Largest result.
    """

    scale: Tensor

    def __init__(self, grid: Grid, low: int, high: int) -> None:
        super().__init__()
        self.grid, self.low, self.high = grid, low, high
        self.register_buffer("scale", torch.tensor([grid.scale], dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes.

        Args:
            x: Floating point images.

        Raises:
            InputError: They are not floating point, one is not a number, or beyond what fixed point is made for.
        """
        if not x.is_floating_point():
            raise InputError(f"deployed network: the input is {x.dtype}; it takes floating point images")
        codes = torch.div(x.to(torch.float32), self.scale).round_()
        if bool(codes.isnan().any()):
            raise InputError("deployed network: the input holds NaN, which is no integer")
        if self.grid.is_fixed_point and codes.numel() > 0 and float(codes.abs().max()) > self.high:
            raise InputError(
                f"deployed network: the input reaches {float(x.abs().max()):g}; a network whose first step is no layer "
                f"takes images within +-{self.high * self.grid.scale:g} as fixed point. Scale the images."
            )
        return codes.add_(self.grid.zero_point).clamp_(self.low, self.high).to(self.grid.dtype)

    def describe(self) -> Json:
        """Return the grid of the result."""
        return {"kind": "quantize", "low": self.low, "high": self.high, **self.grid.describe()}


class ClampIntegers(nn.Module):
    """ReLU and its kind on a tensor's own grid."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` clamped."""
        return x.clamp(self.low, self.high)

    def describe(self) -> Json:
        """Return the limits."""
        return {"kind": "clamp", "low": self.low, "high": self.high}


class Logits(nn.Module):
    """Integers below 2**24 times a power of two: exact in float32."""

    scale: Tensor

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid
        self.register_buffer("scale", torch.tensor(grid.scale, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return real values, float32."""
        return x.to(torch.float32) * self.scale

    def describe(self) -> Json:
        """Return the grid."""
        return {"kind": "logits", **self.grid.describe()}
