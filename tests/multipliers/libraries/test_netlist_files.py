from pathlib import Path

import numpy as np
import pytest

from agnsim.errors import LibraryError
from agnsim.multipliers.families import families
from agnsim.multipliers.libraries.netlist_files import netlist_names, read_netlist, write_netlists
from agnsim.multipliers.libraries.tables import write_tables

DRUM = families["drum"].generate(6, 5, True, k=3)
EXACT = families["array"].generate(2, 2, False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_netlists(tmp_path / "netlists.npz", {"drum": DRUM, "exact": EXACT})
    return tmp_path / "netlists.npz"


def test_what_is_written_is_read(file: Path) -> None:
    assert netlist_names(file) == {"drum", "exact"}
    assert read_netlist(file, "drum") == DRUM
    assert read_netlist(file, "exact") == EXACT
    assert read_netlist(file, "drum").digest == DRUM.digest != EXACT.digest


def test_no_file_holds_no_netlist(tmp_path: Path) -> None:
    assert netlist_names(tmp_path / "netlists.npz") == set()


def test_unknown_netlist_is_refused(file: Path) -> None:
    with pytest.raises(LibraryError, match="has no table 'other'"):
        read_netlist(file, "other")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([2, 2], "starts with 5"),
        ([2, 2, 0, 1, 0, 0, 0], "its header contradicts"),
        ([2, 2, 2, 1, 0, 0], "its header contradicts"),
        ([2, 2, 0, 1, 1, 4, 99, 0, 1], "gate of an unknown kind"),
        ([2, 2, 0, 1, 1, 4, 4, 4, 1], "gate 0"),
        ([2, 2, 0, 1, 0, 4], "must be one or more of the wires"),
        ([-1, 2, 0, 1, 0, 0], "at least 1 bit"),
    ],
)
def test_malformed_netlist_is_refused(tmp_path: Path, numbers: list[int], message: str) -> None:
    write_tables(tmp_path / "netlists.npz", {"bad": np.array(numbers, dtype=np.int32)[:, None]})
    with pytest.raises(LibraryError, match=message):
        read_netlist(tmp_path / "netlists.npz", "bad")
