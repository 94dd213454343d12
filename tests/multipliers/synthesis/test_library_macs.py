"""Stream and MACs of a library's circuits."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim.errors import MultiplierError
from agnsim.multipliers import Choice, Encoding, Multiplier, load_library
from agnsim.multipliers.libraries.mac_costs import builtin_mac_costs
from agnsim.multipliers.synthesis.library_macs import CORRECTION_COLUMNS, library_macs, mac_cost
from agnsim.multipliers.synthesis.network_stimulus import FAN_IN, HOLD, NetworkStimulus
from agnsim.multipliers.synthesis.registers import UNIT_FLIP_FLOP


def _products(bits: int, signed: bool, **encodings: Encoding):
    return NetworkStimulus(**encodings).products((bits, bits), (signed, signed), signed_weights=True)


def test_stream_is_like_the_operands_of_traced_layers() -> None:
    products = _products(8, False)
    a, w = products.a, products.w
    assert 0.45 < (a == 0).mean() < 0.6
    assert 0.1 < a[a > 0].mean() / 255 < 0.16
    assert a.max() == 255
    rows = a.reshape(-1, HOLD) - a.mean()
    assert 0.4 < (rows[:, 1:] * rows[:, :-1]).mean() / rows.var() < 0.7
    assert 0.22 < w.std() / 127 < 0.35
    assert len(a) == len(w) == 2 * FAN_IN * HOLD
    assert len(a) % 64 == 0
    assert (w.reshape(-1, HOLD) == w[::HOLD, None]).all()


def test_stream_is_the_same_everywhere() -> None:
    products = _products(8, False)
    assert (int(products.a.sum()), int(products.w[::HOLD].sum())) == (601600, -676)


def test_narrow_operands_are_the_same_values_in_fewer_steps() -> None:
    wide, narrow = _products(8, False), _products(4, False)
    assert np.corrcoef(wide.a, narrow.a)[0, 1] > 0.9
    assert narrow.a.max() == 15
    assert (narrow.w.min(), narrow.w.max()) == (-7, 7)
    assert (narrow.a == 0).mean() > (wide.a == 0).mean()


def test_signs_and_encodings() -> None:
    signed = _products(8, True)
    assert (signed.encoding_a, signed.encoding_w) == (Encoding.TWOS_COMPLEMENT,) * 2
    assert (signed.a.min(), signed.a.max()) == (0, 127)  # rectified: half of the port's range
    either = _products(8, False, encoding_a=Encoding.SIGN_MAGNITUDE)
    assert either.a.min() < -100
    patterns, _ = either.ports((8, 8), (False, False))
    assert patterns.max() <= 127


@pytest.mark.usefixtures("yosys")
def test_macs_of_the_builtin_library_are_what_this_code_makes() -> None:
    names = ["mul2x3u_array", "mul3x2s_array", "mul4u_operand_truncation_a1b1"]
    fresh = list(library_macs(load_library("builtin").select(names), jobs=2))
    assert fresh == [mac for mac in builtin_mac_costs() if mac.circuit in names]
    assert len(fresh) == 2 + 4 + 1


@pytest.mark.usefixtures("yosys")
def test_offset_weights_are_charged_their_share_of_the_correction() -> None:
    circuit = load_library("builtin")["mul3u_array"]
    offset, magnitude = (
        mac_cost(Choice(circuit, encoding_w=encoding)) for encoding in (Encoding.OFFSET, Encoding.SIGN_MAGNITUDE)
    )
    # 7 * 7 * 144 without a sign, and 7 * 3 * 144 with one
    assert (offset.accumulator, magnitude.accumulator) == (13, 13)
    correction = 3 + 1 + 10  # an activation, the port that is left free, 7 * 144
    assert offset.clock_energy == (offset.flip_flops + correction / CORRECTION_COLUMNS) * UNIT_FLIP_FLOP.clock_energy
    assert magnitude.clock_energy == magnitude.flip_flops * UNIT_FLIP_FLOP.clock_energy


@pytest.mark.usefixtures("yosys")
def test_swapped_mac_gives_activations_to_the_second_port() -> None:
    circuit = load_library("builtin")["mul3x2u_array"]
    mac = mac_cost(Choice(circuit, swapped=True, encoding_w=Encoding.SIGN_MAGNITUDE), alone=True)
    assert (mac.bits_a, mac.bits_w) == (2, 3)
    assert mac.multiplier_energy is not None
    assert 0 < mac.multiplier_energy < mac.energy


def test_circuit_without_netlist_is_named() -> None:
    with pytest.raises(MultiplierError, match="exact_u4xu4: has no netlist"):
        mac_cost(Choice(Multiplier.exact(4, 4, signed_a=False, signed_b=False), encoding_w=Encoding.SIGN_MAGNITUDE))
