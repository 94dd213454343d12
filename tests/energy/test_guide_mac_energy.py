"""The figures in the guide are those of the built-in library."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agnsim.energy import MacRatio, mac_energy_ratio, narrow_mac_ratio
from agnsim.multipliers import Choice, Multiplier, energy_ratio, load_library
from agnsim.multipliers.libraries.mac_costs import builtin_mac_costs

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "mac-energy.md").read_text(encoding="utf-8")
FIGURES = r" \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$"
NARROW = re.findall(r"^\| a(\d)w(\d)" + FIGURES, GUIDE, re.MULTILINE)
CIRCUITS = re.findall(r"^\| `(mul8u_\w+)`" + FIGURES, GUIDE, re.MULTILINE)
LIBRARY = load_library("builtin")


def _figures(multiplier: Multiplier, mac: MacRatio | None) -> list[float]:
    assert mac is not None
    return [energy_ratio(multiplier, LIBRARY["mul8u_array"]), mac.without_registers, mac.ratio]


@pytest.mark.parametrize(("bits_a", "bits_w", "stated"), [(int(a), int(w), row) for a, w, *row in NARROW])
def test_narrow_exact_networks(bits_a: int, bits_w: int, stated: list[str]) -> None:
    name = f"mul{bits_a}u_array" if bits_a == bits_w else f"mul{bits_a}x{bits_w}u_array"
    found = _figures(LIBRARY[name], narrow_mac_ratio(bits_a, bits_w))
    assert [f"{figure:.3f}" for figure in found] == stated


@pytest.mark.parametrize(("name", "stated"), [(name, row) for name, *row in CIRCUITS])
def test_approximate_circuits(name: str, stated: list[str]) -> None:
    choice = Choice(LIBRARY[name], encoding_w="sign_magnitude")
    found = _figures(choice.multiplier, mac_energy_ratio(choice, LIBRARY["mul8u_array"]))
    assert [f"{figure:.3f}" for figure in found] == stated


def test_tables_and_figures_in_the_text() -> None:
    assert (len(NARROW), len(CIRCUITS)) == (13, 12)
    macs = builtin_mac_costs()
    reference = macs.reference
    assert f"(`{reference.circuit}`)" in GUIDE
    registers = 1 - reference.energy / reference.energy_with_registers
    assert f"registers take {registers:.0%} of".replace("%", " %") in GUIDE
    assert f"{reference.glitch_energy:.0f} instead of {reference.energy:.0f} for the reference" in " ".join(
        GUIDE.split()
    )
