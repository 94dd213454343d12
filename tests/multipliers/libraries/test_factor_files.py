"""Factors stored with a library: used instead of searching, and never believed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agnsim.errors import LibraryError
from agnsim.multipliers import Factors, Multiplier, load_library, multiplier, verify_library, write_library
from agnsim.multipliers.factors import factorise
from agnsim.multipliers.libraries.factor_files import FACTORS, read_factors, stored_names, write_factors

VALUES = np.arange(16)
TABLE = 6 * (np.outer(VALUES, VALUES) + np.outer(VALUES % 3, VALUES % 2))
CIRCUIT = Multiplier.from_table("c1", TABLE, bits_a=4, bits_b=4, signed_a=False, signed_b=False)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    write_library(tmp_path / "lib", "lib", [CIRCUIT], description="")
    return tmp_path / "lib"


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def search(*arguments: object, **keywords: object) -> Factors | None:
        calls.append("searched")
        return factorise(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(multiplier, "factorise", search)
    return calls


def found(table: np.ndarray) -> Factors:
    factors = factorise(table)
    assert factors is not None
    return factors


def assert_true(factors: Factors | None) -> None:
    assert factors is not None
    assert factors.rank == 2
    np.testing.assert_array_equal(factors.scale * (factors.u.T @ factors.v), TABLE)


def test_library_brings_its_factors(library: Path, searches: list[str]) -> None:
    circuit = load_library(library)["c1"]
    assert_true(circuit.factors)
    assert circuit.swapped().factors is not None
    assert searches == []
    assert circuit.encoded(w="sign_magnitude").factors is not None
    assert searches == ["searched"]
    assert verify_library(library)["c1"] == CIRCUIT


def test_pack_may_bring_factors(tmp_path: Path, searches: list[str]) -> None:
    (tmp_path / "circuits.csv").write_text(f"name,signed,width_a,width_b,sha256\nc1,0,4,4,{CIRCUIT.digest}\n")
    np.savez(tmp_path / "tables.npz", c1=TABLE.astype(np.int32))
    assert_true(load_library(tmp_path)["c1"].factors)
    assert searches == ["searched"]
    write_factors(tmp_path / FACTORS, {"c1": found(TABLE)})
    assert_true(load_library(tmp_path)["c1"].factors)
    assert searches == ["searched"]


def _lie(file: Path) -> None:
    write_factors(file, {"c1": Factors(np.ones((2, 16), np.int64), np.ones((2, 16), np.int64), 1)})


def _narrow(file: Path) -> None:
    np.savez(file, **{"c1.u": np.ones((1, 8), np.int32), "c1.v": np.ones((1, 16), np.int32)})


def _uneven(file: Path) -> None:
    np.savez(file, **{"c1.u": np.ones((2, 16), np.int32), "c1.v": np.ones((1, 16), np.int32)})


def _empty(file: Path) -> None:
    np.savez(file, **{"c1.u": np.ones((0, 16), np.int32), "c1.v": np.ones((0, 16), np.int32)})


def _long(file: Path) -> None:
    np.savez(file, **{"c1.u": np.ones((999, 16), np.int32), "c1.v": np.ones((999, 16), np.int32)})


def _pickled(file: Path) -> None:
    np.savez(file, **{"c1.u": np.array([{}], object), "c1.v": np.array([{}], object)}, allow_pickle=True)


def _one_missing(file: Path) -> None:
    np.savez(file, **{"c1.u": np.ones((1, 16), np.int32)})


@pytest.mark.parametrize("damage", [_lie, _narrow, _uneven, _empty, _long, _pickled, _one_missing])
def test_wrong_factors_are_found_again_and_reported_by_verify(
    damage: Callable[[Path], None], library: Path, searches: list[str]
) -> None:
    damage(library / "custom" / FACTORS)
    assert_true(load_library(library)["c1"].factors)
    assert searches == ["searched"]
    with pytest.raises(LibraryError, match=r"factors\.npz: the factors of 'c1' are not those of its table"):
        verify_library(library)


def test_damaged_file_is_found_again_and_reported_by_verify(library: Path, searches: list[str]) -> None:
    (library / "custom" / FACTORS).write_bytes(b"PK not a zip")
    assert_true(load_library(library)["c1"].factors)
    assert searches == ["searched"]
    with pytest.raises(LibraryError, match=r"factors\.npz: not a readable"):
        verify_library(library)


def test_entries_beyond_int32_are_not_stored(tmp_path: Path) -> None:
    large = Factors(np.array([[2**31]]), np.array([[1]]), 1)
    write_factors(tmp_path / FACTORS, {"large": large, "small": Factors(np.array([[7]]), np.array([[1]]), 1)})
    assert stored_names(tmp_path / FACTORS) == {"small"}


def test_zero_table(tmp_path: Path) -> None:
    zeros = np.zeros((4, 8), np.int32)
    write_factors(tmp_path / FACTORS, {"z": found(zeros)})
    factors = read_factors(tmp_path / FACTORS, "z", zeros, (np.arange(4), np.arange(8)))
    assert factors is not None
    assert (factors.rank, factors.scale) == (1, 1)


def test_builtin_library_brings_factors_of_every_circuit_of_small_rank(searches: list[str]) -> None:
    library = load_library("builtin").select(["mul8s_*", "mul5x*"])
    missing = [name for name, circuit in library.items() if circuit.factors is None]
    assert len(searches) == len(missing)
    assert library["mul8s_column_truncation_k4c"].factors is not None
