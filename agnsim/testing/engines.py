"""The conformance suite of engines: every case must equal the `reference` engine, bit for bit.

Run a foreign engine through it with pytest::

    @pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
    def test_my_engine(case):
        reason = case.unavailable(MyEngine())
        if reason:
            pytest.skip(reason)
        check_engine(MyEngine(), case)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agnsim import kernels
from agnsim.kernels import Engine
from agnsim.multipliers import Encoding, Multiplier


@dataclass(frozen=True)
class EngineCase:
    """One input that an engine must answer as the reference does.

    Attributes:
        name: Says what is covered; a test id.
        circuit: Key of the multiplier within the suite.
        a: Shape of the activations: `[M, K]` or `[N, C, H, W]`.
        b: Shape of the weights: `[K, N]` or `[O, C / groups, kernel_h, kernel_w]`.
        arguments: Keywords for `conv2d`; empty for `matmul`.
        dtypes: Of activations and weights; `None` is the narrowest that holds the operand.
        layout: `contiguous`, `channels_last` or `strided` (every second element of a larger tensor).
        accumulator: Result dtype.
    """

    name: str
    circuit: str
    a: tuple[int, ...]
    b: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    dtypes: tuple[torch.dtype | None, torch.dtype | None] = (None, None)
    layout: str = "contiguous"
    accumulator: torch.dtype = torch.int32

    @property
    def multiplier(self) -> Multiplier:
        """The case's table."""
        return _circuits()[self.circuit]

    def unavailable(self, engine: Engine, device: str = "cpu") -> str | None:
        """Why the engine declines the case (which is its right), or `None`."""
        return engine.unavailable(self.multiplier, torch.device(device))

    def operands(self, device: str = "cpu") -> tuple[Tensor, Tensor]:
        """Return the seeded operands; both ends of each range occur where there is room."""
        multiplier = self.multiplier
        generator = np.random.default_rng(len(self.name))
        a = _draw(self.a, multiplier.range_a, generator, self.dtypes[0], self.layout)
        b = _draw(self.b, multiplier.range_b, generator, self.dtypes[1], "contiguous")
        return a.to(device), b.to(device)


def check_engine(engine: Engine | str, case: EngineCase, *, device: str = "cpu") -> None:
    """Run one case on an engine and on the reference.

    Raises:
        AssertionError: They differ in shape, dtype or any element.
        EngineUnavailable: The engine declines the case.
    """
    a, b = case.operands(device)
    found, expected = (_run(case, a, b, chosen) for chosen in (engine, "reference"))
    if found.dtype != case.accumulator or found.shape != expected.shape or not torch.equal(found, expected):
        name = engine if isinstance(engine, str) else engine.name
        raise AssertionError(
            f"engine {name!r} differs from the reference in case {case.name!r}: {found.dtype} {list(found.shape)}, "
            f"expected {expected.dtype} {list(expected.shape)}"
            + (f", {int((found != expected).sum())} elements differ" if found.shape == expected.shape else "")
        )


def engine_cases() -> list[EngineCase]:
    """Return all cases: every circuit on two shapes, every shape on an arbitrary table and on two factored ones."""
    cases = []
    for circuit in _circuits():
        cases.append(EngineCase(f"matmul-{circuit}", circuit, (7, 13), (13, 18)))
        cases.append(EngineCase(f"conv2d-{circuit}", circuit, (2, 3, 7, 6), (5, 3, 3, 3), {"padding": 1}))
        skip = {"padding": 1, "pad_value": None}
        cases.append(EngineCase(f"conv2d-skip-{circuit}", circuit, (2, 3, 7, 6), (5, 3, 3, 3), skip))
    for circuit in ("any_u8xs8", "rank1_u8xs8", "rank3_u8xs8"):
        for m, k, n in ((0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (1, 300, 17), (129, 1, 16), (300, 5, 33)):
            cases.append(EngineCase(f"matmul-{m}x{k}x{n}-{circuit}", circuit, (m, k), (k, n)))
        cases.append(
            EngineCase(
                f"matmul-int32-int16-to-int64-{circuit}",
                circuit,
                (9, 5),
                (5, 3),
                dtypes=(torch.int32, torch.int16),
                accumulator=torch.int64,
            )
        )
        cases.append(EngineCase(f"matmul-strided-{circuit}", circuit, (9, 5), (5, 3), layout="strided"))
        for name, a, b, arguments, layout in _convolutions():
            cases.append(EngineCase(f"conv2d-{name}-{circuit}", circuit, a, b, arguments, layout=layout))
    return cases


def _convolutions() -> list[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any], str]]:
    dense = "contiguous"
    return [
        ("no-images", (0, 3, 5, 5), (4, 3, 3, 3), {}, dense),
        ("no-channels", (2, 0, 5, 5), (4, 0, 3, 3), {}, dense),
        ("no-outputs", (2, 3, 5, 5), (0, 3, 3, 3), {}, dense),
        ("one-everything", (1, 1, 1, 1), (1, 1, 1, 1), {}, dense),
        ("1x1-stride2", (2, 5, 9, 7), (17, 5, 1, 1), {"stride": 2}, dense),
        ("5x2-stride3x1", (2, 2, 11, 8), (3, 2, 5, 2), {"stride": (3, 1), "padding": (2, 1)}, dense),
        ("dilation2x3", (1, 2, 13, 12), (3, 2, 3, 3), {"dilation": (2, 3), "padding": 2}, dense),
        ("same-even-kernel", (2, 2, 7, 5), (3, 2, 4, 2), {"padding": "same"}, dense),
        ("same-skip-even-kernel", (2, 2, 7, 5), (3, 2, 4, 2), {"padding": "same", "pad_value": None}, dense),
        ("valid", (2, 2, 7, 5), (3, 2, 3, 3), {"padding": "valid"}, dense),
        ("pad-value", (2, 3, 6, 6), (4, 3, 3, 3), {"padding": 2, "pad_value": 11}, dense),
        ("groups2-pad-value", (2, 6, 6, 5), (34, 3, 3, 3), {"groups": 2, "padding": 1, "pad_value": 3}, dense),
        ("groups3-skip", (2, 6, 6, 5), (9, 2, 3, 3), {"groups": 3, "padding": 1, "pad_value": None}, dense),
        ("depthwise", (2, 5, 8, 7), (5, 1, 3, 3), {"groups": 5, "padding": 1, "stride": 2}, dense),
        ("depthwise-multiplied", (1, 4, 6, 6), (8, 1, 3, 3), {"groups": 4, "padding": 1}, dense),
        ("channels-last", (3, 6, 9, 8), (20, 6, 3, 3), {"padding": 1}, "channels_last"),
        ("channels-last-groups", (3, 6, 9, 8), (8, 3, 3, 3), {"padding": 1, "groups": 2}, "channels_last"),
        ("strided-input", (2, 3, 7, 9), (4, 3, 3, 3), {"padding": 1}, "strided"),
        ("many-positions", (5, 2, 33, 31), (16, 2, 3, 3), {"padding": 1, "pad_value": 5}, dense),
        ("deep", (2, 150, 5, 5), (6, 150, 3, 3), {"padding": 1}, dense),
        ("kernel-larger-than-input", (2, 3, 2, 3), (4, 3, 5, 5), {"padding": 2}, dense),
    ]


