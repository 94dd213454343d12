import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.multipliers.exact import exact_products
from agnsim.multipliers.families import families
from agnsim.multipliers.metrics import error_metrics
from agnsim.multipliers.netlists.exhaustive import exhaustive_metrics, exhaustive_table
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist


def plain_table(netlist: Netlist) -> np.ndarray:
    pairs = np.arange(2**netlist.inputs)
    return netlist.product(pairs >> netlist.bits_b, pairs).reshape(2**netlist.bits_a, 2**netlist.bits_b)


def netlists(bits_a: int, bits_b: int) -> st.SearchStrategy[Netlist]:
    """Random circuits, with constants, inverters, gates that read one wire twice and gates nobody reads."""

    @st.composite
    def draw(draw: st.DrawFn) -> Netlist:
        inputs, gates = bits_a + bits_b, []
        for number in range(draw(st.integers(1, 40))):
            op = draw(st.sampled_from(list(Op)))
            pins = [draw(st.integers(0, inputs + number - 1)) for _ in range(op.arity)]
            gates.append(Gate(op, *pins))
        wires = st.integers(0, inputs + len(gates) - 1)
        outputs = tuple(draw(st.lists(wires, min_size=1, max_size=31)))
        return Netlist(bits_a, bits_b, tuple(gates), outputs, draw(st.booleans()))

    return draw()


@settings(max_examples=60, deadline=None)
@given(netlist=netlists(3, 10) | netlists(2, 12) | netlists(1, 13))
def test_table_equals_the_plain_evaluation(netlist: Netlist) -> None:
    assert np.array_equal(exhaustive_table(netlist), plain_table(netlist))


@settings(max_examples=40, deadline=None)
@given(netlist=netlists(4, 12), signed_a=st.booleans(), signed_b=st.booleans())
def test_errors_equal_those_of_the_table(netlist: Netlist, signed_a: bool, signed_b: bool) -> None:
    found = asdict(exhaustive_metrics(netlist, signed_a, signed_b))
    table = exact_products(4, 12, signed_a, signed_b)
    for metric, value in asdict(error_metrics(plain_table(netlist), table)).items():
        assert math.isclose(found[metric], value, rel_tol=1e-12, abs_tol=1e-12), metric


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_errors_of_products_of_32_bits(signed: bool) -> None:
    """The top bit of a product of 32 bits is a sign or a weight, whatever int32 makes of it."""
    narrow = families["operand_truncation"].generate(4, 12, signed, drop_a=1, drop_b=2)
    wide = Netlist(4, 12, narrow.gates, (*narrow.outputs, *[narrow.outputs[-1]] * 16), signed)
    pairs = np.arange(2**16)
    error = wide.product(pairs >> 12, pairs).reshape(16, 2**12) - exact_products(4, 12, signed, signed)
    found = exhaustive_metrics(wide, signed, signed)
    assert found.wce == np.abs(error).max() > (0 if signed else 2**31)
    assert found.mean_error == error.mean()
