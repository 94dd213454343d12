"""Checks of operands before any engine sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from agnsim.errors import AccumulatorOverflow, EngineUnavailable, InputError, OperandRangeError
from agnsim.kernels.patterns import PerMultiplier, patterns

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

OPERAND_DTYPES = (torch.int8, torch.uint8, torch.int16, torch.int32)
ACCUMULATORS = (torch.int32, torch.int64)


def check_operands(name_a: str, a: Tensor, name_b: str, b: Tensor, accumulator: torch.dtype) -> None:
    """Check types, dtypes and devices.

    Raises:
        InputError: Naming operand, dtype or devices, and the remedy.
    """
    for name, operand in ((name_a, a), (name_b, b)):
        if not isinstance(operand, Tensor):
            raise InputError(f"{name} is a {type(operand).__name__}; it must be a torch.Tensor of integer codes")
        if operand.dtype not in OPERAND_DTYPES:
            raise InputError(
                f"{name} has dtype {operand.dtype}; operands are int8, uint8, int16 or int32 codes. "
                f"Quantise real values first; convert other integers with {name}.to(torch.int32)"
            )
    if a.device != b.device:
        raise InputError(f"{name_a} is on {a.device}, {name_b} on {b.device}; move both to one device")
    if accumulator not in ACCUMULATORS:
        raise InputError(f"accumulator is {accumulator}; it must be torch.int32 or torch.int64")


def check_range(name: str, codes: Tensor, allowed: tuple[int, int], multiplier: Multiplier) -> None:
    """Check that every code is a value of the multiplier's operand.

    Raises:
        OperandRangeError: Naming operand, the extreme value found, the range and the circuit.
    """
    low, high = allowed
    limits = torch.iinfo(codes.dtype)
    if codes.numel() == 0 or (limits.min >= low and limits.max <= high):
        return
    least, most = (int(extreme) for extreme in torch.stack(torch.aminmax(codes)).tolist())
    if least < low or most > high:
        raise _out_of_range(name, least if least < low else most, allowed, multiplier)


def check_pad_value(pad_value: int | None, multiplier: Multiplier) -> None:
    """Check that the padding is `None` or a value of the activation operand.

    Raises:
        OperandRangeError: It is outside.
        InputError: It is no integer.
    """
    if pad_value is None:
        return
    if not isinstance(pad_value, int) or isinstance(pad_value, bool):
        raise InputError(f"conv2d: pad_value is {pad_value!r}; it must be an integer code, or None to skip padding")
    low, high = multiplier.range_a
    if not low <= pad_value <= high:
        raise _out_of_range("pad_value", pad_value, multiplier.range_a, multiplier)


def _out_of_range(name: str, value: int, allowed: tuple[int, int], multiplier: Multiplier) -> OperandRangeError:
    return OperandRangeError(
        f"{name} holds {value}, outside {allowed[0]}..{allowed[1]}, the values that this operand of multiplier "
        f"{multiplier.name!r} takes. Clamp or requantise the codes, or choose another width, sign or encoding"
    )


def _largest_products(multiplier: Multiplier, device: torch.device) -> tuple[int, Tensor]:
    if multiplier.has_table:
        per_weight = np.abs(multiplier.table.astype(np.int64)).max(axis=0)
    elif (factors := multiplier.factors) is not None:
        # A bound: the largest activation factor of every term at once.
        per_weight = factors.scale * (np.abs(factors.u).max(axis=1) @ np.abs(factors.v))
    else:
        raise EngineUnavailable(
            f"multiplier {multiplier.name!r} has 2**{multiplier.bits_a + multiplier.bits_b} products and no exact "
            "integer factorisation of small rank: it can't be emulated. Choose one of at most 2**24 products"
        )
    return int(per_weight.max()), torch.from_numpy(per_weight).to(device)


_largest = PerMultiplier(_largest_products)


def check_accumulator(weights: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> None:
    """Check that no sum over the given weights can leave the accumulator, whatever the activations.

    The cheap bound, `fan_in` times the largest product of the table, settles almost every case without reading the
    weights.

    Args:
        weights: Weight codes `[outputs, fan_in]`.
        multiplier: The table.
        accumulator: `torch.int32` or `torch.int64`.

    Raises:
        AccumulatorOverflow: Naming bound, limit, fan-in and remedy.
    """
    fan_in = weights.shape[1]
    limit = torch.iinfo(accumulator).max
    anywhere, per_weight = _largest(multiplier, weights.device)
    if weights.numel() == 0 or fan_in * anywhere <= limit:
        return
    indices = patterns(weights, multiplier.bits_b).flatten()
    bound = int(per_weight.index_select(0, indices).view(weights.shape).sum(dim=1).max())
    if bound <= limit:
        return
    remedy = "use accumulator=torch.int64" if accumulator == torch.int32 else "split the layer"
    raise AccumulatorOverflow(
        f"multiplier {multiplier.name!r} with these weights can sum to {bound} over fan_in {fan_in}, beyond the "
        f"{accumulator} accumulator's {limit}; {remedy}"
    )