def _draw(
    shape: tuple[int, ...],
    limits: tuple[int, int],
    generator: np.random.Generator,
    dtype: torch.dtype | None,
    layout: str,
) -> Tensor:
    low, high = limits
    if dtype is None:
        dtype = next(
            narrow
            for narrow in (torch.uint8, torch.int8, torch.int16, torch.int32)
            if torch.iinfo(narrow).min <= low and high <= torch.iinfo(narrow).max
        )
    drawn = generator.integers(low, high + 1, shape)
    ends = drawn.reshape(-1)
    ends[: 2 * (ends.size // 2)][:2] = (low, high)[: 2 * (ends.size // 2)]
    codes = torch.from_numpy(drawn).to(dtype)
    if layout == "channels_last":
        return codes.contiguous(memory_format=torch.channels_last)
    if layout == "strided":
        return codes.repeat_interleave(2, dim=-1)[..., ::2]
    return codes


def _run(case: EngineCase, a: Tensor, b: Tensor, engine: Engine | str) -> Tensor:
    if len(case.a) == 2:
        return kernels.matmul(a, b, case.multiplier, engine=engine, accumulator=case.accumulator)
    return kernels.conv2d(a, b, case.multiplier, engine=engine, accumulator=case.accumulator, **case.arguments)


@cache
def _circuits() -> dict[str, Multiplier]:
    generator = np.random.default_rng(2024)

    def anything(bits_a: int, bits_b: int, signed_a: bool, signed_b: bool, limit: int = 20_000) -> Multiplier:
        table = generator.integers(-limit, limit, (1 << bits_a, 1 << bits_b))
        table[0, 0] = 77  # a product for two zeros makes wrong padding visible
        return _multiplier(table, bits_a, bits_b, signed_a, signed_b)

    def low_rank(rank: int) -> Multiplier:
        u, v = generator.integers(-6, 7, (rank, 256)), generator.integers(-9, 10, (rank, 256))
        return _multiplier(3 * u.T @ v, 8, 8, False, True)

    unsigned = anything(8, 8, False, False)
    positive = _multiplier(np.abs(generator.integers(0, 65_026, (256, 256))), 8, 8, False, False)
    return {
        "any_u8xu8": unsigned,
        "any_u8xs8": anything(8, 8, False, True),
        "any_s8xu8": anything(8, 8, True, False),
        "any_s8xs8": anything(8, 8, True, True),
        "any_u8xs4": anything(8, 4, False, True),
        "any_s5xu3": anything(5, 3, True, False),
        "any_s3xs7": anything(3, 7, True, True),
        "any_u9xs9": anything(9, 9, False, True),
        "any_s9xu2": anything(9, 2, True, False),
        "any_beyond_16_bits": anything(8, 8, False, True, limit=1_000_000),
        "swapped_u8xs4": anything(8, 4, False, True).swapped(),
        "sign_magnitude_weights": positive.encoded(a=Encoding.UNSIGNED, w=Encoding.SIGN_MAGNITUDE),
        "sign_magnitude_both": positive.encoded(a=Encoding.SIGN_MAGNITUDE, w=Encoding.SIGN_MAGNITUDE),
        "offset_weights": positive.encoded(a=Encoding.UNSIGNED, w=Encoding.OFFSET),
        "exact_u8xs8": Multiplier.exact(8, 8, signed_a=False, signed_b=True),
        "exact_s8xs8": Multiplier.exact(8, 8, signed_a=True, signed_b=True),
        "exact_u6xs5": Multiplier.exact(6, 5, signed_a=False, signed_b=True),
        "exact_s9xs9": Multiplier.exact(9, 9, signed_a=True, signed_b=True),
        "rank1_u8xs8": low_rank(1),
        "rank3_u8xs8": low_rank(3),
    }


def _multiplier(table: Any, bits_a: int, bits_b: int, signed_a: bool, signed_b: bool) -> Multiplier:
    return Multiplier.from_table(
        "conformance", table, bits_a=bits_a, bits_b=bits_b, signed_a=signed_a, signed_b=signed_b
    )
