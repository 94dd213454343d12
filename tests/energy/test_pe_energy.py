"""Energy of the whole MAC: the characterised one, a published multiplier inside the exact one, and the network's."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim.energy import mac_energy_ratio, narrow_mac_ratio, pe_energy
from agnsim.energy.pe_energy import CHARACTERISED, FROM_RATIO
from agnsim.errors import InputError, UnknownName
from agnsim.multipliers import Choice, Cost, Encoding, Multiplier, load_library
from agnsim.multipliers.libraries.mac_costs import MacCost, MacCosts, builtin_mac_costs, short_digest
from agnsim.types import LayerShape

SIGN_MAGNITUDE = Encoding.SIGN_MAGNITUDE
EXACT = Multiplier.exact(signed_a=False, signed_b=False)


def _circuit(name: str, power: float | None, *, flow: str = "fab", lowest: int = 0) -> Multiplier:
    cost = None if power is None else Cost("FreePDK45", flow, power_mw=power)
    table = np.maximum(EXACT.table, lowest)
    return Multiplier.from_table(name, table, signed_a=False, signed_b=False, cost=cost)


def _mac(circuit: Multiplier, energy: float, *, alone: float | None = None, bits: int = 8, ffs: int = 10) -> MacCost:
    return MacCost(
        circuit=circuit.name,
        digest=short_digest(circuit.digest),
        swapped=False,
        encoding_a=Encoding.UNSIGNED,
        encoding_w=SIGN_MAGNITUDE,
        signed=False,
        bits_a=bits,
        bits_w=bits,
        exact=circuit.is_exact,
        accumulator=ffs - 2,
        flip_flops=ffs,
        recipe="map",
        energy=energy,
        energy_worst=energy,
        glitch_energy=energy,
        clock_energy=4.0 * ffs,
        data_energy=20.0,
        area=1.0,
        delay=1.0,
        multiplier_energy=alone,
    )


REFERENCE = _circuit("exact", 2.0)
KNOWN = _circuit("known", 1.0, lowest=3)
MACS = MacCosts([_mac(REFERENCE, 140.0, alone=60.0), _mac(KNOWN, 90.0)])  # registers take 60


def _signed_weights(circuit: Multiplier) -> Choice:
    return Choice(circuit, encoding_w=SIGN_MAGNITUDE)


def test_circuit_with_a_mac_of_its_own_is_not_charged_by_its_published_power() -> None:
    ratio = mac_energy_ratio(_signed_weights(KNOWN), REFERENCE, macs=MACS)
    assert ratio == (pytest.approx(150 / 200), pytest.approx(90 / 140), CHARACTERISED)


def test_published_circuit_scales_the_multiplier_inside_the_exact_mac() -> None:
    published = _circuit("published", 0.5, lowest=7)
    ratio = mac_energy_ratio(_signed_weights(published), REFERENCE, macs=MACS)
    combinational = 60 * 0.25 + 80  # its share, and what surrounds it
    assert ratio == (pytest.approx((combinational + 60) / 200), pytest.approx(combinational / 140), FROM_RATIO)


def test_another_table_under_a_characterised_name_is_another_circuit() -> None:
    impostor = _circuit("known", 2.0, lowest=9)
    ratio = mac_energy_ratio(impostor.encoded(w=SIGN_MAGNITUDE), REFERENCE, macs=MACS)
    assert ratio is not None
    assert (ratio.label, ratio.ratio) == (FROM_RATIO, pytest.approx(1.0))


@pytest.mark.parametrize(
    "choice",
    [
        _signed_weights(_circuit("no cost", None, lowest=7)),
        _signed_weights(_circuit("other flow", 0.5, flow="elsewhere", lowest=7)),
        Choice(KNOWN, encoding_w=Encoding.OFFSET),
        Choice(Multiplier.exact(9, 8, signed_a=False, signed_b=False), encoding_w=SIGN_MAGNITUDE),
        Choice(Multiplier.exact(8, 8, signed_a=False, signed_b=True)),
        Choice(Multiplier.exact(8, 8, signed_a=True, signed_b=True)),  # MACS has no exact MAC of such ports
    ],
    ids=["no cost", "other flow", "no exact MAC of offset weights", "nine bits", "two signs", "no exact MAC alike"],
)
def test_what_cannot_be_computed_is_left_empty(choice: Choice) -> None:
    assert mac_energy_ratio(choice, REFERENCE, macs=MACS) is None


def test_builtin_exact_mac_is_the_denominator_and_others_are_relative_to_it() -> None:
    macs, library = builtin_mac_costs(), load_library("builtin")
    reference = macs.reference
    assert (reference.bits_a, reference.bits_w, reference.exact) == (8, 8, True)
    exact = mac_energy_ratio(_signed_weights(library[reference.circuit]), library["mul8u_array"])
    assert exact == (1.0, 1.0, CHARACTERISED)
    truncated = mac_energy_ratio(_signed_weights(library["mul8u_column_truncation_k7"]), library["mul8u_array"])
    assert truncated is not None
    assert 0.3 < truncated.without_registers < truncated.ratio < 1


def test_builtin_circuits_with_activations_of_either_sign_scale_the_exact_mac_of_such_operands() -> None:
    library = load_library("builtin")
    choice = Choice(library["mul8u_drum_k4"], encoding_a=SIGN_MAGNITUDE, encoding_w=SIGN_MAGNITUDE)
    ratio = mac_energy_ratio(choice, library["mul8u_array"])
    assert ratio is not None
    assert ratio.label == FROM_RATIO


def test_builtin_circuits_with_offset_weights_scale_the_exact_mac_of_such_weights() -> None:
    library = load_library("builtin")
    exact, drum = (
        mac_energy_ratio(Choice(library[name], encoding_w=Encoding.OFFSET), library["mul8u_array"])
        for name in ("mul8u_array", "mul8u_drum_k4")
    )
    assert exact is not None
    assert drum is not None
    assert (exact.label, drum.label) == (CHARACTERISED, FROM_RATIO)
    assert drum.ratio < exact.ratio


def test_narrow_exact_macs_get_cheaper_bit_by_bit() -> None:
    for bits in range(2, 9):
        for along in (
            [narrow_mac_ratio(bits, w) for w in range(2, 9)],
            [narrow_mac_ratio(a, bits) for a in range(2, 9)],
        ):
            ratios = [ratio.ratio for ratio in along if ratio is not None]
            assert len(ratios) == 7
            assert ratios == sorted(set(ratios))
    assert narrow_mac_ratio(8, 8) == (1.0, 1.0, CHARACTERISED)
    assert narrow_mac_ratio(9, 8) is None


def _shape(name: str, macs: int) -> LayerShape:
    return LayerShape(name, "conv2d", macs, 9, 4, 1, 36, (1, 8, 8), (4, 8, 8))


SHAPES = {"conv1": _shape("conv1", 100), "conv2": _shape("conv2", 300)}


def test_a_networks_energy_is_weighted_by_macs_and_exact_where_nothing_is_said() -> None:
    assert pe_energy(SHAPES, {"conv1": 0.8, "conv2": 0.4}) == pytest.approx(0.5)
    assert pe_energy(SHAPES, {"conv2": 0.4}) == pytest.approx(0.55)


def test_one_unknown_layer_leaves_the_network_unknown() -> None:
    assert pe_energy(SHAPES, {"conv1": 0.8, "conv2": None}) is None


def test_wrong_layers_and_ratios_are_errors() -> None:
    with pytest.raises(UnknownName, match="conv_1"):
        pe_energy(SHAPES, {"conv_1": 0.5})
    with pytest.raises(InputError):
        pe_energy(SHAPES, {"conv1": -0.5})
