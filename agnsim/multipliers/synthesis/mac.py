"""A multiply-accumulate unit around a multiplier: sign handling and accumulator adder in one netlist, and its stream.

The array is weight-stationary: a unit holds a weight while activations pass by, and adds its product to the partial
sum that comes from the unit above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.encoding import Encoding
from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import Operands
from agnsim.multipliers.synthesis.stimulus import Products, Signs

MAX_ACCUMULATOR = 48


@dataclass(frozen=True)
class Mac:
    """The combinational part of a MAC.

    Attributes:
        netlist: First operand: the activation; second: the weight, and above it the partial sum that comes in; the
            product: the partial sum that goes out, in two's complement where a product may be negative.
        bits_a: Width of the activation, sign included.
        bits_w: Width of the weight, sign included.
        accumulator: Width of the partial sums.
        stream: The unit's operand patterns under a stream of products.
    """

    netlist: Netlist
    bits_a: int
    bits_w: int
    accumulator: int
    stream: Operands


def accumulator_width(multiplier: Netlist, products: Products, fan_in: int) -> int:
    """Return the bits that hold any sum of `fan_in` products: the worst case, not a guess.

    Args:
        multiplier: The multiplier.
        products: Its operands, of which the encodings count.
        fan_in: Products in one sum.
    """
    low, high = _product_range(multiplier, products)
    if _is_signed(multiplier, products):
        reach = max(abs(low), abs(high))
        low, high = (-reach, reach) if _negated(products) else (low, high)
        return max((-low * fan_in - 1).bit_length(), (high * fan_in).bit_length()) + 1
    return max(1, (high * fan_in).bit_length())


def build_mac(
    multiplier: Netlist,
    products: Products,
    signed: Signs,
    *,
    fan_in: int,
    accumulator: int | None = None,
    corrected_outside: bool = False,
) -> Mac:
    """Return the MAC around a multiplier and the stream that it sees.

    A product of sign-magnitude operands is inverted where their signs differ, and the missing 1 enters the adder's
    carry. The magnitude keeps its operand's width less the sign, so the multiplier's top bit is tied to 0.

    Args:
        multiplier: The multiplier.
        products: Its operands.
        signed: Signs of its ports.
        fan_in: Products in one sum.
        accumulator: Width of the sums; by default as wide as the worst case needs.
        corrected_outside: Whether what offset operands add to the sums is taken off elsewhere.

    Raises:
        MultiplierError: The accumulator has more than `MAX_ACCUMULATOR` bits or fewer than the product, or an operand
            is offset and not corrected elsewhere: its correction terms are no part of the MAC.
    """
    if not corrected_outside and Encoding.OFFSET in (products.encoding_a, products.encoding_w):
        raise MultiplierError("a MAC of offset operands leaves their correction outside; use sign_magnitude")
    width = accumulator if accumulator is not None else accumulator_width(multiplier, products, fan_in)
    least = accumulator_width(multiplier, products, 1)
    if not least <= width <= MAX_ACCUMULATOR:
        raise MultiplierError(
            f"the accumulator has {width} bits; one product needs {least}, and it may have at most {MAX_ACCUMULATOR}"
        )
    build = NetlistBuilder(multiplier.bits_a, multiplier.bits_b + width)
    weight, incoming = build.b[: multiplier.bits_b], build.b[multiplier.bits_b :]
    negative = build.zero
    buses = []
    for bus, encoding in ((build.a, products.encoding_a), (weight, products.encoding_w)):
        if encoding is Encoding.SIGN_MAGNITUDE:
            negative = build.differ(negative, bus[-1])
            bus = [*bus[:-1], build.zero]
        buses.append(bus)
    product = build.instance(multiplier, buses[0], buses[1])
    top = product[-1] if multiplier.signed else build.zero
    product = (product + [top] * width)[:width]
    total = []
    carry = negative
    for bit, sum_bit in zip(product, incoming, strict=True):
        place, carry = build.full_adder(sum_bit, build.differ(bit, negative), carry)
        total.append(place)
    netlist = build.build(total, signed=_is_signed(multiplier, products))
    stream = _stream(multiplier, products, signed, width, fan_in)
    return Mac(netlist, multiplier.bits_a, multiplier.bits_b, width, stream)


def _stream(multiplier: Netlist, products: Products, signed: Signs, width: int, fan_in: int) -> Operands:
    """Return the unit's operands: rows of held weights are the units of a column, each adding to the sum from above."""
    bits = multiplier.bits_a, multiplier.bits_b
    fed = products.ports(bits, signed)
    result = multiplier.product(*fed).astype(np.int64)
    patterns = []
    for port, values, encoding, own in zip(
        fed, (products.a, products.w), (products.encoding_a, products.encoding_w), bits, strict=True
    ):
        if encoding is Encoding.SIGN_MAGNITUDE:
            result = np.where(values < 0, -result, result)
            port = port | ((values < 0).astype(np.int64) << (own - 1))
        patterns.append(port)
    rows = result.reshape(-1, products.hold)
    incoming = np.zeros_like(rows)
    for first in range(0, len(rows), fan_in):
        column = rows[first : first + fan_in]
        incoming[first + 1 : first + len(column)] = np.cumsum(column, axis=0)[:-1]
    sums: NDArray[np.int64] = incoming.ravel() & ((1 << width) - 1)
    return patterns[0], patterns[1] | (sums << bits[1])


def _negated(products: Products) -> bool:
    return Encoding.SIGN_MAGNITUDE in (products.encoding_a, products.encoding_w)


def _is_signed(multiplier: Netlist, products: Products) -> bool:
    return multiplier.signed or _negated(products)


def _product_range(multiplier: Netlist, products: Products) -> tuple[int, int]:
    """Return the smallest and largest product of the patterns that the encodings feed, by bounds for wide circuits."""
    if multiplier.inputs > 18:
        places = len(multiplier.outputs)
        return (-(1 << places - 1), (1 << places - 1) - 1) if multiplier.signed else (0, (1 << places) - 1)
    table = multiplier.table()
    if products.encoding_a is Encoding.SIGN_MAGNITUDE:
        table = table[: len(table) // 2]
    if products.encoding_w is Encoding.SIGN_MAGNITUDE:
        table = table[:, : table.shape[1] // 2]
    return int(table.min()), int(table.max())
