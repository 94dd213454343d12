"""Published figures against the circuit's own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agnsim.multipliers import Multiplier
from agnsim.multipliers.published import agrees, differences, nonzero_mre, parse_figure, status_of

TABLE = np.multiply.outer(np.arange(8), np.arange(8) & ~1) + 1  # wrong where an operand is 0, too
CIRCUIT = Multiplier.from_table("c", TABLE, bits_a=3, bits_b=3, signed_a=False, signed_b=False)


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("4.2", (Decimal("4.2"), False)),
        ("72829.102e2", (Decimal("7282910.2"), False)),
        ("68.75 %", (Decimal("68.75"), True)),
        (" 1700.00%", (Decimal(1700), True)),
        (".5", (Decimal("0.5"), False)),
        ("1e999999", None),
        ("nan", None),
        ("4,2", None),
        ("", None),
        ("1_0", None),
        ("9" * 100, None),
    ],
)
def test_figures_as_they_are_written(text: str, figure: tuple[Decimal, bool] | None) -> None:
    assert parse_figure(text) == figure


@pytest.mark.parametrize(
    ("found", "stated", "same"),
    [
        ("4.25", "4.2", True),
        ("4.25", "4.3", True),
        ("4.25", "4.4", False),
        ("7282910.25", "72829.102e2", True),
        ("7282910.25", "72829.1e2", True),
        ("7282910.25", "72828.1e2", False),
        ("17", "17", True),
        ("18", "17", False),
        ("16.999", "17", True),
    ],
)
def test_off_by_less_than_a_unit_of_the_last_digit(found: str, stated: str, same: bool) -> None:
    parsed = parse_figure(stated)
    assert parsed is not None
    assert agrees(Decimal(found), parsed[0]) is same


@given(value=st.decimals(0, 10**6, places=6), digits=st.integers(0, 5))
def test_a_rounded_figure_agrees(value: Decimal, digits: int) -> None:
    rounded = round(value, digits)
    assume(rounded or digits)  # a plain 0 claims to be exact
    assert agrees(value, rounded)


def test_relative_error_over_products_that_are_not_0() -> None:
    exact = CIRCUIT.exact_table.astype(float)
    there = exact > 0
    expected = (np.abs(CIRCUIT.table - exact)[there] / exact[there]).mean()
    assert nonzero_mre(CIRCUIT) == pytest.approx(expected)
    assert CIRCUIT.mre != pytest.approx(expected)


def test_differences_and_status() -> None:
    metrics = CIRCUIT.metrics
    right = {
        "mae": f"{metrics.mae:.2f}",
        "wce": str(metrics.wce),
        "ep": f"{100 * metrics.ep:.1f} %",
        "mre": f"{nonzero_mre(CIRCUIT):.4f}",
        "mse": f"{metrics.mse:.3e}",
    }
    verified = replace(CIRCUIT, published=right)
    assert differences(verified) == []
    assert status_of(right, []) == "verified"
    for metric in right:
        (wrong,) = differences(replace(CIRCUIT, published=right | {metric: "12345.6"}))
        assert (wrong.metric, wrong.published) == (metric, "12345.6")
        assert status_of(right, [wrong]) == "differs"
    assert "wce published 99, found" in str(differences(replace(CIRCUIT, published={"wce": "99"}))[0])
    assert status_of({}, []) == status_of({"mae": "n/a", "colour": "1"}, []) == "unpublished"


@pytest.mark.parametrize(("found", "stated", "agree"), [("0.4", "0", False), ("0", "0", True), ("0.004", "0.00", True)])
def test_a_plain_zero_is_exact(found: str, stated: str, agree: bool) -> None:
    assert agrees(Decimal(found), Decimal(stated)) is agree
