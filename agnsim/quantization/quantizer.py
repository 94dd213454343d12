"""Uniform quantisers."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from agnsim.errors import CheckpointError, InputError
from agnsim.quantization.calibration import SMALLEST_SCALE, Calibrator
from agnsim.quantization.spec import QuantizerSpec
from agnsim.quantization.straight_through import FakeQuantize, Grid
from agnsim.quantization.versioned import Versioned


class Quantizer(nn.Module):
    """`q = clamp(round(x / scale) + zero_point, qmin, qmax)`, rounding half to even.

    The state dict holds `scale` (float32 `[1]` or `[channels]`; a parameter if the spec says learnable), `zero_point`
    (int32, same shape), `code_range` (int32 `[2]`) and `calibrated` (bool).

    Args:
        spec: Format.
        channels: Size of dimension 0 of the tensors quantised per channel; unused per tensor.
        label: What is quantised, for messages ("layer 'conv1', weight").
    """

    zero_point: Tensor
    code_range: Tensor
    calibrated: Tensor

    def __init__(self, spec: QuantizerSpec, channels: int = 1, *, label: str = "quantiser") -> None:
        super().__init__()
        self.spec = spec
        self.label = label
        size = channels if spec.per_channel else 1
        if spec.learnable:
            self.scale: Tensor = nn.Parameter(torch.ones(size))
        else:
            self.register_buffer("scale", torch.ones(size))
        self.register_buffer("zero_point", torch.zeros(size, dtype=torch.int32))
        self.register_buffer("code_range", torch.tensor([spec.qmin, spec.qmax], dtype=torch.int32))
        self.register_buffer("calibrated", torch.tensor(False))
        self._calibrator: Calibrator | None = None
        self._zero_points: Versioned[tuple[int, ...]] = Versioned()
        self._is_calibrated: Versioned[bool] = Versioned()
        self._ready = False

    @property
    def qmin(self) -> int:
        """Smallest code."""
        return self.spec.qmin

    @property
    def qmax(self) -> int:
        """Largest code."""
        return self.spec.qmax

    @property
    def code_dtype(self) -> torch.dtype:
        """The narrowest integer type that holds every code: uint8 or int8."""
        return torch.int8 if self.spec.signed else torch.uint8

    @property
    def zero_points(self) -> tuple[int, ...]:
        """The zero points as Python integers, one per scale."""
        return self._zero_points.get((self.zero_point,), lambda: tuple(self.zero_point.tolist()))

    def observe(self, x: Tensor) -> None:
        """Take a batch of values into account; `freeze` then sets the range.

        Raises:
            DataError: `x` holds NaN or infinite values.
        """
        if self._calibrator is None:
            self._calibrator = Calibrator(self.spec, self.scale.numel(), self.label)
        self._calibrator.observe(x)

    @torch.no_grad()
    def freeze(self) -> None:
        """Set scale and zero point from everything observed, and forget it.

        Raises:
            InputError: Nothing has been observed.
        """
        calibrator = self._calibrator or Calibrator(self.spec, self.scale.numel(), self.label)
        scale, zero_point = calibrator.scale_and_zero_point()
        self.set_range(scale, zero_point)

    @torch.no_grad()
    def set_range(self, scale: Tensor, zero_point: Tensor) -> None:
        """Set scale and zero point, of the shapes that the state dict has or that broadcast to them."""
        self.scale.copy_(scale)
        self.zero_point.copy_(zero_point)
        self.calibrated.fill_(True)
        self._ready = True
        self._calibrator = None

    def valid_scale(self) -> Tensor:
        """Return the scale, positive; a parameter that an optimiser step took through zero is set right first.

        Raises:
            InputError: The quantiser has not been calibrated.
        """
        if torch.compiler.is_compiling():  # no tensor can be read, nor a parameter be set
            ready, scale = self._ready, self.scale
            scale = scale.abs().clamp_min(SMALLEST_SCALE) if self.spec.learnable else scale
        else:
            ready, scale = self._is_calibrated.get((self.calibrated,), lambda: bool(self.calibrated)), self.scale
            self._ready = ready
            if self.spec.learnable:
                # On `.data`, since a layer used twice in one graph comes here again, and there the value no longer
                # changes.
                scale.data.abs_().clamp_(min=SMALLEST_SCALE)
        if not ready:
            raise InputError(f"{self.label}: not calibrated; observe data and freeze, or load a checkpoint.")
        return scale

    def grid(self, x: Tensor) -> Grid:
        """Return the codes' grid, shaped for broadcasting against `x`; the scale is detached.

        Raises:
            InputError: The quantiser has not been calibrated.
        """
        scale = self.valid_scale().detach()
        zero_point = self.zero_point.to(x.dtype) if any(self.zero_points) else None
        if scale.numel() > 1:
            shape = (-1,) + (1,) * (x.dim() - 1)
            scale = scale.view(shape)
            zero_point = None if zero_point is None else zero_point.view(shape)
        return Grid(scale, zero_point, self.qmin, self.qmax)

    @torch.no_grad()
    def codes(self, x: Tensor, *, dtype: torch.dtype = torch.int32) -> Tensor:
        """Return the integer codes of `x`, same shape.

        Args:
            x: Floating point; dimension 0 is the channel if quantised per channel. NaN gives an arbitrary code.
            dtype: Any integer type that holds `qmin` to `qmax`.

        Raises:
            InputError: The quantiser has not been calibrated.
        """
        grid = self.grid(x)
        return grid.clamp_(grid.round(x)).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` quantised and dequantised, with straight-through gradients.

        Raises:
            InputError: The quantiser has not been calibrated.
        """
        grid = self.grid(x)
        if torch.is_grad_enabled() and (x.requires_grad or self.scale.requires_grad):
            return cast(Tensor, FakeQuantize.apply(x, self.scale, grid))
        return grid.levels(grid.clamp_(grid.round(x))) * grid.scale

    def extra_repr(self) -> str:
        """Return the format in words."""
        sign = "signed" if self.spec.signed else "unsigned"
        kind = "symmetric" if self.spec.symmetric else "affine"
        channels = f", {self.scale.numel()} channels" if self.spec.per_channel else ""
        return f"{self.spec.bits} bits, {sign} {kind}{channels}{', learnable' if self.spec.learnable else ''}"

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        stored = state_dict.get(prefix + "code_range")
        if stored is not None and stored.tolist() != [self.qmin, self.qmax]:
            low, high = stored.tolist()
            raise CheckpointError(
                f"{prefix.rstrip('.')}: the checkpoint was quantised to codes {low}..{high}, this quantiser has "
                f"{self.qmin}..{self.qmax}. Build the model with the checkpoint's quantisation."
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._ready = not self.calibrated.is_meta and bool(self.calibrated)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_calibrator": None}
