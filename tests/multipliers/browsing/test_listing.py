"""A library is listed from its cards alone, filtered and sorted by any column; a condition is compared, never run."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import agnsim.multipliers.libraries.library as library_module
from agnsim.errors import InputError
from agnsim.multipliers import Cost, Library, Multiplier, load_library, write_library
from agnsim.multipliers.browsing.conditions import parse_condition
from agnsim.multipliers.browsing.listing import COLUMNS, ERROR_COLUMNS, circuit_rows, traced_errors
from agnsim.multipliers.operands.operand_distribution import Traced, Use, error_moments
from agnsim.multipliers.operands.operand_trace import OperandTrace
from agnsim.multipliers.widths import parse_bits


def circuit(name: str, seed: int, *, bits=(3, 3), signed=False, energy=None, source="lab", family=None) -> Multiplier:
    exact = Multiplier.exact(*bits, signed_a=signed, signed_b=signed)
    table = exact.table + (np.random.default_rng(seed).integers(0, 2 * seed, exact.table.shape) if seed else 0)
    made = Multiplier.from_table(
        name,
        table,
        bits_a=bits[0],
        bits_b=bits[1],
        signed_a=signed,
        signed_b=signed,
        source=source,
        family=family,
        cost=None if energy is None else Cost("none", "unit", relative_energy=energy),
    )
    return replace(made, status="verified", published={"mae": "1"}) if source == "paper" else made


CIRCUITS = [
    circuit("exact", 0, energy=9.0),
    circuit("rough", 3, energy=4.0, source="paper"),
    circuit("rougher", 9, energy=2.0, family="mine"),
    circuit("signed", 2, signed=True, source="paper"),
    circuit("narrow", 0, bits=(3, 2), energy=3.0),
]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    write_library(tmp_path / "lib", "lib", CIRCUITS, description="Five circuits.")
    return load_library(tmp_path / "lib")


def names(library: Library, **filters) -> list[str]:
    return [row["name"] for row in circuit_rows(library, **filters)]


def test_rows_say_what_the_circuits_say(library: Library) -> None:
    rows = {row["name"]: row for row in circuit_rows(library)}
    assert all(tuple(row) == COLUMNS for row in rows.values())
    for own in CIRCUITS:
        row = rows[own.name]
        for column in ("bits_a", "bits_b", "signed_a", "signed_b", "family", "source", "status"):
            assert row[column] == getattr(own, column)
        for column in ("mae", "wce", "mre", "ep", "mean_error", "error_std"):
            assert row[column] == pytest.approx(getattr(own.metrics, column))
        assert row["rank"] == own.factors.rank
        assert row["energy"] == (own.cost.energy if own.cost else None)


def test_energy_ratio_is_to_the_cheapest_exact_circuit_of_the_kind() -> None:
    rivals = [circuit("dear", 0, energy=20.0), circuit("foreign", 0, bits=(3, 2), signed=True, energy=1.0)]
    rows = {row["name"]: row["energy_ratio"] for row in circuit_rows({c.name: c for c in [*CIRCUITS, *rivals]})}
    expected = {"exact": 1.0, "rough": 4 / 9, "rougher": 2 / 9, "narrow": 1.0, "dear": 20 / 9, "foreign": 1.0}
    assert {name: ratio for name, ratio in rows.items() if ratio is not None} == pytest.approx(expected)
    lonely = circuit_rows({"rough": CIRCUITS[1]})
    assert lonely[0]["energy_ratio"] is None


def test_large_tables_are_not_made_for_errors_under_operands(layer_trace) -> None:
    wide = Multiplier.exact(10, 9, signed_a=False, signed_b=False)
    traced = Traced(OperandTrace.of("run", 1, [layer_trace()]), ("conv",))
    assert traced_errors(wide, traced) == dict.fromkeys(ERROR_COLUMNS)


def test_no_table_is_read_and_nothing_is_factorised(library: Library, monkeypatch) -> None:
    monkeypatch.setattr(library_module, "read_table", None)
    monkeypatch.setattr("agnsim.multipliers.multiplier.factorise", None)
    assert len(circuit_rows(load_library(library.path))) == len(CIRCUITS)


def test_builtin_is_listed_within_a_second() -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        rows = circuit_rows(load_library("builtin"))
        times.append(time.perf_counter() - started)
    assert len(rows) > 150
    assert min(times) < 1.0


def test_circuits_in_memory_are_listed_too() -> None:
    rows = circuit_rows({own.name: own for own in CIRCUITS})
    assert [row["mae"] for row in rows] == [own.mae for own in CIRCUITS]
    assert rows[0]["rank"] == 1
    assert rows[1]["rank"] is None  # never factorised for a listing


def test_damaged_factors_leave_the_rank_unknown(library: Library) -> None:
    (library.path / "custom" / "factors.npz").write_bytes(b"no zip")
    rows = {row["name"]: row["rank"] for row in circuit_rows(library)}
    assert (rows["exact"], rows["rough"]) == (1, None)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"exact", "rough", "rougher", "signed", "narrow"}),
        ({"family": "mine"}, {"rougher"}),
        ({"source": "pap*"}, {"rough", "signed"}),
        ({"bits": "3"}, {"exact", "rough", "rougher", "signed"}),
        ({"bits": "3x2"}, {"narrow"}),
        ({"signed": True}, {"signed"}),
        ({"signed": False, "exact": True}, {"exact", "narrow"}),
        ({"exact": False}, {"rough", "rougher", "signed"}),
        ({"max_rank": 1}, {"exact", "narrow"}),
        ({"where": ["energy<4"]}, {"rougher", "narrow"}),
        ({"where": ["energy<=4", "mae > 0"]}, {"rough", "rougher"}),
        ({"where": ["energy>=4"]}, {"exact", "rough"}),
        ({"where": ["bits_b=2"]}, {"narrow"}),
        ({"where": ["wce==0"]}, {"exact", "narrow"}),
        ({"where": ["wce!=0"]}, {"rough", "rougher", "signed"}),
        ({"where": ["status=verified"]}, {"rough", "signed"}),
        ({"where": ["name!=rough*"]}, {"exact", "signed", "narrow"}),
        ({"where": ["signed_a=yes"]}, {"signed"}),
        ({"where": ["signed_a!=TRUE"]}, {"exact", "rough", "rougher", "narrow"}),
    ],
    ids=str,
)
def test_filters(library: Library, filters, expected) -> None:
    assert set(names(library, **filters)) == expected


def test_sorting_puts_what_is_not_known_last(library: Library) -> None:
    assert names(library, sort="energy") == ["rougher", "narrow", "rough", "exact", "signed"]
    assert names(library, sort="energy", descending=True) == ["exact", "rough", "narrow", "rougher", "signed"]
    assert names(library, sort="name", bits="3") == ["exact", "rough", "rougher", "signed"]


def test_energy_under_operands_is_a_column_like_the_others(library: Library, layer_trace) -> None:
    operands = OperandTrace.of("run", 1, [layer_trace(bits=3)]), ("conv",)
    rows = circuit_rows(library, operands=operands, sort="energy_operands")
    assert [row["energy_operands"] for row in rows] == [2.0, 3.0, 4.0, 9.0, None]
    assert [row["basis"] for row in rows] == ["published"] * 4 + [None]
    traced = Traced(*operands)
    for row in rows:
        own = next(own for own in CIRCUITS if own.name == row["name"])
        pair = traced.encodings((own.signed_a, own.signed_b), swapped=False)
        for name, value in error_moments(Use(own, pair), traced).items():
            assert row[f"{name}_operands"] == pytest.approx(value)
    assert circuit_rows(library, operands=operands, where=["mae_operands>0"], sort="mae_operands")[0]["name"] != "exact"
    kept = circuit_rows(library, operands=operands, where=["energy_operands<4", "bits_b=3"])
    assert [row["name"] for row in kept] == ["rougher"]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"family": "mien"}, "--family mien: .* Did you mean 'mine'"),
        ({"sort": "enrgy"}, "--sort enrgy: no such column. Did you mean 'energy'"),
        ({"sort": "energy_operands"}, "--sort energy_operands: no such column"),
        ({"bits": "3xx"}, "--bits 3xx: must be two widths from 1 to 16"),
        ({"where": ["mae"]}, "--where mae: must be a column, one of"),
        ({"where": ["mae<"]}, "--where mae<: must be a column, one of"),
        ({"where": ["maee<1"]}, "--where maee<1: no column 'maee'. Did you mean 'mae'"),
        ({"where": ["mae<many"]}, "--where mae<many: mae is compared with a number"),
        ({"where": ["mae<nan"]}, "--where mae<nan: mae is compared with a number"),
        ({"where": ["signed_a=2"]}, "signed_a is compared with yes or no"),
        ({"where": ["name<x"]}, "name holds text, which is compared with = or !="),
        ({"where": ["__import__('os')<1"]}, "must be a column, one of"),
    ],
    ids=str,
)
def test_mistakes(library: Library, filters, message) -> None:
    with pytest.raises(InputError, match=message):
        circuit_rows(library, **filters)


def test_condition_is_taken_apart() -> None:
    condition = parse_condition(" mae <= 1e3 ", ["mae"])
    assert (condition.column, condition.comparison, condition.value) == ("mae", "<=", "1e3")


@pytest.mark.parametrize(("text", "widths"), [("8", (8, 8)), ("8x4", (8, 4)), ("16X2", (16, 2))])
def test_widths(text: str, widths: tuple[int, int]) -> None:
    assert parse_bits(text) == widths


@pytest.mark.parametrize("text", ["", "x", "8x", "0", "17", "8x4x2", "eight", "８"])
def test_what_are_no_widths(text: str) -> None:
    with pytest.raises(InputError, match="--bits"):
        parse_bits(text)
