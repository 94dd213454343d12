"""A user's own costs: joined to any library by name or digest, the old ones kept."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.errors import LibraryError
from agnsim.multipliers import Cost, Library, Multiplier, energy_ratio, load_library, verify_library, write_library
from agnsim.multipliers.libraries.costs_file import read_costs, with_costs

EXACT = np.multiply.outer(np.arange(4), np.arange(4))


def circuit(name: str, drop: int) -> Multiplier:
    table = np.multiply.outer(np.arange(4), np.arange(4) & ~drop)
    cost = Cost("FreePDK45", "published", power_mw=1.0 + drop)
    return Multiplier.from_table(name, table, bits_a=2, bits_b=2, signed_a=False, signed_b=False, cost=cost)


CIRCUITS = (circuit("mul2u_a", 0), circuit("mul2u_b", 1), circuit("mul2u_c", 2))
LIBRARY = Library.of("two bits", CIRCUITS)


def costs(tmp_path: Path, text: str) -> Path:
    (tmp_path / "primetime.csv").write_text(text, encoding="utf-8")
    return tmp_path / "primetime.csv"


def test_costs_by_name_and_the_old_ones_kept(tmp_path: Path) -> None:
    text = (
        "name,power_mw,area_um2,delay_ns,technology,flow,corner,clock_ns\n"
        "mul2u_a,0.5,10,1.25,7 nm,mine,tt_0p7v,2\nmul2u_b,0.25,,,7 nm,mine,,\n"
    )
    library = with_costs(LIBRARY, costs(tmp_path, text))
    assert list(library) == list(LIBRARY)
    assert library["mul2u_a"].cost == Cost(
        "7 nm", "mine", power_mw=0.5, area_um2=10, delay_ns=1.25, corner="tt_0p7v", clock_ns=2.0
    )
    assert library["mul2u_a"].other_costs == (Cost("FreePDK45", "published", power_mw=1.0),)
    assert library["mul2u_a"] == LIBRARY["mul2u_a"]
    assert energy_ratio(library["mul2u_b"], library["mul2u_a"]) == 0.5
    assert library["mul2u_c"].cost == LIBRARY["mul2u_c"].cost


def test_costs_by_digest_or_the_start_of_one(tmp_path: Path) -> None:
    text = (
        f"Digest;\n{CIRCUITS[0].digest}\n".replace(";", ",Energy").replace("\n", ",3\n").replace("Energy,3", "Energy")
    )
    text += f"{CIRCUITS[1].digest[:12].upper()},4\n"
    library = with_costs(LIBRARY, costs(tmp_path, text))
    assert [library[name].energy_pj for name in library] == [3, 4, None]
    cost = library["mul2u_a"].cost
    assert cost is not None
    assert (cost.technology, cost.flow) == ("unknown", "primetime")


def test_a_cost_of_the_same_flow_is_replaced(tmp_path: Path) -> None:
    library = with_costs(LIBRARY, costs(tmp_path, "name,power,technology,flow\nmul2u_a,9,FreePDK45,published\n"))
    assert (library["mul2u_a"].power_mw, library["mul2u_a"].other_costs) == (9, ())


def test_a_digest_of_two_circuits_says_not_whose_costs_they_are(tmp_path: Path) -> None:
    twins = Library.of("twins", [circuit("mul2u_a", 0), circuit("mul2u_tree", 0)])
    file = costs(tmp_path, f"digest,power\n{twins['mul2u_a'].digest},1\n")
    with pytest.raises(LibraryError, match=r"csv:2: the digest .* is that of mul2u_a, mul2u_tree: which of them"):
        with_costs(twins, file)


def test_a_cost_of_another_corner_is_kept(tmp_path: Path) -> None:
    file = costs(tmp_path, "name,power,technology,flow,corner\nmul2u_a,9,FreePDK45,published,ss\n")
    assert with_costs(LIBRARY, file)["mul2u_a"].other_costs == (CIRCUITS[0].cost,)


def test_load_library_joins_costs_and_keeps_cards(tmp_path: Path) -> None:
    write_library(tmp_path / "library", "library", CIRCUITS, description="Two bits.")
    file = costs(tmp_path, "name,power\nmul2u_a,9\n")
    library = load_library(tmp_path / "library", costs=file)
    assert library["mul2u_a"].power_mw == 9
    assert library.card("mul2u_a").cost == library["mul2u_a"].cost
    assert library.card("mul2u_a").other_costs == library["mul2u_a"].other_costs
    write_library(tmp_path / "joined", "joined", library.values(), description="With costs.")
    assert verify_library(tmp_path / "joined")["mul2u_a"].other_costs == (CIRCUITS[0].cost,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,power\nmul2u_d,1\n", r"csv:2: no circuit is called 'mul2u_d'\. Did you mean 'mul2u_"),
        (f"digest,power\n{'0' * 64},1\n", "csv:2: no circuit has the digest 0000"),
        (f"name,digest,power\nmul2u_a,{CIRCUITS[1].digest},1\n", "csv:2: circuit 'mul2u_a' has the digest"),
        ("digest,power\n1234,1\n", "csv:2: digest is '1234'; it must be 12 to 64 hexadecimal digits"),
        ("name,power\nmul2u_a,1\nmul2u_a,2\n", "csv:3: a second cost of circuit 'mul2u_a'; the first is in line 2"),
        ("name,power\nmul2u_a,=1+1\n", "csv:2: power_mw is '=1\\+1'; it must be a number"),
        ("name,power\nmul2u_a,nan\n", "csv:2: cost: power_mw is nan; it must be a finite number of at least 0"),
        ("name,power\nmul2u_a,-1\n", "csv:2: cost: power_mw is -1.0"),
        ("name,power\n,1\n", "csv:2: names no circuit"),
        ("name,power\nmul2u_a,\n", "csv:2: has no costs; give one of power_mw"),
        ("name,power\nmul2u_a\n", "csv:2: the line has not as many fields as the header"),
        ("name,powr\nmul2u_a,1\n", "csv:1: unknown column 'powr'. Did you mean 'power'"),
        ("name,power,power_mw\nmul2u_a,1,1\n", "csv:1: column 'power_mw' is there twice"),
        ("power\n1\n", "csv:1: lacks a column 'name' or 'digest'"),
        ("name,clock\nmul2u_a,1\n", "csv:1: has no costs; columns for them are"),
        ("name,power\n", "has no costs, only a header"),
        ("", "csv:1: lacks a column"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LibraryError, match=message):
        with_costs(LIBRARY, costs(tmp_path, text))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="can't be read as CSV"):
        read_costs(tmp_path / "missing.csv")
    (tmp_path / "b.csv").write_bytes(b"name,power\nmul2u_a,\xff\n")
    with pytest.raises(LibraryError, match="can't be read as CSV"):
        read_costs(tmp_path / "b.csv")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(st.sampled_from(["name", "power", "mul2u_a", "1", "-", '"', ",", "\n", "é"]))))
def test_any_text_is_read_or_refused(tmp_path: Path, rows: list[list[str]]) -> None:
    with contextlib.suppress(LibraryError):
        with_costs(LIBRARY, costs(tmp_path, "name,power\n" + "\n".join(",".join(row) for row in rows)))
