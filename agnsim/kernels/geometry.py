"""Sizes of a convolution, resolved once, so that engines agree on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agnsim.errors import InputError

IntPair = int | Sequence[int]
Padding = int | Sequence[int] | Literal["same", "valid"]


@dataclass(frozen=True)
class ConvGeometry:
    """A two-dimensional convolution with every default resolved.

    Attributes:
        batch: Images.
        in_channels: Input channels, all groups together.
        out_channels: Output channels, all groups together.
        groups: Groups.
        height: Input rows.
        width: Input columns.
        kernel: Kernel rows, columns.
        stride: Rows, columns.
        dilation: Rows, columns.
        pads: Padded rows above, below, columns left, right.
        out_height: Output rows.
        out_width: Output columns.
    """

    batch: int
    in_channels: int
    out_channels: int
    groups: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int, int, int]
    out_height: int
    out_width: int

    @property
    def group_channels(self) -> int:
        """Input channels of one group."""
        return self.in_channels // self.groups

    @property
    def fan_in(self) -> int:
        """Products summed into one output element."""
        return self.group_channels * self.kernel[0] * self.kernel[1]

    @property
    def padded(self) -> bool:
        """Whether any position is padded."""
        return any(self.pads)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """Shape of the result, NCHW."""
        return (self.batch, self.out_channels, self.out_height, self.out_width)


def resolve(
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    *,
    stride: IntPair = 1,
    padding: Padding = 0,
    dilation: IntPair = 1,
    groups: int = 1,
) -> ConvGeometry:
    """Resolve a convolution's arguments with `torch.nn.functional.conv2d`'s meaning.

    Args:
        x_shape: Activations, `[N, C, H, W]`.
        w_shape: Weights, `[O, C / groups, kernel_h, kernel_w]`.
        stride: One positive integer or a pair.
        padding: One non-negative integer, a pair, `"valid"`, or `"same"` (stride 1 only; an odd total puts the
            larger half below and right).
        dilation: One positive integer or a pair.
        groups: Divides input and output channels.

    Raises:
        InputError: Shapes or arguments contradict each other; the message names both.
    """
    if len(x_shape) != 4:
        raise InputError(f"conv2d: x has shape {list(x_shape)}; it must be [N, C, H, W]")
    if len(w_shape) != 4:
        raise InputError(f"conv2d: w has shape {list(w_shape)}; it must be [O, C / groups, kernel_h, kernel_w]")
    if not _is_int(groups) or groups < 1:
        raise InputError(f"conv2d: groups is {groups!r}; it must be a positive integer")
    batch, in_channels, height, width = (int(n) for n in x_shape)
    out_channels, group_channels = int(w_shape[0]), int(w_shape[1])
    kernel = (int(w_shape[2]), int(w_shape[3]))
    if in_channels % groups or out_channels % groups:
        raise InputError(
            f"conv2d: groups={groups} divides not both input channels ({in_channels}) and output channels "
            f"({out_channels})"
        )
    if in_channels // groups != group_channels:
        raise InputError(
            f"conv2d: w of shape {list(w_shape)} takes {group_channels} channels per group, but x of shape "
            f"{list(x_shape)} has {in_channels} / {groups} groups = {in_channels // groups}"
        )
    if min(kernel) < 1:
        raise InputError(f"conv2d: w has shape {list(w_shape)}; its kernel must be at least 1 x 1")
    strides = _pair(stride, "stride", 1)
    dilations = _pair(dilation, "dilation", 1)
    pads = _pads(padding, kernel, strides, dilations)
    out_height = _out_size(height, pads[0] + pads[1], kernel[0], strides[0], dilations[0], "height")
    out_width = _out_size(width, pads[2] + pads[3], kernel[1], strides[1], dilations[1], "width")
    return ConvGeometry(
        batch=batch,
        in_channels=in_channels,
        out_channels=out_channels,
        groups=groups,
        height=height,
        width=width,
        kernel=kernel,
        stride=strides,
        dilation=dilations,
        pads=pads,
        out_height=out_height,
        out_width=out_width,
    )


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pair(value: IntPair, name: str, least: int) -> tuple[int, int]:
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2 or not all(_is_int(n) and n >= least for n in both):
        raise InputError(f"conv2d: {name} is {value!r}; it must be an integer >= {least} or a pair of them")
    return both[0], both[1]


def _pads(
    padding: Padding, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding == "same":
        if stride != (1, 1):
            raise InputError(f"conv2d: padding='same' needs stride 1, not {stride}; give the padding as integers")
        rows, columns = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
        return (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    if isinstance(padding, str):
        raise InputError(f"conv2d: padding is {padding!r}; allowed are an integer, a pair, 'same' and 'valid'")
    rows, columns = _pair(padding, "padding", 0)
    return (rows, rows, columns, columns)


def _out_size(size: int, pads: int, kernel: int, stride: int, dilation: int, name: str) -> int:
    reach = dilation * (kernel - 1) + 1
    if size + pads < reach:
        raise InputError(
            f"conv2d: the kernel reaches over {reach} positions in {name}, but the padded input has {size + pads}; "
            "pad more, or use a smaller kernel or dilation"
        )
    return (size + pads - reach) // stride + 1
