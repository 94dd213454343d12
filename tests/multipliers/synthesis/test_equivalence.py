"""Circuits that differ for one pair of operands are told apart, at every width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agnsim.multipliers.builder import NetlistBuilder
from agnsim.multipliers.families import families
from agnsim.multipliers.netlist import Netlist
from agnsim.multipliers.synthesis.equivalence import difference, proven_equal

AT = 0b110101


def flipped_at_one_pair(bits: int) -> Netlist:
    """Return the exact multiplier with the lowest product bit inverted where both operands are `AT`."""
    build = NetlistBuilder(bits, bits)
    product = build.instance(families["array"].generate(bits, bits, False), build.a, build.b)
    right = [
        wire if AT >> place & 1 else build.inverted(wire) for bus in (build.a, build.b) for place, wire in enumerate(bus)
    ]
    wrong = build.inverted(build.any_of([build.inverted(wire) for wire in right]))
    return build.build([build.differ(product[0], wrong), *product[1:]], signed=False)


def test_the_pair_is_named() -> None:
    source = families["array"].generate(6, 6, False)
    assert difference(source, source) is None
    assert difference(source, flipped_at_one_pair(6)) == (
        f"the product of the patterns {AT} and {AT} is {AT * AT - 1}, not {AT * AT}"
    )


def test_a_lost_output_is_a_difference() -> None:
    source = families["array"].generate(3, 3, False)
    assert difference(source, replace(source, outputs=source.outputs[:-1])) == "6 product bits became 5"


@pytest.mark.usefixtures("yosys")
def test_abc_finds_what_random_operands_miss() -> None:
    source, other = families["array"].generate(10, 10, False), flipped_at_one_pair(10)
    assert not proven_equal(source, other)
    assert difference(source, other) == "ABC found operands that they differ for"
    assert difference(source, families["wallace"].generate(10, 10, False)) is None
