"""Pooling and scaling of integer tensors, on any device: PyTorch's own take floating point only.

Means are rounded to the nearest integer, halves up: an exact division, for which no size need be known in advance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

N = TypeVar("N", int, float)


class MaxPool(nn.Module):
    """`nn.MaxPool2d` of `[N, C, H, W]` integers; arguments as there."""

    def __init__(self, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> None:
        super().__init__()
        self.windows = _Windows(kernel, stride, padding, dilation, ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest integer of every window."""
        return self.windows.reduce(x, torch.maximum, torch.iinfo(x.dtype).min)

    def extra_repr(self) -> str:
        """Return the settings."""
        return repr(self.windows)


class AveragePool(nn.Module):
    """`nn.AvgPool2d` of int32 `[N, C, H, W]`, rounded; arguments as there."""

    def __init__(
        self, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool, divisor: int | None
    ) -> None:
        super().__init__()
        self.windows = _Windows(kernel, stride, padding, 1, ceil_mode)
        self.count_include_pad = count_include_pad
        self.divisor = divisor

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of every window, int32."""
        total = self.windows.reduce(x.to(torch.int64), torch.add, 0)
        if self.divisor is not None:
            return rounded_mean(total, self.divisor)
        ones = torch.ones(1, 1, *x.shape[-2:], dtype=torch.int64, device=x.device)
        return rounded_mean(total, self.windows.reduce(ones, torch.add, 0, padded_with=int(self.count_include_pad)))

    def interval(self, low: N, high: N) -> tuple[N, N]:
        """Return what the means of values from `low` to `high` can be: padding counts as 0, a divisor may be any."""
        if self.divisor is None and not any(self.windows.padding):
            return low, high
        low, high = min(low, type(low)(0)), max(high, type(high)(0))
        if self.divisor is None:
            return low, high
        area = self.windows.kernel[0] * self.windows.kernel[1]
        ends = sorted((low * area / self.divisor, high * area / self.divisor))
        return type(low)(math.floor(ends[0])), type(high)(math.ceil(ends[1]))

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.windows!r}, count_include_pad={self.count_include_pad}, divisor={self.divisor}"


class AdaptiveAveragePool(nn.Module):
    """`nn.AdaptiveAvgPool2d` of int32 `[N, C, H, W]`, rounded.

    Args:
        output_size: Rows and columns, or one number for both; `None`: as many as there are.
    """

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size if isinstance(output_size, list | tuple) else (output_size, output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of every bin, int32."""
        totals = x.to(torch.int64)
        counts = torch.ones(1, 1, 1, 1, dtype=torch.int64, device=x.device)
        for dim, bins in zip((2, 3), self.output_size, strict=True):
            size = x.shape[dim]
            count = size if bins is None else int(bins)
            edges = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
            totals = torch.stack([totals.narrow(dim, a, b - a).sum(dim) for a, b in edges], dim)
            shape = [1, 1, 1, 1]
            shape[dim] = count
            counts = counts * torch.tensor([b - a for a, b in edges], device=x.device).view(shape)
        return rounded_mean(totals, counts)

    def extra_repr(self) -> str:
        """Return the settings."""
        return repr(self.output_size)


class Mean(nn.Module):
    """`torch.mean` of int32 over given dimensions, rounded."""

    def __init__(self, dims: tuple[int, ...], keepdim: bool) -> None:
        super().__init__()
        self.dims, self.keepdim = dims, keepdim

    def forward(self, x: Tensor) -> Tensor:
        """Return the means, int32."""
        count = 1
        for dim in self.dims:
            count *= x.shape[dim]
        return rounded_mean(x.sum(self.dims, keepdim=self.keepdim, dtype=torch.int64), count)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.dims}, keepdim={self.keepdim}"


class NearestUpsample(nn.Module):
    """`nn.Upsample` by the nearest pixel of `[N, C, H, W]` integers; arguments as there."""

    def __init__(self, size: Any, scale_factor: Any) -> None:
        super().__init__()
        self.size = size if size is None or isinstance(size, list | tuple) else (size, size)
        pair = isinstance(scale_factor, list | tuple)
        self.scale_factor = scale_factor if scale_factor is None or pair else (scale_factor, scale_factor)

    def forward(self, x: Tensor) -> Tensor:
        """Return the pixels that PyTorch chooses: in single precision, which is the same everywhere."""
        for index, dim in enumerate((2, 3)):
            have = x.shape[dim]
            if self.size is not None:
                count, step = int(self.size[index]), np.float32(have) / np.float32(self.size[index])
            else:
                factor = float(self.scale_factor[index])
                count, step = int(have * factor), np.float32(1.0 / factor)
            chosen = np.minimum(np.floor(np.arange(count, dtype=np.float32) * step).astype(np.int64), have - 1)
            x = x.index_select(dim, torch.from_numpy(chosen).to(x.device))
        return x

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"size={self.size}, scale_factor={self.scale_factor}"


def rounded_mean(total: Tensor, count: int | Tensor) -> Tensor:
    """Return `floor(total / count + 1/2)` as int32, exactly; `total` is int64, below 2**61."""
    return torch.div(2 * total + count, 2 * count, rounding_mode="floor").to(torch.int32)


class _Windows:
    """The windows of a pooling."""

    def __init__(self, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> None:
        self.kernel, self.stride, self.padding, self.dilation = map(_pair, (kernel, stride, padding, dilation))
        self.ceil_mode = ceil_mode

    def __repr__(self) -> str:
        return (
            f"kernel={self.kernel}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )

    def reduce(
        self, x: Tensor, combine: Callable[[Tensor, Tensor], Tensor], neutral: int, *, padded_with: int | None = None
    ) -> Tensor:
        """Combine the elements of every window.

        Args:
            x: `[N, C, H, W]`.
            combine: Two tensors to one.
            neutral: What positions outside hold.
            padded_with: What the padding holds, where that is something else.
        """
        padding = self.padding
        (height, beyond_h), (width, beyond_w) = (self._outputs(x.shape[dim], dim - 2) for dim in (2, 3))
        if padded_with is not None:
            x = F.pad(x, (padding[1], padding[1], padding[0], padding[0]), value=padded_with)
            padding = (0, 0)
            beyond_h, beyond_w = (max(0, b - p) for b, p in zip((beyond_h, beyond_w), self.padding, strict=True))
        x = F.pad(x, (padding[1], max(0, beyond_w), padding[0], max(0, beyond_h)), value=neutral)
        result: Tensor | None = None
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                part = x[..., self._along(row, 0, height), self._along(column, 1, width)]
                result = part if result is None else combine(result, part)
        assert result is not None
        return result

    def _outputs(self, size: int, axis: int) -> tuple[int, int]:
        """Return the number of windows, and how many positions beyond the input's end the last one reaches."""
        kernel, stride, padding = self.kernel[axis], self.stride[axis], self.padding[axis]
        reach = self.dilation[axis] * (kernel - 1) + 1
        room = size + 2 * padding - reach
        count = (-(-room // stride) if self.ceil_mode else room // stride) + 1
        if self.ceil_mode and (count - 1) * stride >= size + padding:
            count -= 1  # PyTorch: the last window must begin inside
        return count, (count - 1) * stride + reach - padding - size

    def _along(self, tap: int, axis: int, count: int) -> slice:
        start = tap * self.dilation[axis]
        return slice(start, start + self.stride[axis] * (count - 1) + 1, self.stride[axis])


def _pair(value: Any) -> tuple[int, int]:
    return (int(value[0]), int(value[1])) if isinstance(value, list | tuple) else (int(value), int(value))
