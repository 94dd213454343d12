from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.errors import LibraryError
from agnsim.multipliers import Library, Multiplier, energy_ratio, load_library, verify_library

TABLE = np.array([[0, 0], [0, 3]], np.int32)
CIRCUIT = Multiplier.from_table("c1", TABLE, bits_a=1, bits_b=1, signed_a=False, signed_b=False)
ROW = {
    "name": "c1",
    "signed": "0",
    "width_a": "1",
    "width_b": "1",
    "power_mw": "0.5",
    "area_um2": "10",
    "delay_ns": "",
    "published_mae": "0.5",
    "published_wce": "2",
    "published_ep_percent": "25.00",
    "sha256": CIRCUIT.digest,
    "remark": "ignored",
}


def write_pack(folder: Path, *rows: dict[str, str], tables: dict[str, Any] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    (folder / "circuits.csv").write_text(text.getvalue())
    np.savez(folder / "tables.npz", **({"c1": TABLE} if tables is None else tables))
    return folder


def test_pack_is_read(tmp_path: Path) -> None:
    library = load_library(write_pack(tmp_path / "pack", ROW))
    circuit = library["c1"]
    assert circuit == CIRCUIT
    assert library.name == "pack"
    assert library.flow == circuit.source == "evoapproxlib-v2022"
    assert circuit.cost is not None
    assert (circuit.cost.technology, circuit.power_mw, circuit.area_um2, circuit.delay_ns) == (
        "FreePDK45",
        0.5,
        10,
        None,
    )
    assert len(verify_library(tmp_path / "pack")) == 1


def test_pack_states_its_own_flow(tmp_path: Path) -> None:
    library = load_library(write_pack(tmp_path, {**ROW, "technology": "7nm", "flow": "lab"}))
    assert library.flow == "lab"
    assert library["c1"].cost is not None
    assert library["c1"].cost.technology == "7nm"


def test_pack_without_costs(tmp_path: Path) -> None:
    circuit = load_library(write_pack(tmp_path, {**ROW, "power_mw": "", "area_um2": ""}))["c1"]
    assert circuit.cost is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "name is empty"),
        ({"name": "c2"}, r"circuit 'c2' has no table \(looked in tables\.npz\)"),
        ({"signed": "yes"}, "signed is 'yes'; it must be 0 or 1"),
        ({"width_a": "1.5"}, "bits_a is '1.5'"),
        ({"width_b": ""}, "bits_b is ''"),
        ({"width_b": "9" * 5000}, "bits_b is"),
        ({"sha256": "12"}, "sha256 is '12'; it must be 64 hexadecimal digits"),
        ({"power_mw": "low"}, "power_mw is 'low'; it must be a finite number"),
        ({"power_mw": "NaN"}, "power_mw is 'NaN'"),
        ({"power_mw": "1e999999"}, "power_mw is '1e999999'"),
        ({"power_mw": "-1"}, "power_mw is -1.0"),
        ({"published_mae": "?"}, r"published_mae is '\?'"),
    ],
)
def test_wrong_row_is_refused(tmp_path: Path, fields: dict[str, str], message: str) -> None:
    with pytest.raises(LibraryError, match=rf"circuits\.csv:2: .*{message}"):
        load_library(write_pack(tmp_path, {**ROW, **fields}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sha256": "0" * 64}, f"sha256 of 'c1': stated {'0' * 64}, the table's is {CIRCUIT.digest}"),
        ({"published_mae": "0.7"}, "published_mae of 'c1': stated 0.7, the table's is 0.5"),
        ({"published_wce": "3"}, "published_wce of 'c1': stated 3, the table's is 2"),
        ({"published_ep_percent": "26.0"}, "published_ep_percent of 'c1': stated 26.0, the table's is 25"),
        ({"width_a": "2"}, r"shape \(2, 2\); its card's widths make it \(4, 2\)"),
    ],
)
def test_row_that_the_table_contradicts_is_refused(tmp_path: Path, fields: dict[str, str], message: str) -> None:
    library = load_library(write_pack(tmp_path, {**ROW, **fields}))
    with pytest.raises(LibraryError, match=message):
        library["c1"]


def test_published_figures_may_be_rounded_or_cut_off(tmp_path: Path) -> None:
    table = np.array([[1, 2], [3, 4]], np.int32)  # errors 1, 2, 3, 3: mean 2.25
    circuit = Multiplier.from_table("c1", table, bits_a=1, bits_b=1, signed_a=False, signed_b=False)
    for published in ("2", "2.2", "2.3", "225e-2"):
        row = {
            **ROW,
            "published_mae": published,
            "published_wce": "",
            "published_ep_percent": "",
            "sha256": circuit.digest,
        }
        assert load_library(write_pack(tmp_path, row, tables={"c1": table}))["c1"].mae == 2.25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the column 'name'"),
        ("name,signed,width_a,width_b\nc1,0,1,1\n", "lacks the column 'sha256'"),
        ("name,signed,width_a,width_b,sha256\nc1,0,1\n", r"circuits\.csv:2: the line has not as many fields"),
        ("name,signed,width_a,width_b,sha256\nc1,0,1,1,00,5\n", "not as many fields"),
        ('name,signed,width_a,width_b,sha256\n"c1,0', "can't be read as CSV"),
    ],
    ids=["empty", "column", "short", "long", "quote"],
)
def test_wrong_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    write_pack(tmp_path, ROW)
    (tmp_path / "circuits.csv").write_text(text)
    with pytest.raises(LibraryError, match=message):
        load_library(tmp_path)


