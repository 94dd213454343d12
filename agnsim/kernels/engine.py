"""What an engine is, and the registry of engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor

from agnsim.kernels.geometry import ConvGeometry
from agnsim.registry import Registry

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier


@runtime_checkable
class Engine(Protocol):
    """One way of computing sums of table entries; `torch.equal` to the `reference` engine on every input.

    `agnsim.kernels.matmul` and `conv2d` check shapes, dtypes, ranges and the accumulator bound before they call an
    engine, and answer empty results themselves: an engine sees no size 0. Calls come from several threads at once.
    """

    @property
    def name(self) -> str:
        """Public name, as in `engine="..."`."""
        ...

    @property
    def needs_table(self) -> bool:
        """Whether a multiplier without a table (of more than 2**24 products, with exact factors) is beyond it."""
        ...

    def unavailable(self, multiplier: Multiplier | None, device: torch.device) -> str | None:
        """Say why this engine can't run the multiplier on the device, or `None` where it can.

        Args:
            multiplier: The table; `None` asks about the machine alone.
            device: Where the operands lie.
        """
        ...

    def matmul(self, a: Tensor, b: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> Tensor:
        """Return `sum_k table[a[m, k], b[k, n]]`.

        Args:
            a: Activation codes `[M, K]`, int8, uint8, int16 or int32, any strides.
            b: Weight codes `[K, N]`, likewise.
            multiplier: The table.
            accumulator: `torch.int32` or `torch.int64`, the dtype of the result; no sum overflows it.

        Raises:
            EngineUnavailable: Found out only now that it can't.
        """
        ...

    def conv2d(
        self,
        x: Tensor,
        w: Tensor,
        multiplier: Multiplier,
        geometry: ConvGeometry,
        pad_value: int | None,
        accumulator: torch.dtype,
    ) -> Tensor:
        """Return the convolution of x `[N, C, H, W]` with w `[O, C / groups, kernel_h, kernel_w]`, NCHW.

        Args:
            x: Activation codes, int8, uint8, int16 or int32, any strides.
            w: Weight codes, likewise.
            multiplier: The table.
            geometry: Resolved sizes.
            pad_value: Activation code of padded positions; `None`: padded positions contribute 0.
            accumulator: `torch.int32` or `torch.int64`, the dtype of the result; no sum overflows it.

        Raises:
            EngineUnavailable: Found out only now that it can't.
        """
        ...


engines: Registry[Engine] = Registry("engine")
"""All engines by public name. Add one with `engines.add(name, engine, summary)`; `auto` never picks a foreign one."""
