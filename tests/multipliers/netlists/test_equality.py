"""Two netlists without a table, compared product by product."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.equality import same_products
from agnsim.multipliers.netlists.netlist import Netlist


@pytest.mark.parametrize("bits", [(4, 12), (12, 3)])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_the_same_products_of_other_gates(bits: tuple[int, int], signed: bool) -> None:
    array, tree = (families[name].generate(*bits, signed) for name in ("array", "wallace"))
    assert array != tree
    assert same_products(array, tree)
    cut = families["operand_truncation"].generate(*bits, signed, drop_a=0, drop_b=1)
    assert not same_products(array, cut)


def test_a_sign_is_no_weight() -> None:
    plain = families["array"].generate(2, 12, False)
    assert not same_products(plain, replace(plain, signed=True))
    sign = Netlist(2, 12, plain.gates, (*plain.outputs, plain.outputs[-1]), signed=True)
    assert same_products(replace(plain, signed=True), sign)
    assert not same_products(plain, replace(sign, signed=False))
