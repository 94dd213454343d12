"""The Pareto set of a library, kind by kind, with the narrower exact circuits beside it."""

import pytest

from agnsim.analysis.library_front import library_fronts
from agnsim.errors import InputError


def row(name, mae, energy, *, bits=(8, 8), signed=False, flow="unit", mean_error=0.0):
    return {
        "name": name,
        "bits_a": bits[0],
        "bits_b": bits[1],
        "signed_a": signed,
        "signed_b": signed,
        "flow": flow,
        "mae": mae,
        "wce": int(mae > 0),
        "mean_error": mean_error,
        "energy": energy,
        "energy_ratio": None if energy is None else energy / 10,
        "area": 1.0,
    }


ROWS = [
    row("exact", 0, 10),
    row("slow", 0, 12),
    row("good", 2, 6),
    row("same", 2, 6),
    row("beaten", 3, 7),
    row("rough", 9, 1),
    row("unknown", 0, None),
    row("signed", 1, 8, signed=True),
    row("foreign", 1, 0.1, flow="lab"),
    row("small", 0, 5, bits=(6, 5)),
    row("smaller", 0, 4, bits=(6, 5)),
    row("long", 0, 3, bits=(12, 2)),
    row("other", 0, 2, bits=(6, 5), signed=True),
    row("abroad", 0, 2, bits=(6, 5), flow="lab"),
]


def test_front_of_each_kind():
    fronts = {(f["bits_a"], f["signed_a"], f["flow"]): f for f in library_fronts(ROWS)}
    assert len(fronts) == 7
    main = fronts[8, False, "unit"]
    assert [r["name"] for r in main["front"]] == ["rough", "good", "same", "exact"]
    assert main["circuits"] == 6
    assert [r["name"] for r in main["narrower_exact"]] == ["smaller"]
    assert [r["name"] for r in fronts[8, True, "unit"]["narrower_exact"]] == ["other"]
    assert [r["name"] for r in fronts[8, False, "lab"]["front"]] == ["foreign"]
    assert fronts[6, False, "unit"]["narrower_exact"] == []


def test_only_one_pair_of_widths_but_all_its_rivals():
    fronts = library_fronts(ROWS, bits="8x8")
    assert {(f["bits_a"], f["bits_b"]) for f in fronts} == {(8, 8)}
    assert fronts[0]["narrower_exact"]


def test_rivals_err_by_the_bits_they_drop_and_fulfil_the_conditions_too():
    (main,) = library_fronts(ROWS, bits="8", where=["flow=unit", "signed_a=no"])
    (rival,) = main["narrower_exact"]
    a = b = range(256)
    mae = sum(x * y - (x & ~3) * (y & ~7) for x in a for y in b) / 65536
    assert (rival["mae"], rival["energy_ratio"]) == (pytest.approx(mae), pytest.approx(0.4))
    (strict,) = library_fronts(ROWS, bits="8", where=["flow=unit", "signed_a=no", f"mae<{mae - 1}"])
    assert strict["narrower_exact"] == []
    assert [r["name"] for r in strict["front"]] == ["rough", "good", "same", "exact"]
    wide = [row("wide", 1, 9, bits=(12, 12)), row("small", 0, 5)]
    assert library_fronts(wide, bits="12")[0]["narrower_exact"][0]["mae"] is None


def test_errors_on_operands_count_where_they_are_asked_for():
    rows = [row(n, 1, e) | {"mae_operands": m} for n, e, m in (("a", 5, 2.0), ("b", 4, 1.0), ("wide", 1, None))]
    (front,) = library_fronts(rows, error="mae_operands")
    assert [r["name"] for r in front["front"]] == ["b"]


def test_mean_error_counts_by_its_magnitude():
    rows = [row("up", 1, 5, mean_error=3.0), row("down", 1, 4, mean_error=-4.0), row("none", 1, 6, mean_error=-3.5)]
    (front,) = library_fronts(rows, error="mean_error")
    assert [r["name"] for r in front["front"]] == ["down", "up"]


def test_mistakes():
    with pytest.raises(InputError, match=r"--error maee: no such column\. Did you mean 'mae'"):
        library_fronts(ROWS, error="maee")
    with pytest.raises(InputError, match="--cost energy_operands: no such column"):
        library_fronts(ROWS, cost="energy_operands")
    assert library_fronts([]) == []
