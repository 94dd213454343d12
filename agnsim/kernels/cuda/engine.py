"""The `cuda` engine: which kernel a problem gets, in parts that memory holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from agnsim.errors import EngineUnavailable
from agnsim.kernels.cuda import factored, gather, skipped, table
from agnsim.kernels.cuda.launch import DriverLauncher, Launcher
from agnsim.kernels.cuda.problem import Problem
from agnsim.kernels.geometry import ConvGeometry, resolve
from agnsim.kernels.patterns import patterns
from agnsim.kernels.pointwise.flat import memory_format

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

_OCTETS_AT_ONCE = 1 << 25  # of packed activations: 256 MB


class CudaEngine:
    """CUDA kernels for any table: tensor cores for small integer rank, shared memory for 8 bits, gathers beyond.

    Args:
        launcher: What runs the kernels; the CUDA driver by default.
    """

    name = "cuda"
    needs_table = True

    def __init__(self, launcher: Launcher | None = None) -> None:
        self._launcher = launcher or DriverLauncher()

    def unavailable(self, multiplier: Multiplier | None, device: torch.device) -> str | None:
        """Return the reason: no NVIDIA GPU of compute capability 8.0 or newer, or no NVRTC. Every table runs."""
        return self._launcher.unavailable(device)

    def matmul(self, a: Tensor, b: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> Tensor:
        """See `Engine.matmul`."""
        (count, fan_in), outputs = a.shape, b.shape[1]
        rows = max(1, _OCTETS_AT_ONCE * 8 // fan_in)
        weights = b.t()[:, :, None, None]
        try:
            result = torch.empty((count, outputs), dtype=accumulator, device=a.device)
            for start in range(0, count, rows):
                x = a[start : start + rows].t()[None, :, None, :]
                out = result[start : start + rows].t()[None, :, None, :]
                self._sum(x, weights, multiplier, resolve(x.shape, weights.shape), None, out)
        except torch.OutOfMemoryError as error:
            raise _out_of_memory(error) from error
        return result

    def conv2d(
        self,
        x: Tensor,
        w: Tensor,
        multiplier: Multiplier,
        geometry: ConvGeometry,
        pad_value: int | None,
        accumulator: torch.dtype,
    ) -> Tensor:
        """See `Engine.conv2d`; the result has the memory format of x."""
        try:
            result = torch.empty(
                geometry.output_shape, dtype=accumulator, device=x.device, memory_format=memory_format(x)
            )
            self._sum(x, w, multiplier, geometry, pad_value, result)
        except torch.OutOfMemoryError as error:
            raise _out_of_memory(error) from error
        return result

    def _sum(
        self, x: Tensor, w: Tensor, multiplier: Multiplier, geometry: ConvGeometry, pad_value: int | None, out: Tensor
    ) -> None:
        outputs, taps = geometry.out_channels // geometry.groups, geometry.kernel[0] * geometry.kernel[1]
        weights = patterns(w, multiplier.bits_b).reshape(geometry.groups, outputs, geometry.group_channels, taps)
        whole = Problem(x, weights, out, geometry, multiplier.bits_a, pad_value)
        planes = None if gather.suits_depthwise(whole) else factored.planes_of(multiplier, x.device)
        plan = None if planes is None else factored.plan(whole, planes)
        entries = None if gather.suits_depthwise(whole) else table.table_of(multiplier, x.device)
        images = max(1, _OCTETS_AT_ONCE // whole.image_octets)
        for start in range(0, geometry.batch, images):
            problem = whole.images(start, start + images)
            if planes is not None and plan is not None:
                factored.run(problem, planes, plan, self._launcher)
            elif entries is not None:
                table.run(problem, entries, self._launcher)
            else:
                gather.run(problem, multiplier, self._launcher)
                continue
            if problem.skips:
                skipped.take_off(problem, multiplier)


def _out_of_memory(error: Exception) -> EngineUnavailable:
    return EngineUnavailable(f"engine 'cuda': out of GPU memory: {str(error).splitlines()[0]}")
