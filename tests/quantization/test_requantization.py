import math
from fractions import Fraction

import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agnsim.errors import InputError
from agnsim.quantization.requantization import INT64_LIMIT, MULTIPLIER_LIMIT, requantization

factors = st.one_of(
    st.floats(-1e3, 1e3),
    st.builds(lambda m, e: math.ldexp(m, e), st.floats(-1, 1), st.integers(-80, 20)),
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0**-31, math.nextafter(1.0, 0.0)]),
)
offsets = st.one_of(st.floats(-1e12, 1e12), st.integers(-300, 300).map(float))
bounds = st.integers(0, 40).flatmap(lambda bits: st.integers(0, 2**bits))
ranges = st.sampled_from([(0, 255), (-127, 127), (0, 15), (0, 0), (-(2**31), 2**31 - 1), (-(2**30), 2**30)])


@given(factors, offsets, bounds, ranges, st.data())
@example(math.nextafter(1.0, 0.0), 0.0, 2**31, (-(2**31), 2**31 - 1), None)
def test_constants_round_within_the_stated_error_and_never_overflow(factor, offset, largest, limits, data):
    low, high = limits
    try:
        made = requantization([factor], [offset], largest=[largest], low=low, high=high)
    except InputError:
        assert abs(factor) * largest > 2**31
        return
    multiplier, addend, shift = made.multiplier.item(), made.addend.item(), made.shift.item()
    assert abs(multiplier) <= MULTIPLIER_LIMIT
    assert largest * abs(multiplier) + abs(addend) <= INT64_LIMIT
    value = largest if data is None else data.draw(st.integers(-largest, largest))
    for total in (value, -largest, largest):
        result = min(max((total * multiplier + addend) >> shift, low), high)
        real = Fraction(factor) * total + Fraction(offset)
        slack = Fraction(abs(total) + 1, 2 ** (shift + 1))
        if multiplier == 0 and shift == 0:  # a constant, exact but for float rounding of the offset
            slack = Fraction(1, 1000)
        least, most = (min(max(math.floor(real + Fraction(1, 2) + sign * slack), low), high) for sign in (-1, 1))
        assert least <= result <= most


@given(st.floats(1e-6, 1.0), st.floats(-300, 300), st.integers(-(2**20), 2**20))
def test_result_is_the_rounded_real_number_away_from_ties(factor, offset, total):
    made = requantization([factor], [offset], largest=[2**20], low=-(2**31), high=2**31 - 1)
    real = Fraction(factor) * total + Fraction(offset)
    fraction = real + Fraction(1, 2) - math.floor(real + Fraction(1, 2))
    assume(Fraction(1, 2**9) < fraction < 1 - Fraction(1, 2**9))
    assert (total * made.multiplier.item() + made.addend.item()) >> made.shift.item() == math.floor(
        real + Fraction(1, 2)
    )


def test_every_channel_has_its_own_shift():
    made = requantization([1e-9, 0.3, -0.3, 0.0], [0.0] * 4, largest=[1000] * 4, low=0, high=255)
    assert made.multiplier.dtype == made.shift.dtype == torch.int32
    assert made.addend.dtype == torch.int64
    assert made.shift.tolist() == [60, 32, 32, 0]
    assert made.multiplier[2] == -made.multiplier[1]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(bad):
    for factor, offset in ((bad, 0.0), (1.0, bad)):
        with pytest.raises(InputError, match="must be finite"):
            requantization([factor], [offset], largest=[1], low=0, high=1)


def test_a_factor_beyond_31_bits_is_refused():
    with pytest.raises(InputError, match="beyond 31 bits"):
        requantization([2.0**40], [0.0], largest=[100], low=0, high=255)
