"""What `verify` finds in a library that reading it alone does not."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agnsim.errors import LibraryError
from agnsim.multipliers import load_library, verify_library, write_library
from agnsim.multipliers.libraries.array_files import array_names, read_array
from agnsim.multipliers.libraries.netlist_files import read_netlist, write_netlists


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    circuits = load_library("builtin")
    drum = circuits["mul8x4u_drum_k3"]
    write_library(tmp_path / "lib", "lib", [circuits["mul4u_array"], drum], description="Two circuits.", flow="unit")
    verify_library(tmp_path / "lib")
    return tmp_path / "lib"


def change_cost(folder: Path, **figures: Any) -> None:
    card = folder / "drum" / "mul8x4u_drum_k3.json"
    content = json.loads(card.read_text())
    content["cost"] |= figures
    card.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"power_mw": 1e-6}, r"cost\.power_mw: stated 1e-06, that of its netlist is None"),
        ({"area_um2": 1.0}, r"cost\.area_um2: stated 1\.0"),
        ({"technology": "FreePDK45"}, r"cost\.technology: stated FreePDK45, that of its netlist is none"),
        ({"energy_worst": 1.0}, r"cost\.energy_worst: stated 1\.0, which is below the energy"),
        ({"glitch_energy": 1.0}, r"cost\.glitch_energy: stated 1\.0"),
    ],
)
def test_cost_of_our_flow(folder: Path, figures: dict[str, Any], message: str) -> None:
    change_cost(folder, **figures)
    with pytest.raises(LibraryError, match=f"circuit 'mul8x4u_drum_k3': {message}"):
        verify_library(folder)


def test_cost_of_our_flow_among_the_others(folder: Path) -> None:
    card = folder / "drum" / "mul8x4u_drum_k3.json"
    content = json.loads(card.read_text())
    content["other_costs"] = [{**content["cost"], "relative_energy": 1.0}]
    card.write_text(json.dumps(content))
    with pytest.raises(LibraryError, match=r"other_costs\[0\]\.relative_energy: stated 1\.0"):
        verify_library(folder)


def test_a_generator_that_refuses_the_card_names_the_circuit(folder: Path) -> None:
    card = folder / "drum" / "mul8x4u_drum_k3.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "parameters": {}}))
    with pytest.raises(LibraryError, match=r"circuit 'mul8x4u_drum_k3': the generator of family 'drum' refuses"):
        verify_library(folder)


def test_netlist_and_factors_without_a_card(folder: Path) -> None:
    netlists = folder / "drum" / "netlists.npz"
    drum = read_netlist(netlists, "mul8x4u_drum_k3")
    write_netlists(netlists, {"mul8x4u_drum_k3": drum, "stranger": drum})
    (folder / "array" / "mul4u_array.json").unlink()
    with pytest.raises(LibraryError) as caught:
        verify_library(folder)
    for part in ("netlist 'stranger' has no card", "factors 'mul4u_array.u' has no card"):
        assert part in str(caught.value)


def test_two_tables_of_one_name(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the name
        with zipfile.ZipFile(folder / "drum" / "tables.npz", "a") as archive:
            archive.writestr("mul8x4u_drum_k3.npy", archive.read("mul8x4u_drum_k3.npy"))
    with pytest.raises(LibraryError, match="table 'mul8x4u_drum_k3' is there 2 times"):
        verify_library(folder)


def test_a_header_of_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.npy", b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + bytes(2**16))
    assert array_names(path) == ["t"]
    with pytest.raises(LibraryError, match=r"'t' is of NumPy's format 2\.0; plain arrays are kept in 1\.0"):
        read_array(path, "t", "i4", (2, 2), most=4)
