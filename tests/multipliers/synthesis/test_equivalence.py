"""Circuits that differ for one pair of operands are told apart, at every width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.equivalence import EqualTo, Undecided, proven_equal

AT = 0b110101


def flipped_at_one_pair(bits: int) -> Netlist:
    """Return the exact multiplier with the lowest product bit inverted where both operands are `AT`."""
    build = NetlistBuilder(bits, bits)
    product = build.instance(families["array"].generate(bits, bits, False), build.a, build.b)
    right = [
        wire if AT >> place & 1 else build.inverted(wire)
        for bus in (build.a, build.b)
        for place, wire in enumerate(bus)
    ]
    wrong = build.inverted(build.any_of([build.inverted(wire) for wire in right]))
    return build.build([build.differ(product[0], wrong), *product[1:]], signed=False)


def test_the_pair_is_named() -> None:
    source = families["array"].generate(6, 6, False)
    assert EqualTo(source).difference(source) is None
    assert EqualTo(source).difference(flipped_at_one_pair(6)) == (
        f"the product of the patterns {AT} and {AT} is {AT * AT - 1}, not {AT * AT}"
    )


def test_a_lost_output_is_a_difference() -> None:
    source = families["array"].generate(3, 3, False)
    assert EqualTo(source).difference(replace(source, outputs=source.outputs[:-1])) == "6 product bits became 5"


def test_widths_up_to_24_bits_are_compared_exhaustively() -> None:
    source, other = families["array"].generate(11, 11, False), flipped_at_one_pair(11)
    assert "patterns 53 and 53" in (EqualTo(source).difference(other) or "")
    assert EqualTo(source).difference(families["wallace"].generate(11, 11, False)) is None


@pytest.mark.usefixtures("yosys")
def test_abc_finds_what_random_operands_miss() -> None:
    source, other = families["array"].generate(13, 13, False), flipped_at_one_pair(13)
    assert not proven_equal(source, other)
    assert EqualTo(source).difference(other) == "ABC found operands that they differ for"
    assert EqualTo(source).difference(source.simplify()) is None


@pytest.mark.usefixtures("yosys")
def test_what_takes_too_long_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agnsim.multipliers.synthesis.equivalence.PROOF_SECONDS", 0.5)
    with pytest.raises(Undecided, match=r"more than 0\.5 s"):
        proven_equal(families["array"].generate(13, 13, False), families["wallace"].generate(13, 13, False))
