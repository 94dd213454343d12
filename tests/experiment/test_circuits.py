"""Several libraries in one study: each circuit is a ratio within its own flow; `front` keeps a Pareto set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agnsim.errors import ConfigError
from agnsim.experiment.circuits import load_circuits
from agnsim.experiment.config import Study
from agnsim.multipliers import energy_ratio

COSTS = "name,power_mw,technology,flow\nmul8u_array,4,7 nm,mine\nmul8u_drum_k4,1,7 nm,mine\n"


def _study(**sections: Any) -> Study:
    base = {
        "name": "several",
        "model": {"name": "lenet5"},
        "data": {"name": "digits"},
        "library": {"name": "builtin", "include": ["mul8u_array", "mul8u_drum_k4"]},
        "reference_multiplier": "mul8u_array",
        "train": {"epochs": 1, "lr": 0.1},
    }
    return Study.model_validate(base | sections)


def _with_costs(tmp_path: Path, more: dict[str, Any]) -> Study:
    (tmp_path / "costs.csv").write_text(COSTS, encoding="utf-8")
    own = {"name": "builtin", "include": ["mul8u_array", "mul8u_drum_k4"], "costs": str(tmp_path / "costs.csv")}
    return _study(library=own, more_libraries=[{"name": "builtin", "reference_multiplier": "mul8u_array"} | more])


def test_every_circuit_is_a_ratio_within_its_own_flow(tmp_path: Path) -> None:
    library, references = load_circuits(_with_costs(tmp_path, {"include": ["mul4u_array", "mul6x5u_array"]}))
    assert [reference.cost.flow for reference in references if reference.cost] == ["mine", "unit"]
    assert energy_ratio(library["mul8u_drum_k4"], references) == 0.25
    assert 0.05 < energy_ratio(library["mul4u_array"], references) < 0.35
    assert list(library) == ["mul8u_array", "mul8u_drum_k4", "mul4u_array", "mul6x5u_array"] or len(library) == 4


def test_a_name_that_two_libraries_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"more_libraries: .*two circuits called 'mul8u_array'.*Leave one out"):
        load_circuits(_with_costs(tmp_path, {"include": ["mul8u_array"]}))


def test_one_flow_has_one_reference() -> None:
    more = {"name": "builtin", "include": ["mul4u_array"], "reference_multiplier": "mul8u_wallace"}
    with pytest.raises(ConfigError, match="both references of the flow 'unit'"):
        load_circuits(_study(more_libraries=[more]))


def test_the_reference_of_another_library_is_checked_like_the_first(tmp_path: Path) -> None:
    more = {"include": ["mul4u_array"], "reference_multiplier": "mul4u_array"}
    with pytest.raises(ConfigError, match=r"more_libraries.0.reference_multiplier: mul4u_array takes 4 x 4 bits"):
        load_circuits(_with_costs(tmp_path, more))


def test_narrow_exact_circuits_do_not_drive_the_wider_ones_off_the_front() -> None:
    include = ["mul8u_array", "mul8u_drum_k*", "mul4u_array", "mul6u_array"]
    kept, _ = load_circuits(_study(library={"name": "builtin", "include": include, "front": 4}))
    assert {"mul8u_array", "mul4u_array"} < set(kept)
    assert any(name.startswith("mul8u_drum") for name in kept)


@pytest.mark.parametrize("size", [2, 5])
def test_the_front_keeps_the_extremes_and_nothing_that_is_dominated(size: int) -> None:
    whole, references = load_circuits(_study(library={"name": "builtin", "include": ["mul8u_*"]}))
    kept, _ = load_circuits(_study(library={"name": "builtin", "include": ["mul8u_*"], "front": size}))
    ratio = {name: energy_ratio(circuit, references) for name, circuit in whole.items()}
    assert len(kept) == size
    assert any(circuit.is_exact for circuit in kept.values())
    assert min(ratio[name] for name in kept) == min(ratio.values())
    for name, circuit in kept.items():
        assert not any(ratio[n] < ratio[name] and other.mae <= circuit.mae for n, other in whole.items())
