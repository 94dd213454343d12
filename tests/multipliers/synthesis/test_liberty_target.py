"""The flow of a Liberty file: figures of a circuit that can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agnsim.errors import MultiplierError
from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis import synthesise
from agnsim.multipliers.synthesis.blif import Instance, MappedBlif
from agnsim.multipliers.synthesis.liberty import read_liberty
from agnsim.multipliers.synthesis.liberty_target import LibertyTarget, liberty_circuit

SOURCE = Netlist(1, 1, (Gate(Op.AND, 0, 1),), (2,))
MAPPED = MappedBlif(
    (Instance("NANDX", {"A": "a0", "B": "b0", "Y": "x"}), Instance("INVX", {"A": "x", "Y": "o0"})), {}, {}
)


def test_energy_of_two_cells_by_hand(liberty_file: Path) -> None:
    liberty = read_liberty(liberty_file)
    circuit = liberty_circuit(MAPPED, SOURCE, liberty, 0.2)
    assert np.array_equal(circuit.netlist.table(), SOURCE.table())
    assert (circuit.area_um2, circuit.leakage_mw) == (3.0, pytest.approx(2e-5))
    # NAND: 0.2 internal + half of 0.01 pF * (2 V)^2; inverter: 0.1 internal, no load
    assert [energy for energy in circuit.energy_pj if energy] == pytest.approx([0.22, 0.1])
    a, b = np.array([0, 1] * 32), np.ones(64, int)
    assert LibertyTarget(liberty).cost(circuit, (a, b), glitches=True).energy_pj == pytest.approx(0.32)


def test_inside_a_cell_nothing_is_counted(liberty_file: Path) -> None:
    mapped = MappedBlif((Instance("AOIX", {"A": "a0", "B": "b0", "C": "zero", "Y": "o0"}),), {}, {"zero": False})
    circuit = liberty_circuit(mapped, SOURCE, read_liberty(liberty_file), 0.1)
    assert np.count_nonzero(circuit.energy_pj) == 1
    assert sum(circuit.delays) == 1


@pytest.mark.parametrize("cell", ["NOSUCH", "DFF"])
def test_a_cell_without_function_is_refused(liberty_file: Path, cell: str) -> None:
    mapped = MappedBlif((Instance(cell, {"A": "a0", "Y": "o0"}),), {}, {})
    with pytest.raises(MultiplierError):
        liberty_circuit(mapped, SOURCE, read_liberty(liberty_file), 0.1)


@pytest.mark.usefixtures("yosys")
def test_a_multiplier_through_abc(liberty_file: Path) -> None:
    source = families["array"].generate(4, 4, False)
    target = LibertyTarget(read_liberty(liberty_file))
    result = synthesise(source, target=target, glitches=True)
    assert np.array_equal(result.netlist.table(), source.table())
    cost = result.cost
    assert (cost.technology, cost.flow, cost.corner) == ("tiny", target.flow, "typical")
    assert cost.energy == cost.energy_pj <= cost.energy_worst
    assert cost.glitch_energy >= cost.energy_pj
    assert cost.power_mw is None
    assert cost.delay_ns == pytest.approx(round(cost.delay_ns, 1))  # every cell takes 0.1 ns
    assert 0.5 < cost.delay_ns < 3
    assert len(result.recipes) >= 5
    narrower = synthesise(families["array"].generate(3, 4, False), target=target).cost
    assert narrower.energy_pj < cost.energy_pj
    assert narrower.area_um2 < cost.area_um2


@pytest.mark.usefixtures("yosys")
def test_a_clock_is_part_of_the_flow_and_gives_a_power(liberty_file: Path) -> None:
    source = families["array"].generate(3, 3, False)
    target = LibertyTarget(read_liberty(liberty_file), clock_ns=5.0)
    cost = synthesise(source, target=target).cost
    assert cost.flow == f"{target.liberty.flow}:5ns"
    assert cost.clock_ns == 5.0
    assert cost.power_mw == pytest.approx(cost.energy_pj / 5.0, rel=0.05)


@pytest.mark.usefixtures("yosys")
def test_a_library_that_abc_can_not_map_with(tmp_path: Path) -> None:
    file = tmp_path / "none.lib"
    file.write_text("library (none) { nom_voltage : 1; }", encoding="ascii")
    with pytest.raises(MultiplierError, match="ABC"):
        synthesise(families["array"].generate(2, 2, False), target=LibertyTarget(read_liberty(file)))
