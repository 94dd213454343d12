"""The MAC adds what the multiplier multiplies, at every encoding, and its stream is a weight-stationary one."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim.errors import MultiplierError
from agnsim.multipliers import Multiplier
from agnsim.multipliers.encoding import Encoding
from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.mac import accumulator_width, build_mac
from agnsim.multipliers.synthesis.stimulus import Products

CASES = [
    (False, Encoding.UNSIGNED, Encoding.UNSIGNED),
    (False, Encoding.UNSIGNED, Encoding.SIGN_MAGNITUDE),
    (False, Encoding.SIGN_MAGNITUDE, Encoding.SIGN_MAGNITUDE),
    (True, Encoding.TWOS_COMPLEMENT, Encoding.TWOS_COMPLEMENT),
    (True, Encoding.TWOS_COMPLEMENT, Encoding.SIGN_MAGNITUDE),
]


def truncated(signed: bool) -> Netlist:
    return families["column_truncation"].generate(4, 4, signed, columns=3, correction=0, rounded=0)


def stream(circuit: Netlist, signed: bool, encoding_a: Encoding, encoding_w: Encoding) -> tuple[Products, Multiplier]:
    multiplier = Multiplier.from_netlist("c", circuit, signed_a=signed, signed_b=signed).encoded(encoding_a, encoding_w)
    random = np.random.default_rng(3)
    a = random.integers(multiplier.range_a[0], multiplier.range_a[1] + 1, 256)
    w = np.repeat(random.integers(multiplier.range_b[0], multiplier.range_b[1] + 1, 16), 16)
    return Products(a, w, encoding_a, encoding_w, 16), multiplier


@pytest.mark.parametrize(("signed", "encoding_a", "encoding_w"), CASES)
def test_the_sum_that_goes_out_is_the_one_that_came_in_and_the_product(
    signed: bool, encoding_a: Encoding, encoding_w: Encoding
) -> None:
    circuit = truncated(signed)
    products, multiplier = stream(circuit, signed, encoding_a, encoding_w)
    mac = build_mac(circuit, products, (signed, signed), fan_in=4)
    expected = multiplier.product(products.a, products.w).astype(np.int64)
    # units of a column: every fourth row of held weights begins a new one
    sums = np.cumsum(expected.reshape(4, 4, 16), axis=1)
    assert np.array_equal(mac.netlist.product(*mac.stream), sums.reshape(-1))
    incoming = (mac.stream[1] >> 4).reshape(4, 4, 16)
    assert not incoming[:, 0].any()
    mask = (1 << mac.accumulator) - 1
    assert np.array_equal(incoming[:, 1:], sums[:, :-1] & mask)


@pytest.mark.parametrize(("signed", "encoding_a", "encoding_w"), CASES)
def test_the_accumulator_holds_the_worst_case_and_no_bit_more(
    signed: bool, encoding_a: Encoding, encoding_w: Encoding
) -> None:
    circuit = truncated(signed)
    products, multiplier = stream(circuit, signed, encoding_a, encoding_w)
    values = [np.arange(low, high + 1) for low, high in (multiplier.range_a, multiplier.range_b)]
    table = multiplier.product(values[0][:, None], values[1][None, :])
    for fan_in in (1, 3, 100):
        width = accumulator_width(circuit, products, fan_in)
        low, high = int(table.min()) * fan_in, int(table.max()) * fan_in
        is_signed = signed or Encoding.SIGN_MAGNITUDE in (encoding_a, encoding_w)
        fits = [-(1 << w - 1) <= low and high < 1 << w - 1 if is_signed else high < 1 << w for w in (width - 1, width)]
        assert fits == [False, True]


def test_what_can_not_be_accumulated() -> None:
    circuit = truncated(False)
    products, _ = stream(circuit, False, Encoding.UNSIGNED, Encoding.UNSIGNED)
    for width in (7, 49):
        with pytest.raises(MultiplierError, match=f"the accumulator has {width} bits; one product needs 8"):
            build_mac(circuit, products, (False, False), fan_in=4, accumulator=width)
    offset = Products(products.a, products.w - 8, Encoding.UNSIGNED, Encoding.OFFSET, 16)
    with pytest.raises(MultiplierError, match="offset"):
        build_mac(circuit, offset, (False, False), fan_in=4)
