"""The conformance suite of engines: every case must equal the `reference` engine, bit for bit.

A case of your own is an `EngineCase` with your own multiplier; the engine need not be registered. Run one through the
suite with pytest::

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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agnsim import kernels
from agnsim.kernels import Engine
from agnsim.multipliers import Multiplier
from agnsim.testing.engine_circuits import engine_circuits, large_circuit

_LARGE = "any_u12xs12"


@dataclass(frozen=True)
class EngineCase:
    """One input that an engine must answer as the reference does.

    Attributes:
        name: Says what is covered; a test id.
        circuit: The multiplier, or its name in `engine_circuits()`; `"any_u12xs12"` is made only when it is used.
        a: Shape of the activations: `[M, K]` or `[N, C, H, W]`.
        b: Shape of the weights: `[K, N]` or `[O, C / groups, kernel_h, kernel_w]`.
        arguments: Keywords for `conv2d`; empty for `matmul`.
        dtypes: Of activations and weights; `None` is the narrowest that holds the operand.
        layout: Of both operands: `contiguous`, `channels_last`, `strided` (every second element of a larger tensor) or
            `transposed` (the last two axes exchanged in memory).
        accumulator: Result dtype.
    """

    name: str
    circuit: str | Multiplier
    a: tuple[int, ...]
    b: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    dtypes: tuple[torch.dtype | None, torch.dtype | None] = (None, None)
    layout: str = "contiguous"
    accumulator: torch.dtype = torch.int32

    @property
    def multiplier(self) -> Multiplier:
        """The case's table."""
        if isinstance(self.circuit, Multiplier):
            return self.circuit
        return large_circuit() if self.circuit == _LARGE else engine_circuits()[self.circuit]

    def unavailable(self, engine: Engine, device: str = "cpu") -> str | None:
        """Why the engine declines the case (which is its right), or `None`."""
        return engine.unavailable(self.multiplier, torch.device(device))

    def operands(self, device: str = "cpu") -> tuple[Tensor, Tensor]:
        """Return the seeded operands; both ends of each range occur where there is room."""
        multiplier = self.multiplier
        generator = np.random.default_rng(len(self.name))
        a = _draw(self.a, multiplier.range_a, generator, self.dtypes[0], self.layout)
        b = _draw(self.b, multiplier.range_b, generator, self.dtypes[1], self.layout)
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
    """Return all cases: every circuit on three shapes, every shape on an arbitrary table and on two factored ones."""
    cases = []
    for circuit in [*engine_circuits(), _LARGE]:
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
        for layout in ("strided", "transposed"):
            cases.append(EngineCase(f"matmul-{layout}-{circuit}", circuit, (9, 5), (5, 3), layout=layout))
        for dtypes in ((torch.int16, torch.int32), (torch.int32, torch.int16)):
            name = "-".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
            case = EngineCase(f"conv2d-{name}-{circuit}", circuit, (2, 3, 5, 6), (4, 3, 3, 3), {"padding": 1}, dtypes)
            cases.append(case)
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
        ("channels-last-pad-value", (3, 5, 9, 8), (7, 5, 3, 3), {"padding": 1, "pad_value": 9}, "channels_last"),
        ("channels-last-stride2", (2, 4, 9, 11), (6, 4, 3, 3), {"padding": 1, "stride": 2}, "channels_last"),
        ("channels-last-one-channel", (2, 1, 7, 5), (3, 1, 3, 3), {"padding": 1}, "channels_last"),
        ("channels-last-depthwise", (2, 6, 7, 5), (6, 1, 3, 3), {"padding": 1, "groups": 6}, "channels_last"),
        ("strided", (2, 3, 7, 9), (4, 3, 3, 3), {"padding": 1}, "strided"),
        ("strided-groups", (2, 4, 7, 9), (6, 2, 3, 3), {"padding": 1, "groups": 2, "pad_value": 2}, "strided"),
        ("transposed", (2, 3, 7, 9), (4, 3, 3, 3), {"padding": 1}, "transposed"),
        ("depthwise-skip", (2, 5, 8, 7), (5, 1, 5, 3), {"groups": 5, "padding": 2, "pad_value": None}, dense),
        ("depthwise-pad-value", (2, 5, 8, 7), (10, 1, 3, 3), {"groups": 5, "padding": 1, "pad_value": 7}, dense),
        ("primes", (3, 7, 13, 11), (19, 7, 3, 5), {"padding": (1, 2)}, dense),
        ("only-padding-below", (1, 2, 4, 4), (3, 2, 2, 1), {"padding": "same", "pad_value": 1}, dense),
        ("padding-alone", (1, 1, 1, 1), (2, 1, 1, 1), {"padding": 3, "pad_value": 4}, dense),
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
    if layout == "channels_last" and codes.ndim == 4:
        return codes.contiguous(memory_format=torch.channels_last)
    if layout == "transposed":
        return codes.transpose(-1, -2).contiguous().transpose(-1, -2)
    if layout == "strided":
        return codes.repeat_interleave(2, dim=-1)[..., ::2]
    return codes


def _run(case: EngineCase, a: Tensor, b: Tensor, engine: Engine | str) -> Tensor:
    if len(case.a) == 2:
        return kernels.matmul(a, b, case.multiplier, engine=engine, accumulator=case.accumulator)
    return kernels.conv2d(a, b, case.multiplier, engine=engine, accumulator=case.accumulator, **case.arguments)
