"""Plain data that layers of the house exchange; no torch, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int32Array = NDArray[np.int32]
FloatArray = NDArray[np.float64]
Json = dict[str, Any]


@dataclass(frozen=True)
class LayerShape:
    """Size of one multiplying layer for one sample.

    Attributes:
        name: Qualified module name, as in `model.named_modules()`.
        kind: `"conv2d"` or `"linear"`.
        macs: Multiply-accumulate operations for one sample.
        fan_in: Products summed into one output element (`in_channels / groups * kernel_h * kernel_w`).
        out_channels: Output channels (features of a linear layer).
        groups: Convolution groups; 1 for a linear layer.
        weights: Number of weight elements.
        input_shape: Shape of one sample's input, without the batch.
        output_shape: Shape of one sample's output, without the batch.
    """

    name: str
    kind: str
    macs: int
    fan_in: int
    out_channels: int
    groups: int
    weights: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]


@dataclass(frozen=True)
class LayerOperands:
    """A sample of the integer operands one layer multiplies: what error model and traces read.

    Attributes:
        layer: Qualified module name.
        rows: int32 `[R, fan_in]`, activation codes of R randomly drawn receptive fields (padding as the zero point).
        row_group: int64 `[R]`, the convolution group each row belongs to.
        weights: int32 `[out_channels, fan_in]`, weight codes; group g owns rows
            `g * out_channels / groups` to `(g + 1) * out_channels / groups`.
        groups: Convolution groups.
        zero_point_a: Zero point of the activation codes.
        output_scale: float64 `[out_channels]`, real value of one unit of the integer accumulator per channel.
        output_std: Standard deviation of the layer's accurate output before the bias over all positions and
            channels, in real units (what `sigma` is relative to).
        channel_output_std: float64 `[out_channels]`, the same within every output channel; `None` where unknown.
    """

    layer: str
    rows: Int32Array
    row_group: NDArray[np.int64]
    weights: Int32Array
    groups: int
    zero_point_a: int
    output_scale: FloatArray
    output_std: float
    channel_output_std: FloatArray | None = None
