"""Operands: uniform ones, those of traces, and bits that never change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agnsim.errors import UnknownName
from agnsim.multipliers.encoding import Encoding
from agnsim.multipliers.families import families
from agnsim.multipliers.operands.operand_trace import LayerTrace, OperandTrace
from agnsim.multipliers.operands.operand_trace_files import write_trace
from agnsim.multipliers.synthesis.constant_bits import constant_bits, tied
from agnsim.multipliers.synthesis.stimulus import TraceStimulus, UniformStimulus, read_stimulus


def test_uniform_products_hold_their_weights_and_cover_their_ranges() -> None:
    products = UniformStimulus().products((4, 5), (False, False), signed_weights=True)
    assert (products.encoding_a, products.encoding_w) == (Encoding.UNSIGNED, Encoding.SIGN_MAGNITUDE)
    assert (products.w.reshape(-1, products.hold) == products.w[:: products.hold, None]).all()
    assert (products.a.min(), products.a.max()) == (0, 15)
    assert (products.w.min(), products.w.max()) == (-15, 15)
    a, w = products.ports((4, 5), (False, False))
    assert np.array_equal(w, abs(products.w))
    assert np.array_equal(a, products.a)


def test_two_s_complement_ports_see_patterns() -> None:
    products = UniformStimulus().products((4, 4), (True, True), signed_weights=True)
    a, w = products.ports((4, 4), (True, True))
    assert np.array_equal(a, products.a & 15)
    assert np.array_equal(w, products.w & 15)
    assert (products.w.min(), products.w.max()) == (-8, 7)


def test_a_trace_feeds_its_layers_one_after_another(layer_trace: Callable[..., LayerTrace]) -> None:
    first, second = layer_trace("one"), layer_trace("two", seed=8, hold=16)
    both = TraceStimulus((first, second), fan_in=6)
    operands = both.operands((4, 4), (False, False))
    assert operands is not None
    assert np.array_equal(operands[0], np.concatenate([first.a, second.a]))
    assert np.array_equal(operands[1], abs(np.concatenate([first.w, second.w])))
    products = both.products((4, 4), (False, False), signed_weights=True)
    assert products.hold == 8
    assert np.array_equal(products.w, np.concatenate([first.w, second.w]))
    assert products.encoding_w is Encoding.SIGN_MAGNITUDE
    assert both.label != TraceStimulus((first,), fan_in=6).label


def test_reading_a_trace(tmp_path: Path, layer_trace: Callable[..., LayerTrace]) -> None:
    file = tmp_path / "trace.npz"
    write_trace(file, OperandTrace.of("run", 2, [layer_trace("conv1"), layer_trace("conv2", seed=9)]))
    both = read_stimulus(str(file))
    assert isinstance(both, TraceStimulus)
    assert ([layer.layer for layer in both.layers], both.fan_in) == (["conv1", "conv2"], 6)
    assert read_stimulus(f"{file}:conv2", fan_in=50).fan_in == 50
    with pytest.raises(UnknownName):
        read_stimulus(f"{file}:conv3")
    assert read_stimulus(None) == UniformStimulus()


def test_constant_bits_are_found_and_tied() -> None:
    netlist = families["array"].generate(4, 4, False)
    a, b = np.array([0b0100, 0b0110, 0b0111]), np.array([0b1001, 0b1001, 0b1001])
    constant = constant_bits(netlist, (a, b))
    assert constant == {2: 1, 3: 0, 4: 1, 5: 0, 6: 0, 7: 1}
    simpler = tied(netlist, constant)
    assert (simpler.bits_a, simpler.bits_b) == (4, 4)
    assert np.array_equal(simpler.product(a, b), a * b)
    assert len(simpler.gates) < len(netlist.gates) / 4
