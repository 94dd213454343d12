from __future__ import annotations

import copy
import dataclasses
import hashlib
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnsim.errors import InputError, MultiplierError, OperandRangeError
from agnsim.multipliers import Cost, Multiplier

TABLE = np.arange(16).reshape(4, 4)


def small(table: Any = TABLE, name: str = "small", **arguments: Any) -> Multiplier:
    defaults: dict[str, Any] = {"bits_a": 2, "bits_b": 2, "signed_a": False, "signed_b": False}
    return Multiplier.from_table(name, table, **{**defaults, **arguments})


def test_table_is_a_read_only_int32_copy() -> None:
    table = TABLE.astype(np.int32)
    multiplier = small(table)
    table[0, 0] = 7
    assert multiplier.table[0, 0] == 0
    assert multiplier.table.dtype == np.int32
    with pytest.raises(ValueError, match="read-only"):
        multiplier.table[0, 0] = 1


def test_attributes_can_not_be_set() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        small().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i4", ">i4", "i8", "u8", "u4"])
def test_any_integer_dtype_gives_the_same_digest(dtype: str) -> None:
    multiplier = small(TABLE.astype(dtype))
    assert multiplier.digest == hashlib.sha256(TABLE.astype("<i4").tobytes()).hexdigest()
    assert multiplier == small()


def test_identity_is_widths_signs_and_digest() -> None:
    assert small(name="a", source="x") == small(name="b", source="y")
    assert hash(small(name="a")) == hash(small(name="b"))
    assert small() != small(signed_a=True)
    assert small() != small(TABLE + 1)
    assert small() != "small"
    assert small().identity == (2, 2, False, False, small().digest)


def test_fortran_order_does_not_change_the_table() -> None:
    assert small(np.asfortranarray(TABLE)) == small()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": TABLE.tolist()}, "it must be a NumPy array"),
        ({"table": TABLE.astype(float)}, "dtype float64; it must be an integer type"),
        ({"table": TABLE > 3}, "dtype bool"),
        ({"table": TABLE.astype(object)}, "dtype object"),
        ({"table": TABLE[:3]}, r"shape \(3, 4\); \(4, 4\) belongs to its widths"),
        ({"table": TABLE.ravel()}, r"shape \(16,\)"),
        ({"table": TABLE + 2**31}, r"table\[0, 0\] has product 2147483648, which does not fit int32"),
        ({"table": np.full((4, 4), -(2**31))}, r"table\[1, 1\] has error"),
        ({"table": TABLE.astype("u8") + np.uint64(2**63)}, "does not fit int32"),
        ({"bits_a": 3}, r"\(8, 4\) belongs"),
        ({"bits_a": 0}, "bits_a is 0; it must be an integer from 1 to 16"),
        ({"bits_b": 17}, "bits_b is 17"),
        ({"bits_b": 2.0}, "bits_b is 2.0"),
        ({"bits_b": True}, "bits_b is True"),
        ({"bits_a": 13, "bits_b": 12}, r"13 x 12 bits make a table of 2\*\*25 entries"),
        ({"signed_a": 1}, "signed_a is 1; it must be True or False"),
        ({"signed_b": None}, "signed_b is None"),
        ({"name": ""}, "name of a multiplier is ''"),
    ],
)
def test_bad_table_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MultiplierError, match=message):
        small(**arguments)


@pytest.mark.parametrize(
    ("bits", "signs", "name"),
    [
        ((8, 8), (False, False), "exact_u8xu8"),
        ((8, 8), (True, True), "exact_s8xs8"),
        ((6, 5), (False, True), "exact_u6xs5"),
        ((1, 16), (True, False), "exact_s1xu16"),
    ],
)
def test_exact_multiplies(bits: tuple[int, int], signs: tuple[bool, bool], name: str) -> None:
    multiplier = Multiplier.exact(*bits, signed_a=signs[0], signed_b=signs[1])
    assert multiplier.name == name
    assert multiplier.cost is None
    assert multiplier.is_exact
    assert multiplier.metrics.ep == multiplier.mae == multiplier.error_std == 0
    low_a, high_a = multiplier.range_a
    low_b, high_b = multiplier.range_b
    a, b = np.array([low_a, high_a])[:, None], np.array([low_b, high_b])[None, :]
    np.testing.assert_array_equal(multiplier.product(a, b), a * b)


def test_exact_refuses_bad_widths() -> None:
    with pytest.raises(MultiplierError, match="bits_a is 99"):
        Multiplier.exact(99, 8, signed_a=False, signed_b=False)


