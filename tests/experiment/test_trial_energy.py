"""A trial's energy: ratios to the reference weighted by operations, recomputed from the library's costs."""

from types import SimpleNamespace
from typing import Any

import pytest

from agnsim.experiment.store import Trial
from agnsim.experiment.trial_energy import layer_ratios, narrow_ratio, trial_energy
from agnsim.multipliers import Assignment, energy_ratio, load_library


@pytest.fixture(scope="module")
def library():
    return load_library("builtin")


@pytest.fixture
def context(library) -> Any:
    shapes = {"first": SimpleNamespace(macs=100), "second": SimpleNamespace(macs=300)}
    return SimpleNamespace(
        library=library, reference=library["mul8u_array"], shapes=shapes, assignable=["first", "second"]
    )


def trial(kind: str, circuits: dict[str, Any] | None = None, bits: tuple[int, int] = (8, 8)) -> Trial:
    assignment = {"assignment": Assignment(circuits).to_json()} if circuits else {}
    return Trial("0" * 64, {"kind": kind}, {"bits_a": bits[0], "bits_b": bits[1]} | assignment, cached=False)


def test_energy_is_weighted_by_operations(context, library):
    truncated, reference = library["mul8u_column_truncation_k7"], library["mul8u_array"]
    mixed = trial("heterogeneous", {"first": reference, "second": truncated})
    ratio = energy_ratio(truncated, reference)
    assert layer_ratios(context, mixed) == {"first": 1.0, "second": ratio}
    assert trial_energy(context, mixed) == {
        "multiplier_energy": pytest.approx((100 + 300 * ratio) / 400),
        "energy_flow": "unit",
    }


def test_layer_left_out_counts_as_exact(context, library):
    ratio = energy_ratio(library["mul4u_array"], library["mul8u_array"])
    found = trial_energy(context, trial("uniform", {"first": library["mul4u_array"]}))
    assert found["multiplier_energy"] == pytest.approx((300 + 100 * ratio) / 400)


def test_narrow_network_costs_what_its_array_costs(context, library):
    ratio = energy_ratio(library["mul6x5u_array"], library["mul8u_array"])
    assert narrow_ratio(6, 5) == (ratio, "unit")
    assert trial_energy(context, trial("narrow", bits=(6, 5)))["multiplier_energy"] == pytest.approx(ratio)


@pytest.mark.parametrize("bits_a", range(2, 9))
@pytest.mark.parametrize("bits_b", range(2, 9))
def test_every_width_a_study_may_name_has_an_array(bits_a, bits_b):
    ratio, _ = narrow_ratio(bits_a, bits_b)
    assert (0 < ratio < 1) != ((bits_a, bits_b) == (8, 8))


def test_exact_8_bit_network_costs_the_reference(context):
    assert trial_energy(context, trial("quantized")) == {"multiplier_energy": 1.0, "energy_flow": "unit"}


@pytest.mark.parametrize(
    "unknown", [trial("float"), trial("quantized", bits=(6, 8))], ids=["float", "quantised to other widths"]
)
def test_what_has_no_circuit_has_no_energy(context, unknown):
    assert trial_energy(context, unknown) == {"multiplier_energy": None, "energy_flow": ""}
