"""What the tests of families share, and a traced layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.families import families
from agnsim.multipliers.operands.operand_trace import LayerTrace
from agnsim.types import LayerOperands

ErrorsOf = Callable[..., NDArray[np.int64]]


@pytest.fixture
def errors_of() -> ErrorsOf:
    """Return `(family, bits=8, signed=False, **parameters) -> int64 [2**bits, 2**bits]`: errors for all patterns."""

    def errors(family: str, bits: int = 8, signed: bool = False, **parameters: int) -> NDArray[np.int64]:
        a, b = operand_values(bits, signed)[:, None], operand_values(bits, signed)[None, :]
        return families[family].product(a, b, bits_a=bits, bits_b=bits, signed=signed, **parameters) - a * b

    return errors


@pytest.fixture
def relative_errors_of_16_bits() -> ErrorsOf:
    """Return `(family, **parameters) -> float64 [N]`: relative errors of random unsigned 16-bit operands, none 0."""

    def errors(family: str, **parameters: int) -> NDArray[np.float64]:
        random = np.random.default_rng(0)
        a, b = random.integers(1, 2**16, 200_000), random.integers(1, 2**16, 200_000)
        product = families[family].product(a, b, bits_a=16, bits_b=16, signed=False, **parameters)
        return (product - a * b) / (a * b)

    return errors


@pytest.fixture
def layer_trace() -> Callable[..., LayerTrace]:
    """Return a function that makes the trace of a layer of random operands, always the same ones."""

    def make(
        name: str = "conv",
        *,
        signed_a: bool = False,
        bits: int = 4,
        zero_point: int = 0,
        length: int = 128,
        hold: int = 8,
        seed: int = 7,
    ) -> LayerTrace:
        rng = np.random.default_rng(seed)
        half = 1 << (bits - 1)
        low, high = (1 - half, half - 1) if signed_a else (0, 2 * half - 1)
        return LayerTrace(
            layer=name,
            bits_a=bits,
            bits_w=bits,
            signed_a=signed_a,
            signed_w=True,
            range_a=(low, high),
            range_w=(1 - half, half - 1),
            histogram=rng.integers(0, 9, (2 * half, 2 * half)),
            a=rng.integers(low, high + 1, length).astype(np.int32),
            w=np.repeat(rng.integers(1 - half, half, length // hold), hold).astype(np.int32),
            hold=hold,
            sample=LayerOperands(
                layer=name,
                rows=rng.integers(low, high + 1, (5, 6)).astype(np.int32),
                row_group=np.zeros(5, np.int64),
                weights=rng.integers(1 - half, half, (3, 6)).astype(np.int32),
                groups=1,
                zero_point_a=zero_point,
                output_scale=np.array([0.5, 1.0, 2.0]),
                output_std=1.5,
            ),
        )

    return make
