"""The page of one circuit: self-contained, deterministic, its figures are plotly's and show what the table says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from agnsim.errors import InputError
from agnsim.multipliers import Cost, Multiplier
from agnsim.multipliers.browsing.description import describe
from agnsim.multipliers.families import families
from agnsim.multipliers.metrics import ErrorMetrics
from agnsim.multipliers.operands.operand_distribution import DISTRIBUTIONS
from agnsim.report.multiplier_page import render_multiplier, write_multiplier_page
from agnsim.report.numbers import significant


def circuit(**more: Any) -> Multiplier:
    exact = Multiplier.exact(5, 4, signed_a=True, signed_b=False)
    table = exact.table - np.random.default_rng(0).integers(0, 30, exact.table.shape)
    made = Multiplier.from_table(
        "my<circuit>",
        table,
        bits_a=5,
        bits_b=4,
        signed_a=True,
        signed_b=False,
        cost=Cost("none", "unit", relative_energy=7),
    )
    return replace(made, **more)


def page_of(multiplier: Multiplier) -> str:
    return render_multiplier(multiplier, describe(multiplier, DISTRIBUTIONS["half-normal"])).replace(get_plotlyjs(), "")


def specs_of(page: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" id="([\w-]+)-plot-spec">(.*?)</script>', page, re.DOTALL)
    return {key: json.loads(body) for key, body in found}


def test_figures_are_plotly_s_and_show_the_table() -> None:
    multiplier = circuit()
    specs = specs_of(page_of(multiplier))
    assert list(specs) == ["error-map", "given-a", "given-w", "histogram"]
    for spec in specs.values():
        go.Figure(spec)
    heat = specs["error-map"]["data"][0]
    assert (heat["y"][0], heat["y"][-1], heat["x"][0], heat["x"][-1]) == (-16, 15, 0, 15)
    assert heat["text"][heat["y"].index(-3)][7] == str(multiplier.product(-3, 7) - -21)
    mean = next(trace for trace in specs["given-w"]["data"] if trace["name"] == "mean")
    assert mean["y"][3] == pytest.approx(multiplier.error_table[:, 3].mean(), rel=1e-3)
    assert sum(specs["histogram"]["data"][0]["y"]) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("largest", [1, 9, 120, 9000, 10_000])
def test_colour_bar_labels_its_ends_and_no_two_labels_overlap(largest: int) -> None:
    table = Multiplier.exact(8, 8, signed_a=False, signed_b=False).table.copy()
    table += np.random.default_rng(0).integers(-(largest // 3), largest // 3 + 1, table.shape).astype(np.int32)
    table[5, 5] = 25 - largest
    multiplier = Multiplier.from_table("m", table, signed_a=False, signed_b=False)
    heat = specs_of(page_of(multiplier))["error-map"]["data"][0]
    places, labels = heat["colorbar"]["tickvals"], heat["colorbar"]["ticktext"]
    assert (places[0], places[-1]) == pytest.approx((heat["zmin"], heat["zmax"]))
    assert labels[-1] == significant(largest, 2)
    assert labels[0] == significant(-largest, 2)
    assert "0" in labels
    assert min(np.diff(places)) >= 0.05 * (heat["zmax"] - heat["zmin"]) - 1e-9


def test_energy_is_a_ratio_where_it_is_known() -> None:
    multiplier = circuit()
    page = render_multiplier(multiplier, describe(multiplier, DISTRIBUTIONS["uniform"], energy_ratio=0.4321))
    assert "<dt>energy ratio</dt><dd>0.432</dd>" in page
    assert "cheapest exact circuit of these widths and signs, flow unit" in page
    assert f"all err by {significant(multiplier.mae)} on average" in page


def test_page_states_figures_and_escapes_names() -> None:
    page = page_of(circuit(published={"mae": "99.5"}, status="differs", citation="A & B"))
    assert "<h1>my&lt;circuit&gt;</h1>" in page
    assert "my<circuit>" not in page
    for words in (
        "5-bit signed × 4-bit unsigned",
        "99.5",
        "differs",
        "A &amp; B",
        "flow unit",
        "does not always give zero",
    ):
        assert words in page


def test_nothing_is_loaded_from_anywhere() -> None:
    page = page_of(circuit())
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in page


def test_large_tables_make_no_large_page() -> None:
    exact = Multiplier.exact(10, 9, signed_a=False, signed_b=False)
    wide = Multiplier.from_table("wide", exact.table & ~31, bits_a=10, bits_b=9, signed_a=False, signed_b=False)
    page = page_of(wide)
    heat = specs_of(page)["error-map"]["data"][0]
    assert (len(heat["z"]), len(heat["z"][0])) == (256, 256)
    assert "Each cell shows the largest of 8 errors." in page
    assert len(page) < 2_500_000


def test_exact_circuit_has_a_page() -> None:
    page = page_of(Multiplier.exact(4, 4, signed_a=False, signed_b=False))
    assert "Every product is exact. A product with zero is zero." in page
    for spec in specs_of(page).values():
        go.Figure(spec)


def test_circuit_without_a_table_has_a_page_without_pictures() -> None:
    netlist = families["operand_truncation"].generate(16, 16, False, drop_a=8, drop_b=8)
    stated = ErrorMetrics(mae=5.0, wce=9, mre=0.1, ep=0.2, mse=30.0, mean_error=-5.0, error_std=2.0)
    wide = Multiplier.from_netlist("wide", netlist, signed_a=False, signed_b=False)
    page = page_of(replace(wide, stated_metrics=stated))
    assert "only its stated figures are known" in page
    assert specs_of(page) == {}


def test_same_circuit_gives_the_same_bytes_and_leaves_no_other_file(tmp_path: Path) -> None:
    multiplier = circuit()
    description = describe(multiplier, DISTRIBUTIONS["uniform"])
    for name in ("one.html", "two.html"):
        write_multiplier_page(multiplier, description, tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "two.html"]
    with pytest.raises(InputError, match="does not exist"):
        write_multiplier_page(multiplier, description, tmp_path / "missing" / "page.html")


def test_page_needs_neither_torch_nor_numba() -> None:
    code = (
        "import sys\n"
        "from agnsim.multipliers import Multiplier\n"
        "from agnsim.multipliers.browsing.description import describe\n"
        "from agnsim.multipliers.operands.operand_distribution import DISTRIBUTIONS\n"
        "from agnsim.report.multiplier_page import render_multiplier\n"
        "m = Multiplier.exact(3, 3, signed_a=False, signed_b=True)\n"
        "render_multiplier(m, describe(m, DISTRIBUTIONS['uniform']))\n"
        "assert not {'torch', 'numba'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
