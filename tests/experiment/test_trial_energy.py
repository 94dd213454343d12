"""A trial's energy: ratios to the reference weighted by operations, recomputed from the library's costs."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agnsim.energy import mac_energy_ratio
from agnsim.experiment.store import Trial
from agnsim.experiment.trial_energy import layer_ratios, narrow_ratio, trial_energy
from agnsim.multipliers import Assignment, Choice, Cost, Encoding, energy_ratio, load_library


@pytest.fixture(scope="module")
def library():
    return load_library("builtin")


@pytest.fixture
def context(library) -> Any:
    shapes = {"first": SimpleNamespace(macs=100), "second": SimpleNamespace(macs=300)}
    return SimpleNamespace(
        library=library, references=(library["mul8u_array"],), shapes=shapes, assignable=["first", "second"]
    )


def trial(kind: str, circuits: dict[str, Any] | None = None, bits: tuple[int, int] = (8, 8)) -> Trial:
    assignment = {"assignment": Assignment(circuits).to_json()} if circuits else {}
    return Trial("0" * 64, {"kind": kind}, {"bits_a": bits[0], "bits_b": bits[1]} | assignment, cached=False)


def test_energy_is_weighted_by_operations(context, library):
    truncated, reference = library["mul8u_column_truncation_k7"], library["mul8u_array"]
    choices = [Choice(circuit, encoding_w=Encoding.SIGN_MAGNITUDE) for circuit in (reference, truncated)]
    mixed = trial("heterogeneous", dict(zip(("first", "second"), choices, strict=True)))
    ratio = energy_ratio(truncated, reference)
    assert layer_ratios(context, mixed) == {"first": 1.0, "second": ratio}
    found = trial_energy(context, mixed)
    assert found["multiplier_energy"] == pytest.approx((100 + 300 * ratio) / 400)
    first, second = (mac_energy_ratio(choice, reference) for choice in choices)
    assert first is not None
    assert second is not None
    assert found["pe_energy"] == pytest.approx((100 * first.ratio + 300 * second.ratio) / 400)
    assert (found["energy_flow"], found["pe_label"]) == ("unit", "characterised MAC")


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
    found = trial_energy(context, trial("quantized"))
    assert (found["multiplier_energy"], found["energy_flow"]) == (1.0, "unit")
    assert found["pe_energy"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "unknown", [trial("float"), trial("quantized", bits=(6, 8))], ids=["float", "quantised to other widths"]
)
def test_what_has_no_circuit_has_no_energy(context, unknown):
    assert trial_energy(context, unknown) == {
        "multiplier_energy": None,
        "energy_flow": "",
        "pe_energy": None,
        "pe_label": "",
    }


def test_circuits_of_two_flows_are_each_a_ratio_within_its_own(context, library):
    elsewhere = Cost("7 nm", "mine", power_mw=4.0), Cost("7 nm", "mine", power_mw=1.0)
    exact, cheap = (
        replace(library[name], name=f"my_{name}", cost=cost)
        for name, cost in zip(("mul8u_array", "mul8u_drum_k4"), elsewhere, strict=True)
    )
    context.library = {"my_mul8u_drum_k4": cheap, "mul4u_array": library["mul4u_array"]}
    context.references = (exact, library["mul8u_array"])
    found = trial_energy(context, trial("heterogeneous", {"first": cheap, "second": library["mul4u_array"]}))
    narrow = energy_ratio(library["mul4u_array"], library["mul8u_array"])
    assert found["multiplier_energy"] == pytest.approx((100 * 0.25 + 300 * narrow) / 400)
    assert found["energy_flow"] == "mine + unit"
