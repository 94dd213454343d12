"""Five functions of EvoApproxLib are functions of our families too: published 45 nm power against our unit flow."""

from __future__ import annotations

import hashlib

import pytest
from scipy.stats import spearmanr

from agnsim.data_root import candidates
from agnsim.multipliers import load_library
from agnsim.multipliers.families import families
from agnsim.multipliers.synthesis import synthesise_many

DRAWN = {
    "mul8s_1KV6": ("array", {}),
    "mul8s_1KVA": ("column_truncation", {"columns": 4, "correction": 0, "rounded": 0}),
    "mul8s_1L2J": ("operand_truncation", {"drop_a": 1, "drop_b": 1}),
    "mul8s_1L2L": ("operand_truncation", {"drop_a": 2, "drop_b": 2}),
    "mul8s_1L2N": ("operand_truncation", {"drop_a": 3, "drop_b": 3}),
}


@pytest.mark.data
@pytest.mark.usefixtures("yosys")
def test_order_and_ratios_of_published_power() -> None:
    if not any((place / "circuits.csv").is_file() for place in candidates("evoapprox")):
        pytest.skip("AGNSIM_DATA has no evoapprox/circuits.csv")
    published = load_library("evoapprox")
    netlists = {name: families[family].generate(8, 8, True, **values) for name, (family, values) in DRAWN.items()}
    for name, netlist in netlists.items():
        assert hashlib.sha256(netlist.table().astype("<i4").tobytes()).hexdigest() == published[name].digest
    costs = {name: result.cost for name, result in synthesise_many(netlists, jobs=2)}
    for figure, stated, error in (("energy", "power_mw", 0.07), ("area", "area_um2", 0.04)):
        ours = [getattr(costs[name], figure) for name in DRAWN]
        theirs = [getattr(published[name], stated) for name in DRAWN]
        assert spearmanr(ours, theirs).statistic == pytest.approx(1.0)
        assert [value / ours[0] for value in ours] == pytest.approx([value / theirs[0] for value in theirs], abs=error)
