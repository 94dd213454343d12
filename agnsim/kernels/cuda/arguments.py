"""What kernels are called with: twins of the structures in `kernels/common`, and argument lists as C sees them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

THREADS = 256
"""Threads per block of every kernel."""


class Conv(ctypes.Structure):
    """`struct Conv` of `kernels/common/conv.cuh`, field by field."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("images", "groups", "group_channels", "group_outputs", "octets")),
        *((name, ctypes.c_int) for name in ("height", "width", "kernel_h", "kernel_w", "stride_h", "stride_w")),
        *((name, ctypes.c_int) for name in ("dilation_h", "dilation_w", "top", "left", "real_height", "real_width")),
        *((name, ctypes.c_int) for name in ("skip", "out_height", "out_width", "wide")),
        *((name, ctypes.c_longlong) for name in ("out_image", "out_channel", "out_pixel")),
    )


class Codes(ctypes.Structure):
    """`struct Codes` of `kernels/common/codes.cuh`, field by field."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int) for name in ("bytes", "mask", "pad")),
        *((name, ctypes.c_longlong) for name in ("image", "channel", "row", "column")),
    )


@dataclass(frozen=True)
class Kernel:
    """One kernel, compiled by itself.

    Attributes:
        source: File below `kernels/`.
        name: Function in it.
        defines: `NAME=value`, what the source leaves open.
    """

    source: str
    name: str
    defines: tuple[str, ...] = ()


Argument = int | Tensor | ctypes.Structure


def pointers(arguments: Sequence[Argument]) -> tuple[ctypes.Array[ctypes.c_void_p], list[object]]:
    """Return the array of pointers to its arguments that a launch takes, and what must outlive the launch.

    Integers are 32 bits wide, tensors pointers to their first element.
    """
    kept: list[object] = []
    for argument in arguments:
        if isinstance(argument, Tensor):
            kept.append(ctypes.c_void_p(argument.data_ptr()))
        elif isinstance(argument, int):
            kept.append(ctypes.c_int(argument))
        else:
            kept.append(argument)
    addresses = [ctypes.addressof(value) for value in kept]  # type: ignore[arg-type]
    return (ctypes.c_void_p * len(addresses))(*addresses), kept
