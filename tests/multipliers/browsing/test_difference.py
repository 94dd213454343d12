"""Two libraries are compared by what their circuits compute: names prove nothing."""

from dataclasses import replace

import numpy as np
import pytest

from agnsim.multipliers import Cost, Library, Multiplier
from agnsim.multipliers.browsing.difference import library_difference
from agnsim.multipliers.families import families


def circuit(name: str, seed: int, energy: float | None = 1.0, *, flow: str = "unit") -> Multiplier:
    table = np.random.default_rng(seed).integers(0, 40, (8, 8))
    cost = None if energy is None else Cost("none", flow, relative_energy=energy)
    return Multiplier.from_table(name, table, bits_a=3, bits_b=3, signed_a=False, signed_b=False, cost=cost)


FIRST = Library.of("first", [circuit("a", 1), circuit("b", 2), circuit("c", 3), circuit("d", 4), circuit("e", 5)])


def test_a_library_equals_itself() -> None:
    found = library_difference(FIRST, FIRST)
    assert found["equal"]
    assert found["same"] == 5
    assert not any(
        found[part] for part in ("renamed", "changed", "only_first", "only_second", "costs", "costs_only_first")
    )


def test_what_differs() -> None:
    second = Library.of(
        "second",
        [circuit("a", 1), circuit("other", 2), circuit("c", 33), circuit("e", 5, 2.5), circuit("new", 6)],
    )
    found = library_difference(FIRST, second)
    assert not found["equal"]
    assert found["same"] == 2  # a and e
    assert found["renamed"] == [{"digest": FIRST["b"].digest, "first": ["b"], "second": ["other"]}]
    assert [(row["name"], row["digest_first"], row["digest_second"]) for row in found["changed"]] == [
        ("c", FIRST["c"].digest, second["c"].digest)
    ]
    assert [row["name"] for row in found["only_first"]] == ["d"]
    assert [row["name"] for row in found["only_second"]] == ["new"]
    assert found["costs"] == [
        {
            "name_first": "e",
            "name_second": "e",
            "flow": "unit",
            "figure": "relative_energy",
            "first": 1.0,
            "second": 2.5,
        }
    ]


@pytest.mark.parametrize(
    ("other", "flows"), [(circuit("a", 1, 7.0, flow="lab"), ["lab"]), (circuit("a", 1, None), [])], ids=["flow", "none"]
)
def test_costs_that_one_library_alone_has_are_a_difference_and_not_compared(other, flows) -> None:
    found = library_difference(Library.of("one", [circuit("a", 1)]), Library.of("two", [other]))
    assert not found["equal"]
    assert found["costs"] == []
    assert [(row["name"], row["flow"], row["energy"]) for row in found["costs_only_first"]] == [("a", "unit", 1.0)]
    assert [row["flow"] for row in found["costs_only_second"]] == flows


def test_costs_of_other_flows_are_compared_with_their_like() -> None:
    def library(energy: float) -> Library:
        extra = Cost("FreePDK45", "lab", energy_pj=energy)
        return Library.of("x", [replace(circuit("a", 1), other_costs=(extra,))])

    rows = library_difference(library(1.0), library(2.0))["costs"]
    assert [(row["flow"], row["figure"], row["first"], row["second"]) for row in rows] == [("lab", "energy_pj", 1, 2)]


def test_swapped_names_are_two_changes() -> None:
    second = Library.of("second", [circuit("a", 2), circuit("b", 1)])
    found = library_difference(Library.of("first", [circuit("a", 1), circuit("b", 2)]), second)
    assert [row["name"] for row in found["changed"]] == ["a", "b"]
    assert len(found["renamed"]) == 2
    assert found["only_first"] == found["only_second"] == []


def test_circuits_without_a_table_are_known_by_their_netlist() -> None:
    netlists = [families["operand_truncation"].generate(16, 16, False, drop_a=d, drop_b=8) for d in (7, 8)]
    first, second = (
        Library.of("x", [replace(_wide("w", netlist), stated_metrics=circuit("a", 1).metrics)]) for netlist in netlists
    )
    assert library_difference(first, first)["equal"]
    assert [row["name"] for row in library_difference(first, second)["changed"]] == ["w"]


def _wide(name: str, netlist) -> Multiplier:
    return Multiplier.from_netlist(name, netlist, signed_a=False, signed_b=False)