def test_csv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path, ROW)
    (tmp_path / "circuits.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(LibraryError, match="can't be read as CSV"):
        load_library(tmp_path)


def test_wrong_npz_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path, ROW)
    (tmp_path / "tables.npz").write_bytes(b"no zip")
    with pytest.raises(LibraryError, match=r"tables\.npz: not a readable \.npz file"):
        load_library(tmp_path)


def test_table_in_two_files_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path, ROW)
    np.savez(tmp_path / "z.npz", c1=TABLE)
    with pytest.raises(LibraryError, match=r"z\.npz: table 'c1' is in tables\.npz too"):
        load_library(tmp_path)


def test_circuit_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="two circuits called 'c1'"):
        load_library(write_pack(tmp_path, ROW, ROW))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(column=st.sampled_from(sorted(ROW)), text=st.text(max_size=12) | st.from_regex(r"-?[0-9.]{1,6}(e[0-9]{1,4})?"))
def test_damaged_row_is_a_library_error_and_nothing_else(tmp_path: Path, column: str, text: str) -> None:
    try:
        write_pack(tmp_path, {**ROW, column: text})
    except UnicodeEncodeError:
        return
    try:
        outcome = load_library(tmp_path)["c1"].digest
    except LibraryError as error:
        outcome = str(error)
    assert outcome == CIRCUIT.digest or str(tmp_path) in outcome


@pytest.fixture(scope="module")
def evoapprox() -> Library:
    root = os.environ.get("AGNSIM_DATA")
    if not root or not (Path(root) / "evoapprox" / "circuits.csv").is_file():
        pytest.skip("AGNSIM_DATA with evoapprox/ is not set")
    return load_library("evoapprox")


@pytest.mark.data
class TestEvoApproxLib:
    def test_all_fifty_circuits_agree_with_what_is_published(self, evoapprox: Library) -> None:
        assert len(evoapprox) == len(verify_library("evoapprox")) == 50
        assert len(evoapprox.select(["mul8s_*"], signed=True, bits=8)) == 13
        assert len(evoapprox.select(signed=False)) == 37
        assert evoapprox.flow == "evoapproxlib-v2022"

    def test_bias_and_spread_are_those_of_the_table_of_circuits(self, evoapprox: Library) -> None:
        assert evoapprox["mul8s_1L12"].error_std == pytest.approx(2698.64, rel=1e-5)
        assert evoapprox["mul8u_18UH"].mean_error == pytest.approx(-530.234, rel=1e-5)
        assert sum(not circuit.is_symmetric for circuit in evoapprox.values()) == 38

    def test_signed_tables_factor_into_at_most_five_terms(self, evoapprox: Library) -> None:
        for circuit in evoapprox.select(signed=True).values():
            factors = circuit.factors
            assert factors is not None
            assert factors.rank <= 5
            assert factors.scale * factors.max_sum <= 18_304

    def test_twentythree_unsigned_tables_factor(self, evoapprox: Library) -> None:
        ranks = {}
        for circuit in evoapprox.select(signed=False).values():
            factors = circuit.factors
            if factors is not None:
                np.testing.assert_array_equal(factors.scale * (factors.u.T @ factors.v), circuit.table)
                ranks[circuit.name] = factors.rank
        assert len(ranks) == 23
        assert sum(rank <= 12 for rank in ranks.values()) == 17
        assert ranks["mul8u_TD3"] == 1

    @pytest.mark.parametrize("encodings", [("unsigned", "sign_magnitude"), ("sign_magnitude", "offset")], ids="-".join)
    def test_encoded_tables_factor_as_well(self, evoapprox: Library, encodings: tuple[str, str]) -> None:
        for name in ("mul8u_1JJQ", "mul8u_2V0", "mul8u_17R6", "mul8u_ZB3"):
            plain, encoded = evoapprox[name].factors, evoapprox[name].encoded(*encodings).factors
            assert plain is not None
            assert encoded is not None
            assert encoded.rank <= plain.rank + 2

    def test_circuit_of_wires_costs_nothing_but_is_no_reference(self, evoapprox: Library) -> None:
        zero, exact = evoapprox["mul8u_TD3"], evoapprox["mul8u_1JJQ"]
        assert energy_ratio(zero, exact) == 0.0
        assert energy_ratio(evoapprox["mul8u_197B"], exact) == pytest.approx(0.5269, abs=1e-4)
        with pytest.raises(LibraryError, match="'mul8u_TD3' has energy 0"):
            energy_ratio(exact, zero)
