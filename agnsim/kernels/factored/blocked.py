"""The quick way on CPUs: blocks whose planes stay in the cache, channels last, one pass in and one pass out.

A block's planes are written by compiled loops into a buffer that is used again, an ordinary float convolution or
matrix product of PyTorch reads it there, and its sums go into the integer result.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from agnsim.kernels.factored.codes import Codes
from agnsim.kernels.factored.terms import Terms
from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.pointwise.flat import memory_format
from agnsim.kernels.threads import run_parts

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

# Planes of one block, 2 MB a thread: less, and the float convolution loses speed; more, and they leave the cache.
_FLOATS_PER_THREAD = 1 << 19

_kept = threading.local()


def matmul(
    a: Tensor,
    indices: Tensor,
    multiplier: Multiplier,
    terms: Terms,
    parts: list[slice],
    dtype: torch.dtype,
    accumulator: torch.dtype,
) -> Tensor:
    """Return the product of codes a `[M, K]` and weight patterns `[K, N]`, added in the given parts of K."""
    result = torch.empty((a.shape[0], indices.shape[1]), dtype=accumulator)
    for number, part in enumerate(parts):
        codes = Codes.of(a[:, None, None, part], multiplier, terms)
        weights = torch.cat(terms.weights(indices[part], dtype))
        size = len(weights)
        rows, planes = _buffer(size, len(a))
        steps = np.array([size, size, size, codes.channels])
        for start in range(0, len(a), rows):
            stop = min(len(a), start + rows)
            codes.write(start, stop, planes, 0, steps)
            sums = torch.mm(planes[: (stop - start) * size].view(-1, size), weights)
            _add(sums, terms.scale, number > 0, result[start:stop])
    return result


def conv2d(
    x: Tensor,
    indices: Tensor,
    multiplier: Multiplier,
    terms: Terms,
    parts: list[slice],
    dtype: torch.dtype,
    geometry: ConvGeometry,
    pad_value: int | None,
    accumulator: torch.dtype,
) -> Tensor:
    """Return the convolution of codes x with weight patterns `[O, C / groups, kh, kw]`, added in parts of C / groups.

    Without groups the planes are the input channels of one convolution; with groups there is one convolution per
    plane, because oneDNN is quicker at depthwise convolutions than at groups of a few channels.
    """
    result = torch.empty(geometry.output_shape, dtype=accumulator, memory_format=memory_format(x))
    grouped = x.reshape(len(x), geometry.groups, -1, *x.shape[2:])
    for number, part in enumerate(parts):
        channels = x if len(parts) == 1 else grouped[:, :, part].flatten(1, 2)
        codes = Codes.of(channels.permute(0, 2, 3, 1), multiplier, terms)
        planes = terms.weights(indices[:, part], dtype)
        weights = [torch.cat(planes, dim=1)] if geometry.groups == 1 else planes
        weights = [weight.contiguous(memory_format=torch.channels_last) for weight in weights]
        layout = _Layout.of(geometry, codes.channels, terms, pad_value)
        images, buffer = _buffer(layout.image, len(x))
        layout.fill_border(buffer, images, terms, codes.mask, pad_value)
        for start in range(0, len(x), images):
            stop = min(len(x), start + images)
            origin, steps = layout.steps(images)
            codes.write(start, stop, buffer, origin, steps)
            blocks = layout.inputs(buffer, images, stop - start)
            sums = functional.conv2d(blocks[0], weights[0], None, *layout.arguments)
            for block, weight in zip(blocks[1:], weights[1:], strict=True):
                sums += functional.conv2d(block, weight, None, *layout.arguments)
            _add(sums, terms.scale, number > 0, result[start:stop])
    return result


def _buffer(floats: int, count: int) -> tuple[int, Tensor]:
    """Return how many of `count` items of so many floats make a block, and memory for them, used again by the thread.

    Fresh memory of that size would be mapped, and every page of it faulted in, at every call.
    """
    at_once = _FLOATS_PER_THREAD * torch.get_num_threads()
    items = min(count, max(1, at_once // floats))
    kept: Tensor | None = getattr(_kept, "buffer", None)
    if kept is None or len(kept) < items * floats:
        with torch.inference_mode(False):  # a tensor made in that mode could not be written to outside it
            kept = torch.empty(items * floats)
        if len(kept) <= at_once:
            _kept.buffer = kept
    return items, kept


@dataclass(frozen=True)
class _Layout:
    """Where planes lie: interleaved as channels of one tensor, or one tensor after the other.

    Attributes:
        height: Rows of a plane, padding that is stored included.
        width: Columns likewise.
        channels: Channels of one plane.
        planes: Number of planes.
        groups: Convolution groups; planes are interleaved where there is one.
        stored: Whether the padding is stored with the planes.
        corner: First row and column that holds codes.
        arguments: stride, padding, dilation, groups for `torch.nn.functional.conv2d`.
    """

    height: int
    width: int
    channels: int
    planes: int
    groups: int
    stored: bool
    corner: tuple[int, int]
    arguments: tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]

    @classmethod
    def of(cls, geometry: ConvGeometry, channels: int, terms: Terms, pad_value: int | None) -> _Layout:
        top, bottom, left, right = geometry.pads
        # The convolution itself can only pad with zeros, as much on both sides.
        stored = geometry.padded and (pad_value is not None or (top, left) != (bottom, right))
        return cls(
            height=geometry.height + (top + bottom if stored else 0),
            width=geometry.width + (left + right if stored else 0),
            channels=channels,
            planes=terms.rank,
            groups=geometry.groups,
            stored=stored,
            corner=(top, left) if stored else (0, 0),
            arguments=(geometry.stride, (0, 0) if stored else (top, left), geometry.dilation, geometry.groups),
        )

    @property
    def image(self) -> int:
        """Floats of one image, all planes."""
        return self.height * self.width * self.channels * self.planes

    def inputs(self, buffer: Tensor, images: int, used: int) -> list[Tensor]:
        """Return the inputs of the convolutions, `[used, channels, height, width]`, from a buffer for `images`."""
        together = self.planes if self.groups == 1 else 1
        shape = (self.planes // together, images, self.height, self.width, together * self.channels)
        block = buffer[: images * self.image].view(shape)
        if shape[-1] == 1:
            # The same memory; but oneDNN 3 miscalculates some strided convolutions of one channel that is the last.
            return [tensor[:used].view(used, 1, self.height, self.width) for tensor in block]
        return [tensor[:used].permute(0, 3, 1, 2) for tensor in block]

    def steps(self, images: int) -> tuple[int, NDArray[np.int64]]:
        """Return where the first code's first plane goes, and the steps that `map_rows` takes."""
        interleaved = self.groups == 1
        position = self.channels * (self.planes if interleaved else 1)
        row = self.width * position
        plane = self.channels if interleaved else images * self.height * row
        origin = self.corner[0] * row + self.corner[1] * position
        return origin, np.array([self.height * row, row, position, plane])

    def fill_border(self, buffer: Tensor, images: int, terms: Terms, mask: int, pad_value: int | None) -> None:
        """Write the planes of the padding, everywhere: codes are written over it, block after block."""
        if not self.stored:
            return
        entries = torch.zeros(terms.rank) if pad_value is None else terms.activation[:, pad_value & mask].float()
        block = self.inputs(buffer, images, images)
        for tensor, values in zip(block, entries.chunk(len(block)), strict=True):
            tensor.copy_(values.repeat_interleave(self.channels)[:, None, None])


def _add(sums: Tensor, scale: int, adds: bool, result: Tensor) -> None:
    """Write, or add to the result, `scale * sums`; `[N, O]` or `[N, O, H, W]` of any format."""
    from agnsim.kernels.pointwise.planes import add_flat, add_transposed  # imports Numba

    transposed = sums.ndim == 4 and result.is_contiguous()
    source = _channels_last(sums).contiguous().numpy()
    if transposed:
        source, target = source.reshape(len(source), -1, source.shape[-1]), result.flatten(2).numpy()
    else:
        source, target = source.reshape(-1), _channels_last(result).numpy().reshape(-1)
    shares = min(torch.get_num_threads(), len(source))
    edges = [len(source) * number // shares for number in range(shares + 1)]
    add = add_transposed if transposed else add_flat

    def share(number: int) -> None:
        part = slice(edges[number], edges[number + 1])
        add(source[part], scale, adds, target[part])

    run_parts(share, shares)


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor
