"""Headers and names of published circuits."""

from __future__ import annotations

from pathlib import Path

import pytest

from agnsim.multipliers.importers.header import parse_header
from agnsim.multipliers.importers.naming import fit_name, is_other_circuit, parse_name


def test_evoapproxlib() -> None:
    text = (
        "/***\n* This code is a part of EvoApproxLib library\n"
        '* When used, please cite the following article(s): A. Author, "Paper" \n***/\n'
        "// MAE% = 0.0064 %\n// MAE = 4.2 \n// WCE% = 0.026 %\n// WCE = 17 \n// WCRE% = 1700.00 %\n// EP% = 68.75 %\n"
        "// MRE% = 0.90 %\n// MSE = 72829.102e2 \n// PDK45_PWR = 0.410 mW\n// PDK45_AREA = 685.2 um2\n"
        "// PDK45_DELAY = 1.47 ns\nint x; // MAE = 99\nMAE = 98;\n"
    )
    header = parse_header(text)
    assert header.published == {"mae": "4.2", "wce": "17", "ep": "68.75 %", "mre": "0.90 %", "mse": "72829.102e2"}
    assert header.library == "evoapproxlib"
    assert header.citation == 'A. Author, "Paper"'
    cost, others = header.costs("flow")
    assert cost is not None
    assert (cost.technology, cost.flow, cost.power_mw, cost.area_um2, cost.delay_ns) == (
        "FreePDK45", "flow", 0.41, 685.2, 1.47,
    )  # fmt: skip
    assert others == ()


def test_a_citation_holds_nothing_that_a_terminal_obeys() -> None:
    text = "* please cite the following article(s): A. Author\x1b[2J, 2020\n"
    assert parse_header(text).citation == "A. Author[2J, 2020"


def test_no_header_and_one_that_is_too_far_down() -> None:
    header = parse_header("\n" * 20000 + "// MAE = 4.2\n")
    assert (header.published, header.library, header.citation) == ({}, None, None)
    assert header.costs("flow") == (None, ())


def test_figures_that_are_none_say_nothing() -> None:
    assert parse_header("// MAE = nan\n// WCE = 1e999999999\n// EP% = %\n// MSE = 7 8\n").published == {"mse": "7"}


@pytest.mark.parametrize(
    ("name", "bits", "signed"),
    [
        ("mul8u_1A", (8, 8), False),
        ("mul8s_1KV9", (8, 8), True),
        ("mul8x2u_0A", (8, 2), False),
        ("mul16u_HE5", (16, 16), False),
        ("mul8_013", (8, 8), None),
        ("mul8_signed", (8, 8), True),
        ("mul8s", (8, 8), True),
        ("mul8ux", None, None),
        ("exact_signed", None, True),
        ("lut-unsigned", None, False),
        ("design", None, None),
        ("multiplier", None, None),
    ],
)
def test_names(name: str, bits: tuple[int, int] | None, signed: bool | None) -> None:
    assert parse_name(name) == (bits, signed)


def test_folder_tells_the_sign_where_the_name_does_not() -> None:
    assert parse_name("exact", "8x8_unsigned") == (None, False)
    assert parse_name("mul8u_1A", "signed") == ((8, 8), False)


def test_other_circuits() -> None:
    assert [name for name in ("add8u_1", "add8se_1", "sub8_1", "mul8u_1", "address") if is_other_circuit(name)] == [
        "add8u_1",
        "add8se_1",
        "sub8_1",
    ]


def test_names_fit_for_files() -> None:
    assert fit_name(Path("my table (2).csv")) == "my_table_2_"
    assert fit_name(Path("..csv")) == "circuit"
    assert fit_name(Path("pack.npz"), "a/b") == "pack_a_b"
