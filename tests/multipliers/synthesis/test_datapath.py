"""A whole MAC: combinational part, registers, and what they sum up to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agnsim.multipliers.families import families
from agnsim.multipliers.synthesis.datapath import characterise_datapath
from agnsim.multipliers.synthesis.liberty import read_liberty
from agnsim.multipliers.synthesis.liberty_target import LibertyTarget
from agnsim.multipliers.synthesis.registers import UNIT_FLIP_FLOP, data_changes, liberty_flip_flop
from agnsim.multipliers.synthesis.stimulus import UniformStimulus

STIMULUS = UniformStimulus(fan_in=16)


def test_a_flip_flop_of_a_library(liberty_file: Path) -> None:
    cell = liberty_flip_flop(read_liberty(liberty_file))
    assert cell is not None
    assert (cell.name, cell.area) == ("DFF", 20.0)
    assert cell.clock_energy == pytest.approx(0.02 * 4 + 2 * 0.02)  # C V^2 of the clock pin, internal energy twice
    assert cell.data_energy == pytest.approx(0.5 * 0.01 * 4 + 0.2)


def test_a_library_without_flip_flop(tmp_path: Path) -> None:
    file = tmp_path / "x.lib"
    file.write_text("library (x) { nom_voltage : 1; }", encoding="ascii")
    assert liberty_flip_flop(read_liberty(file)) is None


def test_changes_of_data_are_counted_cyclically() -> None:
    assert data_changes(np.array([0b00, 0b01, 0b11, 0b01])) == (1 + 1 + 1 + 1) / 4


@pytest.mark.usefixtures("yosys")
def test_registers_are_added_up() -> None:
    exact = characterise_datapath(families["array"].generate(4, 4, False), (False, False), STIMULUS)
    assert exact.encoding == ("unsigned", "sign_magnitude")
    assert exact.mac.accumulator == 12  # 15 * 7 * 16 = 1680, and a sign
    assert exact.flip_flops == 4 + 4 + 12
    assert exact.clock_energy == 20 * UNIT_FLIP_FLOP.clock_energy
    assert exact.energy_with_registers == exact.energy + exact.clock_energy + exact.data_energy
    assert exact.area_with_registers == exact.synthesis.cost.area + 20 * UNIT_FLIP_FLOP.area
    assert exact.synthesis.cost.flow == "unit:operands-uniform:mac-of-16"


@pytest.mark.usefixtures("yosys")
def test_registers_dilute_what_a_circuit_saves_and_sign_magnitude_is_cheaper() -> None:
    def mac(family: str, signed: bool, **parameters: int):
        netlist = families[family].generate(6, 6, signed, **parameters)
        return characterise_datapath(netlist, (signed, signed), STIMULUS)

    exact, signed = mac("array", False), mac("array", True)
    approximate = mac("column_truncation", False, columns=5, correction=0, rounded=0)
    alone, together = (
        getattr(approximate, figure) / getattr(exact, figure) for figure in ("energy", "energy_with_registers")
    )
    assert alone < together < 1
    assert exact.energy < signed.energy


@pytest.mark.usefixtures("yosys")
def test_without_flip_flop_there_is_no_figure_with_registers(tmp_path: Path, liberty_file: Path) -> None:
    text = liberty_file.read_text(encoding="ascii")
    file = tmp_path / "combinational.lib"
    file.write_text(text[: text.index("  cell (DFF)")] + "}\n", encoding="ascii")
    result = characterise_datapath(
        families["array"].generate(3, 3, True), (True, True), STIMULUS, target=LibertyTarget(read_liberty(file))
    )
    assert result.energy > 0
    assert (result.energy_with_registers, result.area_with_registers, result.clock_energy) == (None, None, None)
