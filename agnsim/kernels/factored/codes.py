"""Activation codes as the compiled loops that write planes read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.kernels.factored.terms import Terms
from agnsim.kernels.threads import run_parts

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier


@dataclass(frozen=True)
class Codes:
    """Activation codes `[N, H, W, C]` as the compiled loops read them.

    Attributes:
        values: Unsigned integers; `[N, H, W * C]` without gaps in memory, or `[N, H, W, C]` of any strides.
        width: W.
        channels: C.
        mask: Bits of a code that count.
        sign: Highest bit of a signed code, 0 for an unsigned one.
        tables: float32 `[r, mask + 1]`.
        linear: Per plane, whether it is the code's value.
    """

    values: NDArray[Any]
    width: int
    channels: int
    mask: int
    sign: int
    tables: NDArray[np.float32]
    linear: NDArray[np.bool_]

    @classmethod
    def of(cls, codes: Tensor, multiplier: Multiplier, terms: Terms) -> Codes:
        """Return codes `[N, H, W, C]` of any integer dtype and strides; shared where no code needs widening."""
        bits = multiplier.bits_a
        if codes.dtype.is_signed and bits > 8 * codes.dtype.itemsize:
            codes = codes.to(torch.int32)  # a negative code's pattern is wider than its dtype
        values = codes.numpy().view(f"u{codes.dtype.itemsize}")
        width, channels = values.shape[2:]
        return cls(
            values=values.reshape(*values.shape[:2], -1) if values.flags.c_contiguous else values,
            width=width,
            channels=channels,
            mask=(1 << bits) - 1,
            sign=1 << (bits - 1) if multiplier.signed_a else 0,
            # An entry that single precision rounds belongs to a term whose weights here are all 0: see `split`.
            tables=terms.activation.to(torch.float32).numpy(),
            linear=np.array(terms.linear),
        )

    def write(self, start: int, stop: int, planes: Tensor, origin: int, steps: NDArray[np.int64]) -> None:
        """Write the planes of images `start` to `stop - 1`; see `map_rows`."""
        from agnsim.kernels.pointwise.planes import map_dense_rows, map_rows  # imports Numba

        rows, target = (stop - start) * self.values.shape[1], planes.numpy()
        values, constants = self.values[start:stop], (self.mask, self.sign, self.tables, self.linear)
        shares = min(torch.get_num_threads(), rows)

        def share(number: int) -> None:
            first, last = rows * number // shares, rows * (number + 1) // shares
            if values.ndim == 3:
                map_dense_rows(values, self.width, *constants, first, last, target, origin, steps)
            else:
                map_rows(values, *constants, first, last, target, origin, steps)

        run_parts(share, shares)
