"""Liberty files: figures in their units, and files that are none."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.errors import MultiplierError
from agnsim.multipliers.synthesis.liberty import read_liberty
from agnsim.multipliers.synthesis.liberty_syntax import read_groups

LIBRARY = "library (l) {{ nom_voltage : 1; {} }}"


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "x.lib"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_figures_of_the_tiny_library(liberty_file: Path) -> None:
    liberty = read_liberty(liberty_file)
    assert (liberty.name, liberty.voltage, liberty.corner, len(liberty.cells)) == ("tiny", 2.0, "typical", 9)
    assert liberty.flow == f"liberty:tiny:{liberty.sha256[:12]}"
    cell = liberty.cells["AOIX"]
    assert (cell.area, cell.capacitance_pf) == (3.0, {"A": 0.01, "B": 0.01, "C": 0.01})
    assert (cell.functions, cell.internal_pj) == ({"Y": "!((A * B) | C)"}, {"Y": pytest.approx(0.3)})
    assert cell.leakage_mw == pytest.approx(1e-5)
    flip_flop = liberty.flip_flop
    assert flip_flop is not None
    assert (flip_flop.name, flip_flop.clock, flip_flop.clock_pj) == ("DFF", "CK", pytest.approx(0.02))
    assert flip_flop.internal_pj["Q"] == pytest.approx(0.2)


def test_units_are_converted(tmp_path: Path) -> None:
    text = """library (l) { nom_voltage : 900; voltage_unit : "1mV"; capacitive_load_unit (10, ff);
      leakage_power_unit : "1uW";
      cell (c) { area : 1; cell_leakage_power : 2;
        pin (A) { direction : input; capacitance : 3; }
        pin (Y) { direction : output; function : "A"; internal_power () { rise_power (s) { values ("1e6"); } } } } }"""
    liberty = read_liberty(write(tmp_path, text))
    cell = liberty.cells["c"]
    assert liberty.voltage == pytest.approx(0.9)
    assert cell.capacitance_pf["A"] == pytest.approx(0.03)
    assert cell.leakage_mw == pytest.approx(2e-3)
    assert cell.internal_pj["Y"] == pytest.approx(0.01)  # 1e6 * 10 fF * (1 mV)^2 = 10 fJ


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds 0 library groups"),
        ("library (l) { nom_voltage : 1; ", "ends inside the group library"),
        ("library (l) { } }", "closes no group"),
        ("library (l) { timing () {", "has no end"),
        ("{ }", "without a name"),
        ("a (b) {" * 40, "deeper than 32"),
        ('library (l) { x : "open }', "is no Liberty"),
        ("library (l) { }", "no nom_voltage"),
        ("library (a/b) { nom_voltage : 1; }", "the library's name"),
        (LIBRARY.format("cell (c) { area : -1; }"), "area is '-1'"),
        (LIBRARY.format("cell (c) { area : nan; }"), "area is 'nan'"),
        (LIBRARY.format('voltage_unit : "1 parsec";'), "not understood"),
    ],
)
def test_what_is_no_liberty(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MultiplierError, match=message):
        read_liberty(write(tmp_path, text))


def test_missing_semicolons_and_comments(tmp_path: Path) -> None:
    text = "library (l) {\n capacitive_load_unit (1,pf)\n nom_voltage : 1.5; /* x : 2; */ // y\n}"
    group = read_groups(write(tmp_path, text))
    assert group.attributes == {"capacitive_load_unit": "1,pf", "nom_voltage": "1.5"}


@pytest.mark.parametrize("piece", ["/* ", "{ ", "a (", '" ', "a : b ", "} ", "x ( ) { "])
def test_a_million_beginnings_take_linear_time(tmp_path: Path, piece: str) -> None:
    start = time.perf_counter()
    with contextlib.suppress(MultiplierError):
        read_groups(write(tmp_path, piece * 300_000))
    assert time.perf_counter() - start < 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text('library(){}:;"\\/* \n', max_size=80).map(str.encode))
def test_any_bytes_are_a_library_or_an_error(tmp_path: Path, content: bytes) -> None:
    with contextlib.suppress(MultiplierError):
        read_liberty(write(tmp_path, content))
