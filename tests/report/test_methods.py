from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from agnsim.report.figure import GREY
from agnsim.report.methods import METHODS, NARROW, NARROW_PER_LAYER, method_of
from agnsim.report.record import Trial

LAYER = {"layer": "conv1", "multiplier": "m"}


def trial(kind: str, method: str | None = None, **more: Any) -> Trial:
    fixed = {"trial": "t", "kind": kind, "retrained": True, "accuracy_top1": 1.0, "multiplier_energy": 1.0}
    return Trial.model_validate(fixed | {"method": method} | more)


def test_no_two_methods_share_a_symbol_and_plotly_knows_them_all() -> None:
    symbols = [method.symbol for method in METHODS]
    assert len(set(symbols)) == len(symbols)
    go.Scatter(marker={"symbol": [*symbols, *(f"{symbol}-open" for symbol in symbols)]})


# Machado, Oliveira, Fernandes 2009: what each kind of sight makes of linear RGB
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> Any:
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb: Any) -> Any:
    xyz = XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_differ_for_everyone(sight: str) -> None:
    studied = [method for method in METHODS if "pruned" not in method.name]
    seen = {c: cielab(np.array(SIGHT[sight]) @ linear(c)) for c in {GREY, *(method.colour for method in studied)}}
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen.values(), 2)) > 18


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_colours_stand_out_from_white(method: Any) -> None:
    luminance = XYZ[1] @ linear(method.colour)
    assert 1.05 / (luminance + 0.05) > 3.0


def test_methods_are_told_apart() -> None:
    assert method_of(trial("narrow")) == NARROW
    assert method_of(trial("narrow", "noise search", layers=[LAYER])) == NARROW_PER_LAYER
    names = ["noise search", "noise search, global", "sensitivity", "nsga2", "random", None, "of tomorrow"]
    found = [method_of(trial("heterogeneous", name)).name for name in names]
    assert found == ["noise search", "noise search, global", "sensitivity", "NSGA-II", "random"] + ["heterogeneous"] * 2
