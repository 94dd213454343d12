from __future__ import annotations

from typing import Any

import pytest

from agnsim.errors import LibraryError
from agnsim.multipliers import Cost, Multiplier, area_ratio, delay_ratio, energy_ratio


def circuit(name: str, cost: Cost | None) -> Multiplier:
    table = Multiplier.exact(2, 2, signed_a=False, signed_b=False).table
    return Multiplier.from_table(name, table, bits_a=2, bits_b=2, signed_a=False, signed_b=False, cost=cost)


EXACT = circuit("exact", Cost("45nm", "flow", power_mw=0.4, area_um2=200.0, delay_ns=2.0))


def test_ratios() -> None:
    cheap = circuit("cheap", Cost("45nm", "flow", power_mw=0.1, area_um2=50.0, delay_ns=1.0))
    assert energy_ratio(cheap, EXACT) == pytest.approx(0.25)
    assert area_ratio(cheap, EXACT) == pytest.approx(0.25)
    assert delay_ratio(cheap, EXACT) == pytest.approx(0.5)
    assert energy_ratio(circuit("wires", Cost("45nm", "flow", power_mw=0)), EXACT) == 0.0


def test_preferred_figures() -> None:
    assert Cost("45nm", "flow", power_mw=1.0, energy_pj=2.0, relative_energy=3.0).energy == 2.0
    assert Cost("45nm", "flow", power_mw=1.0, relative_energy=3.0).energy == 1.0
    assert Cost("none", "unit", relative_energy=3.0, relative_area=4.0, relative_delay=5.0).energy == 3.0
    assert Cost("none", "unit", relative_area=4.0).area == 4.0
    assert Cost("none", "unit", relative_delay=5.0).delay == 5.0
    assert Cost("none", "unit").energy is None


@pytest.mark.parametrize(
    ("cost", "reference", "message"),
    [
        (None, EXACT.cost, "multiplier 'circuit' .* has no cost"),
        (EXACT.cost, None, "multiplier 'reference' .* has no cost"),
        (Cost("none", "unit", relative_energy=1), EXACT.cost, "flow 'unit' .* flow 'flow' .* not comparable"),
        (Cost("7nm", "flow", power_mw=1), EXACT.cost, "7nm"),
        (Cost("45nm", "flow", area_um2=1), EXACT.cost, "'circuit': its cost .* has no energy figure"),
        (EXACT.cost, Cost("45nm", "flow"), "'reference': its cost .* has no energy figure"),
        (EXACT.cost, Cost("45nm", "flow", power_mw=0), "'reference' has energy 0"),
        (Cost("45nm", "flow", energy_pj=1), EXACT.cost, "given as energy_pj, .* as power_mw"),
    ],
    ids=["no-cost", "no-reference-cost", "flow", "technology", "figure", "reference-figure", "zero", "unit"],
)
def test_ratio_that_means_nothing_is_refused(cost: Cost | None, reference: Cost | None, message: str) -> None:
    with pytest.raises(LibraryError, match=message):
        energy_ratio(circuit("circuit", cost), circuit("reference", reference))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"power_mw": -1}, "power_mw is -1; it must be a finite number"),
        ({"power_mw": float("nan")}, "power_mw is nan"),
        ({"area_um2": float("inf")}, "area_um2 is inf"),
        ({"delay_ns": "1"}, "delay_ns is '1'"),
        ({"energy_pj": True}, "energy_pj is True"),
        ({"energy_pj": 10**400}, "energy_pj is 1000"),
        ({"flow": ""}, "flow is ''"),
        ({"technology": None}, "technology is None"),
    ],
)
def test_bad_cost_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LibraryError, match=message):
        Cost(**{"technology": "45nm", "flow": "flow", **arguments})
