"""Stretched layers hold the very codes that the error model was told of, and keep them through a checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from agnsim import convert, load_library
from agnsim.errors import InputError
from agnsim.multipliers import Choice
from agnsim.nn import approx_layers, assign, sample_operands
from agnsim.noise import fit_operands
from agnsim.quantization import Quantization


def _network(activation: str = "auto") -> tuple[nn.Module, list[torch.Tensor]]:
    torch.manual_seed(0)
    batches = [torch.randn(16, 3, 8, 8)]
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)).eval()
    return convert(model, quantization=Quantization(activation=activation), calibration=batches), batches  # type: ignore[arg-type]


@pytest.mark.parametrize("circuit", ["mul8u_drum_k4", "mul4u_array", "mul8s_booth_radix4"])
@pytest.mark.parametrize("layer", ["0", "2"])  # with a zero point, and without
def test_codes_are_what_fit_operands_feeds(circuit: str, layer: str) -> None:
    model, batches = _network()
    choice = next(
        c
        for c in (Choice(load_library("builtin")[circuit], encoding_w="sign_magnitude"),)  # type: ignore[arg-type]
    )
    stretch = (2.0, 1.25)
    before = sample_operands(model, batches, rows=64)[layer]
    quantizers = approx_layers(model)[layer].activation_quantizer, approx_layers(model)[layer].weight_quantizer
    ranges = [(q.qmin, q.qmax) for q in quantizers]
    fit = fit_operands(before, choice, range_a=ranges[0], range_w=ranges[1], stretch=stretch)
    assign(model, {layer: choice}, stretches={layer: stretch})
    after = sample_operands(model, batches, rows=64)[layer]
    assert after.zero_point_a == fit.activations.port_zero_point
    # Codes of codes are rounded twice: they differ by one step at most, and seldom.
    assert np.abs(after.weights - fit.weights.values(before.weights)).max() <= 1
    difference = np.abs(after.rows - fit.activations.values(before.rows))
    assert difference.max() <= 1 + stretch[0] / 2
    assert difference.mean() < 0.6


def test_a_stretch_of_one_changes_nothing() -> None:
    model, batches = _network()
    choice = Choice(load_library("builtin")["mul8u_drum_k4"], encoding_w="sign_magnitude")  # type: ignore[arg-type]
    assign(model, {"2": choice})
    wanted = model(batches[0])
    assign(model, {"2": choice}, stretches={"2": (1.0, 1.0)})
    assert torch.equal(model(batches[0]), wanted)


def test_wrong_stretches_are_refused_and_the_model_is_unchanged() -> None:
    model, batches = _network()
    wanted = model(batches[0])
    choice = Choice(load_library("builtin")["mul8u_drum_k4"], encoding_w="sign_magnitude")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"layer '0'.*stretch is 0.0; it must be positive"):
        assign(model, {"0": choice}, stretches={"0": (0.0, 1.0)})
    with pytest.raises(InputError, match="layer '2' is assigned no multiplier"):
        assign(model, {"0": choice}, stretches={"2": (1.0, 1.0)})
    assert torch.equal(model(batches[0]), wanted)


def test_symmetric_activations_after_a_relu_use_the_whole_unsigned_port() -> None:
    model, batches = _network("symmetric")
    choice = Choice(load_library("builtin")["mul8u_array"], encoding_w="sign_magnitude")  # type: ignore[arg-type]
    wanted = model(batches[0])
    assign(model, {"2": choice}, stretches={"2": (1.0, 1.0)})
    quantizer = approx_layers(model)["2"].activation_quantizer
    assert (quantizer.qmin, quantizer.qmax, quantizer.zero_points) == (0, 255, (0,))
    assert (model(batches[0]) - wanted).abs().max() < 0.02 * wanted.std()