@given(a=st.integers(-4, 3), b=st.integers(0, 7), seed=st.integers(0, 2**16))
def test_product_looks_up_bit_patterns(a: int, b: int, seed: int) -> None:
    table = np.random.default_rng(seed).integers(-99, 99, (8, 8))
    multiplier = Multiplier.from_table("random", table, bits_a=3, bits_b=3, signed_a=True, signed_b=False)
    assert multiplier.product(a, b) == table[a % 8, b]
    assert multiplier.product(np.array([[a]]), np.full(3, b, np.int8)).shape == (1, 3)
    assert multiplier.product(a, b) - a * b == multiplier.error_table[a % 8, b]
    assert multiplier.swapped().product(b, a) == table[a % 8, b]


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (4, 0, OperandRangeError, "first operand of 'small' is 4; allowed: 0 to 3"),
        (0, np.array([1, -1]), OperandRangeError, "second operand of 'small' is -1; allowed: 0 to 3"),
        (0, 1.5, InputError, "second operand of 'small' has dtype float64"),
        (True, 1, InputError, "first operand of 'small' has dtype bool"),
    ],
)
def test_product_checks_operands(a: Any, b: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        small().product(a, b)


def test_sign_magnitude_refuses_the_unreachable_value() -> None:
    encoded = Multiplier.exact(signed_a=False, signed_b=False).encoded(w="sign_magnitude")
    with pytest.raises(OperandRangeError, match="-128; allowed: -127 to 127"):
        encoded.product(0, -128)


def test_swapped_exchanges_everything_and_twice_is_the_original() -> None:
    multiplier = Multiplier.from_table(
        "wide", np.arange(32).reshape(8, 4), bits_a=3, bits_b=2, signed_a=True, signed_b=False
    )
    swapped = multiplier.swapped()
    assert (swapped.bits_a, swapped.bits_b, swapped.signed_a, swapped.signed_b) == (2, 3, False, True)
    assert swapped.is_swapped
    assert swapped.circuit is multiplier
    np.testing.assert_array_equal(swapped.table, multiplier.table.T)
    assert swapped.swapped() is multiplier


def test_symmetry() -> None:
    assert not small().is_symmetric
    assert Multiplier.exact(3, 3, signed_a=True, signed_b=True).is_symmetric
    assert not Multiplier.exact(3, 2, signed_a=True, signed_b=True).is_symmetric
    assert not Multiplier.exact(3, 3, signed_a=True, signed_b=False).is_symmetric
    assert not Multiplier.exact(signed_a=False, signed_b=False).encoded(w="sign_magnitude").is_symmetric


def test_metrics_by_hand() -> None:
    exact = Multiplier.exact(1, 1, signed_a=False, signed_b=False).table
    multiplier = Multiplier.from_table(
        "off", exact + np.array([[0, 2], [0, -4]]), bits_a=1, bits_b=1, signed_a=False, signed_b=False
    )
    assert multiplier.metrics == multiplier.metrics
    assert (multiplier.mae, multiplier.wce, multiplier.ep, multiplier.mean_error) == (1.5, 4, 0.5, -0.5)
    assert (multiplier.mse, multiplier.mre) == (5.0, 1.5)
    assert multiplier.error_std == pytest.approx(np.std([0, 2, 0, -4]))


@given(seed=st.integers(0, 2**32 - 1), magnitude=st.sampled_from([3, 10**4, 2**31 - 300]))
def test_metrics_equal_plain_numpy(seed: int, magnitude: int) -> None:
    table = np.random.default_rng(seed).integers(-magnitude, magnitude, (16, 8))
    multiplier = Multiplier.from_table("random", table, bits_a=4, bits_b=3, signed_a=True, signed_b=False)
    error = (table - multiplier.exact_table).astype(float)
    assert multiplier.mae == pytest.approx(np.abs(error).mean())
    assert multiplier.wce == int(np.abs(error).max())
    assert multiplier.mre == pytest.approx((np.abs(error) / np.maximum(1, np.abs(multiplier.exact_table))).mean())
    assert multiplier.ep == (error != 0).mean()
    assert multiplier.mse == pytest.approx((error**2).mean())
    assert multiplier.mean_error == pytest.approx(error.mean())
    assert multiplier.error_std == pytest.approx(error.std())


def test_copies_keep_identity_and_stay_read_only() -> None:
    multiplier = small(cost=Cost("none", "unit", relative_energy=1.0), parameters={"k": 4})
    assert copy.deepcopy(multiplier) is multiplier
    unpickled = pickle.loads(pickle.dumps(multiplier))
    assert unpickled == multiplier
    assert unpickled.cost == multiplier.cost
    assert unpickled.parameters == {"k": 4}
    assert not unpickled.table.flags.writeable


def test_costs_are_none_without_a_cost() -> None:
    bare, costly = small(), small(cost=Cost("45nm", "flow", 1.0, 2.0, 3.0, 4.0))
    assert (bare.power_mw, bare.area_um2, bare.delay_ns, bare.energy_pj) == (None,) * 4
    assert (costly.power_mw, costly.area_um2, costly.delay_ns, costly.energy_pj) == (1.0, 2.0, 3.0, 4.0)


def test_repr_is_short() -> None:
    assert repr(small()).startswith("<Multiplier 'small' 2-bit unsigned x 2-bit unsigned, ")
    assert "swapped" in repr(small().swapped())


def test_netlist_comes_from_the_family_of_the_physical_circuit() -> None:
    circuit = Multiplier.from_table(
        "mul4u_drum_k3",
        np.multiply.outer(*[np.arange(16)] * 2),
        bits_a=4,
        bits_b=4,
        signed_a=False,
        signed_b=False,
        family="drum",
        parameters={"k": 3},
    )
    netlist = circuit.netlist
    assert netlist is not None
    assert netlist.table().shape == (16, 16)
    assert circuit.encoded(w="offset").netlist == netlist
    assert small().netlist is None
    assert small(family="nobody's").netlist is None
