"""A study of circuits whose costs come from your own tools."""

from pathlib import Path

import pytest

from agnsim.errors import LibraryError
from agnsim.experiment.circuits import load_circuits
from agnsim.experiment.config import Study
from agnsim.multipliers import energy_ratio


def study(root: Path, circuits: list[str]) -> Study:
    return Study.model_validate(
        {
            "name": "mine",
            "model": {"name": "lenet5"},
            "data": {"name": "digits", "root": str(root)},
            "library": {"name": "builtin", "include": circuits, "costs": "costs.csv"},
            "reference_multiplier": "mul8u_array",
            "train": {"epochs": 1, "lr": 0.1},
        }
    )


def test_ratios_are_of_your_own_costs(tmp_path: Path) -> None:
    lines = "name,power_mw,technology,flow\nmul8u_array,4,7 nm,mine\nmul8u_drum_k4,1,7 nm,mine\n"
    (tmp_path / "costs.csv").write_text(lines, encoding="utf-8")
    library, (reference,) = load_circuits(study(tmp_path, ["mul8u_drum_k4", "mul8u_array"]))
    assert energy_ratio(library["mul8u_drum_k4"], reference) == 0.25
    assert library["mul8u_drum_k4"].other_costs[0].flow == "unit"


def test_a_circuit_left_out_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text("name,power_mw,technology,flow\nmul8u_array,4,7 nm,mine\n", encoding="utf-8")
    with pytest.raises(LibraryError, match="'mul8u_drum_k4' comes from flow 'unit'"):
        load_circuits(study(tmp_path, ["mul8u_drum_k4", "mul8u_array"]))
