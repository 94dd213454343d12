"""The two multiplying operations as plain functions of activations and weights, exact, backwards and emulated.

Layers hold one of these; everything that differs between a convolution and a linear layer is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from agnsim import kernels
from agnsim.multipliers import Multiplier

Gradients = tuple[Tensor | None, Tensor | None]


class Operation(ABC):
    """A bilinear operation `y = op(activations, weights)` without bias."""

    @property
    @abstractmethod
    def groups(self) -> int:
        """Convolution groups; 1 for a linear operation."""

    @property
    @abstractmethod
    def channel(self) -> int:
        """Dimension of the output's channels: 1, or -1."""

    @property
    @abstractmethod
    def padded(self) -> bool:
        """Whether activations are padded."""

    @property
    @abstractmethod
    def plain(self) -> list[int]:
        """The operation as plain integers, from which `operation_of` makes it again."""

    @abstractmethod
    def output_shape(self, a: Sequence[int], w: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the output from those of activations and weights."""

    @abstractmethod
    def exact(self, a: Tensor, w: Tensor) -> Tensor:
        """Return the operation on floating point tensors; padding is 0."""

    @abstractmethod
    def gradients(
        self, grad: Tensor, a: Tensor, w: Tensor, needs_a: bool, needs_w: bool, *, pad_value: float = 0.0
    ) -> Gradients:
        """Return the gradients of the operation on its operands, `None` where not needed; padding is `pad_value`."""

    @abstractmethod
    def emulate(self, a: Tensor, w: Tensor, multiplier: Multiplier, *, pad_value: int, engine: str) -> Tensor:
        """Return int32 sums of the multiplier's products of integer codes; padding is `pad_value`."""

    @abstractmethod
    def window_sums(self, a: Tensor, w: Tensor, *, pad_value: int) -> Tensor:
        """Return, int32, shaped like the output or broadcastable, the sum of the activation codes under each output."""

    @abstractmethod
    def per_channel(self, values: Tensor) -> Tensor:
        """Return a vector `[out_channels]` or `[1]` shaped for broadcasting against the output."""

    @abstractmethod
    def positions(self, a: Tensor, w: Tensor) -> int:
        """Return how many receptive fields the activations hold, each group counted apart."""

    @abstractmethod
    def receptive_fields(self, a: Tensor, w: Tensor, index: Tensor, *, pad_value: int) -> tuple[Tensor, Tensor]:
        """Return the receptive fields numbered `index` (int64 `[R]`, below `positions`) and their groups.

        Returns:
            `[R, fan_in]` of the type of `a`, elements in the order of a flattened weight; int64 `[R]`.
        """


@dataclass(frozen=True)
class LinearOperation(Operation):
    """`y = a @ w.T` over the last dimension; any number of leading dimensions."""

    @property
    def groups(self) -> int:
        """Always 1."""
        return 1

    @property
    def channel(self) -> int:
        """The last dimension."""
        return -1

    @property
    def padded(self) -> bool:
        """Never."""
        return False

    @property
    def plain(self) -> list[int]:
        """No integers."""
        return []

    def output_shape(self, a: Sequence[int], w: Sequence[int]) -> tuple[int, ...]:
        """See the base."""
        return *a[:-1], w[0]

    def exact(self, a: Tensor, w: Tensor) -> Tensor:
        """See the base."""
        return F.linear(a, w)

    def gradients(
        self, grad: Tensor, a: Tensor, w: Tensor, needs_a: bool, needs_w: bool, *, pad_value: float = 0.0
    ) -> Gradients:
        """See the base; there is no padding."""
        grad_w = grad.flatten(0, -2).T @ a.flatten(0, -2) if needs_w and grad.dim() > 1 else None
        if needs_w and grad.dim() == 1:
            grad_w = torch.outer(grad, a)
        return grad @ w if needs_a else None, grad_w

    def emulate(self, a: Tensor, w: Tensor, multiplier: Multiplier, *, pad_value: int, engine: str) -> Tensor:
        """See the base; there is no padding."""
        rows = a.reshape(-1, a.shape[-1])
        sums = kernels.matmul(rows, w.T, multiplier, engine=engine, validate=False)
        return sums.reshape(*a.shape[:-1], w.shape[0])

    def window_sums(self, a: Tensor, w: Tensor, *, pad_value: int) -> Tensor:
        """See the base."""
        return a.sum(-1, keepdim=True, dtype=torch.int32)

    def per_channel(self, values: Tensor) -> Tensor:
        """See the base."""
        return values

    def positions(self, a: Tensor, w: Tensor) -> int:
        """See the base."""
        return a.numel() // w.shape[1]

    def receptive_fields(self, a: Tensor, w: Tensor, index: Tensor, *, pad_value: int) -> tuple[Tensor, Tensor]:
        """See the base."""
        return a.reshape(-1, a.shape[-1])[index], torch.zeros_like(index)


@dataclass(frozen=True)
class ConvOperation(Operation):
    """2-D convolution of NCHW activations.

    Attributes:
        stride: Vertical and horizontal.
        padding: Top, bottom, left, right.
        dilation: Vertical and horizontal.
        group_count: Convolution groups.
    """

    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    group_count: int

    @property
    def groups(self) -> int:
        """Convolution groups."""
        return self.group_count

    @property
    def channel(self) -> int:
        """Dimension 1."""
        return 1

    @property
    def padded(self) -> bool:
        """Whether there is a padded row or column."""
        return any(self.padding)

    @property
    def plain(self) -> list[int]:
        """Stride, padding, dilation and groups."""
        return [*self.stride, *self.padding, *self.dilation, self.group_count]

    def output_shape(self, a: Sequence[int], w: Sequence[int]) -> tuple[int, ...]:
        """See the base."""
        return a[0], w[0], *self._output_size(a, w)

    @property
    def _symmetric_padding(self) -> tuple[int, int] | None:
        top, bottom, left, right = self.padding
        return (top, left) if top == bottom and left == right else None

    def _pad(self, a: Tensor, value: float) -> Tensor:
        """Return `a` padded explicitly."""
        top, bottom, left, right = self.padding
        return F.pad(a, (left, right, top, bottom), value=value) if self.padded else a

    def _prepare(self, a: Tensor, value: float, *, free: bool = True) -> tuple[Tensor, tuple[int, int]]:
        """Return activations and the symmetric padding that is left: none where it is one-sided or is not `free`."""
        padding = self._symmetric_padding
        return (a, padding) if padding is not None and free else (self._pad(a, value), (0, 0))

    def exact(self, a: Tensor, w: Tensor) -> Tensor:
        """See the base."""
        a, padding = self._prepare(a, 0)
        return F.conv2d(a, w, None, self.stride, padding, self.dilation, self.groups)

    def gradients(
        self, grad: Tensor, a: Tensor, w: Tensor, needs_a: bool, needs_w: bool, *, pad_value: float = 0.0
    ) -> Gradients:
        """See the base."""
        height, width = a.shape[-2:]
        padded, padding = self._prepare(a, pad_value, free=pad_value == 0 or not needs_w)
        conv: Any = torch.ops.aten.convolution_backward
        grad_a, grad_w, _ = conv(
            grad,
            padded,
            w,
            None,
            self.stride,
            padding,
            self.dilation,
            False,
            (0, 0),
            self.groups,
            (needs_a, needs_w, False),
        )
        if needs_a and padded is not a:
            top, _, left, _ = self.padding
            grad_a = grad_a[..., top : top + height, left : left + width]
        return grad_a, grad_w

    def emulate(self, a: Tensor, w: Tensor, multiplier: Multiplier, *, pad_value: int, engine: str) -> Tensor:
        """See the base."""
        a, padding = self._prepare(a, pad_value)
        return kernels.conv2d(
            a,
            w,
            multiplier,
            stride=self.stride,
            padding=padding,
            dilation=self.dilation,
            groups=self.groups,
            pad_value=pad_value,
            engine=engine,
            validate=False,
        )

    def window_sums(self, a: Tensor, w: Tensor, *, pad_value: int) -> Tensor:
        """See the base."""
        padded = self._pad(a, pad_value)
        batch, channels, height, width = padded.shape
        # Double precision: exact for any fan-in, unlike float32 beyond 2**24.
        sums = padded.reshape(batch, self.groups, channels // self.groups, height, width).sum(2, dtype=torch.float64)
        ones = torch.ones(self.groups, 1, *w.shape[-2:], dtype=torch.float64, device=a.device)
        windows = F.conv2d(sums, ones, None, self.stride, 0, self.dilation, self.groups)
        return windows.to(torch.int32).repeat_interleave(w.shape[0] // self.groups, dim=1)

    def per_channel(self, values: Tensor) -> Tensor:
        """See the base."""
        return values.view(-1, 1, 1)

    def _output_size(self, a: Sequence[int], w: Sequence[int]) -> tuple[int, int]:
        top, bottom, left, right = self.padding
        spans = [d * (k - 1) + 1 for d, k in zip(self.dilation, w[-2:], strict=True)]
        height = (a[-2] + top + bottom - spans[0]) // self.stride[0] + 1
        width = (a[-1] + left + right - spans[1]) // self.stride[1] + 1
        return height, width

    def positions(self, a: Tensor, w: Tensor) -> int:
        """See the base."""
        height, width = self._output_size(a.shape, w.shape)
        return a.shape[0] * self.groups * height * width

    def receptive_fields(self, a: Tensor, w: Tensor, index: Tensor, *, pad_value: int) -> tuple[Tensor, Tensor]:
        """See the base."""
        height, width = self._output_size(a.shape, w.shape)
        x, rest = index % width, torch.div(index, width, rounding_mode="floor")
        y, rest = rest % height, torch.div(rest, height, rounding_mode="floor")
        group, image = rest % self.groups, torch.div(rest, self.groups, rounding_mode="floor")
        per_group, kernel_height, kernel_width = w.shape[1:]
        device = index.device
        channel = group.view(-1, 1, 1, 1) * per_group + torch.arange(per_group, device=device).view(1, -1, 1, 1)
        rows = torch.arange(kernel_height, device=device).view(1, 1, -1, 1) * self.dilation[0]
        columns = torch.arange(kernel_width, device=device).view(1, 1, 1, -1) * self.dilation[1]
        fields = self._pad(a, pad_value)[
            image.view(-1, 1, 1, 1),
            channel,
            y.view(-1, 1, 1, 1) * self.stride[0] + rows,
            x.view(-1, 1, 1, 1) * self.stride[1] + columns,
        ]
        return fields.flatten(1), group


@cache
def _from_plain(plain: tuple[int, ...]) -> Operation:
    if not plain:
        return LinearOperation()
    a, b, top, bottom, left, right, c, d, groups = plain
    return ConvOperation((a, b), (top, bottom, left, right), (c, d), groups)


def operation_of(plain: Sequence[int]) -> Operation:
    """Return the operation that `Operation.plain` describes."""
    return _from_plain(tuple(plain))


def conv_padding(
    padding: str | int | tuple[int, ...], kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Return top, bottom, left, right of a `nn.Conv2d` padding; `"same"` puts the odd one at the bottom and right."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return totals[0] // 2, totals[0] - totals[0] // 2, totals[1] // 2, totals[1] - totals[1] // 2
    vertical, horizontal = (padding, padding) if isinstance(padding, int) else (int(padding[0]), int(padding[1]))
    return vertical, vertical, horizontal, horizontal
