from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnsim.errors import MultiplierError
from agnsim.multipliers import Encoding, Multiplier
from agnsim.multipliers.encoding import allowed_encodings, operand_values


def random_multiplier(seed: int, bits_a: int, bits_b: int, signed_a: bool, signed_b: bool) -> Multiplier:
    table = np.random.default_rng(seed).integers(-500, 500, (1 << bits_a, 1 << bits_b))
    return Multiplier.from_table("random", table, bits_a=bits_a, bits_b=bits_b, signed_a=signed_a, signed_b=signed_b)


def fed(multiplier: Multiplier, operand: str, value: int, encoding: Encoding) -> tuple[int, int, int]:
    """What the definition feeds for a value: bit pattern, sign of the product, offset."""
    bits = multiplier.bits_a if operand == "a" else multiplier.bits_b
    if encoding is Encoding.SIGN_MAGNITUDE:
        return abs(value), -1 if value < 0 else 1, 0
    offset = 1 << (bits - 1) if encoding is Encoding.OFFSET else 0
    return (value + offset) & ((1 << bits) - 1), 1, offset


@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    signs=st.tuples(st.booleans(), st.booleans()),
    data=st.data(),
)
def test_encoded_table_is_the_definition_for_every_value_in_range(
    seed: int, bits: tuple[int, int], signs: tuple[bool, bool], data: Any
) -> None:
    circuit = random_multiplier(seed, *bits, *signs)
    encoding_a = data.draw(st.sampled_from(allowed_encodings(signs[0])))
    encoding_w = data.draw(st.sampled_from(allowed_encodings(signs[1])))
    encoded = circuit.encoded(encoding_a, encoding_w)
    a = data.draw(st.integers(*encoded.range_a))
    w = data.draw(st.integers(*encoded.range_b))
    index_a, sign_a, offset_a = fed(circuit, "a", a, encoding_a)
    index_w, sign_w, offset_w = fed(circuit, "w", w, encoding_w)
    raw = int(circuit.table[index_a, index_w])
    expected = sign_a * sign_w * raw - a * offset_w - w * offset_a - offset_a * offset_w
    assert int(encoded.product(a, w)) == expected
    assert (encoded.bits_a, encoded.bits_b) == bits


@pytest.mark.parametrize("full_magnitude", [False, True], ids=["plain", "full_magnitude"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [(2, 2), (8, 8), (6, 5)], ids=["2x2", "8x8", "6x5"])
def test_exact_circuit_stays_exact_in_every_encoding(bits: tuple[int, int], signed: bool, full_magnitude: bool) -> None:
    circuit = Multiplier.exact(*bits, signed_a=signed, signed_b=signed)
    for encoding_a in allowed_encodings(signed):
        for encoding_w in allowed_encodings(signed):
            if full_magnitude and (signed or Encoding.SIGN_MAGNITUDE not in (encoding_a, encoding_w)):
                continue
            encoded = circuit.encoded(encoding_a, encoding_w, full_magnitude=full_magnitude)
            assert encoded.is_exact, (encoding_a, encoding_w)


@pytest.mark.parametrize(
    ("signed", "encoding", "expected"),
    [
        (False, "unsigned", (0, 255)),
        (False, "sign_magnitude", (-127, 127)),
        (False, "offset", (-128, 127)),
        (True, "twos_complement", (-128, 127)),
        (True, "sign_magnitude", (-127, 127)),
    ],
)
def test_ranges(signed: bool, encoding: str, expected: tuple[int, int]) -> None:
    encoded = Multiplier.exact(signed_a=signed, signed_b=signed).encoded(a=encoding, w=encoding)
    assert encoded.range_a == encoded.range_b == expected
    assert encoded.encoding_a == encoded.encoding_w == encoding


def test_unreachable_pattern_holds_the_natural_extension() -> None:
    unsigned = random_multiplier(1, 4, 4, False, False)
    np.testing.assert_array_equal(unsigned.encoded(w="sign_magnitude").table[:, 8], -unsigned.table[:, 8])
    signed = random_multiplier(2, 4, 4, True, True)
    np.testing.assert_array_equal(signed.encoded(w="sign_magnitude").table[:, 8], signed.table[:, 8])


def test_full_magnitude_uses_the_whole_port_and_widens_the_operand() -> None:
    circuit = random_multiplier(3, 4, 3, False, False)
    encoded = circuit.encoded(w="sign_magnitude", full_magnitude=True)
    assert (encoded.bits_a, encoded.bits_b, encoded.range_a, encoded.range_b) == (4, 4, (0, 15), (-7, 7))
    for w in range(-7, 8):
        np.testing.assert_array_equal(
            encoded.product(np.arange(16), w), np.sign(w + 0.5).astype(int) * circuit.table[:, abs(w)]
        )


def test_natural_encoding_is_the_circuit_itself() -> None:
    circuit = random_multiplier(4, 3, 3, False, True)
    assert circuit.encoded() is circuit
    assert circuit.encoded("unsigned", Encoding.TWOS_COMPLEMENT) is circuit


def test_derived_multipliers_point_to_the_physical_circuit() -> None:
    circuit = random_multiplier(5, 3, 4, False, False)
    derived = circuit.swapped().encoded(w="offset")
    assert circuit.circuit is None
    assert derived.circuit is circuit
    assert derived.is_swapped
    assert derived.name == circuit.name


def test_swapping_and_encoding_commute() -> None:
    circuit = random_multiplier(6, 3, 4, False, False)
    one = circuit.swapped().encoded(a="sign_magnitude", w="offset")
    other = circuit.encoded(a="offset", w="sign_magnitude").swapped()
    assert one == other
    assert (one.encoding_a, one.encoding_w) == (other.encoding_a, other.encoding_w)
    assert other.swapped() == circuit.encoded(a="offset", w="sign_magnitude")


@pytest.mark.parametrize(
    ("signed", "arguments", "message"),
    [
        (False, {"w": "twos_complement"}, "operand w: encoding 'twos_complement' does not fit an unsigned port"),
        (True, {"a": "offset"}, "operand a: encoding 'offset' does not fit a signed port; allowed: twos_complement"),
        (False, {"w": "signmagnitude"}, "'signmagnitude'"),
        (False, {"full_magnitude": True}, "full_magnitude needs an operand in sign_magnitude"),
        (True, {"w": "sign_magnitude", "full_magnitude": True}, "operand w: full_magnitude needs an unsigned port"),
    ],
)
def test_impossible_encoding_is_refused(signed: bool, arguments: dict[str, Any], message: str) -> None:
    circuit = Multiplier.exact(4, 4, signed_a=signed, signed_b=signed)
    with pytest.raises(MultiplierError, match=message):
        circuit.encoded(**arguments)


def test_encoding_twice_is_refused() -> None:
    encoded = Multiplier.exact(4, 4, signed_a=False, signed_b=False).encoded(w="offset")
    with pytest.raises(MultiplierError, match="encoded already"):
        encoded.encoded(a="sign_magnitude")


@given(bits=st.integers(1, 12), signed=st.booleans())
def test_operand_values_follow_bit_patterns(bits: int, signed: bool) -> None:
    values = operand_values(bits, signed)
    np.testing.assert_array_equal(values & ((1 << bits) - 1), np.arange(1 << bits))
    assert values.min() == (-(1 << (bits - 1)) if signed else 0)
