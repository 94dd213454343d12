"""Operand traces of small networks equal what a nested loop counts, and sequences are what a held weight meets."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from agnsim.analysis.operand_traces import HOLD, trace_operands
from agnsim.errors import ConversionError, InputError
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn import Emulated, assign, convert, sample_operands
from agnsim.noise import predict_errors
from agnsim.quantization import Quantization


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return torch.Generator().manual_seed(0)


def streams(layer, x):
    """Every weight's activations in the order of output positions, by nested loops: {(channel, tap): (w, [a ...])}."""
    quantizer = layer.activation_quantizer
    codes = quantizer.codes(x)
    top, left = layer.padding
    codes = F.pad(codes, (left, left, top, top), value=quantizer.zero_points[0]).numpy()
    weights = layer.weight_quantizer.codes(layer.weight).numpy()
    out, per_group, height, width = weights.shape
    rows = (codes.shape[2] - layer.dilation[0] * (height - 1) - 1) // layer.stride[0] + 1
    columns = (codes.shape[3] - layer.dilation[1] * (width - 1) - 1) // layer.stride[1] + 1
    found = {}
    for o in range(out):
        first = o // (out // layer.groups) * per_group
        for tap, (c, ky, kx) in enumerate(product(range(per_group), range(height), range(width))):
            seen = [
                int(
                    codes[
                        n,
                        first + c,
                        y * layer.stride[0] + ky * layer.dilation[0],
                        z * layer.stride[1] + kx * layer.dilation[1],
                    ]
                )
                for n, y, z in product(range(len(x)), range(rows), range(columns))
            ]
            found[o, tap] = int(weights[o, c, ky, kx]), seen
    return found


def brute_histogram(trace, found):
    counts = np.zeros_like(trace.histogram)
    for w, activations in found.values():
        for a in activations:
            counts[a & (2**trace.bits_a - 1), w & (2**trace.bits_w - 1)] += 1
    return counts


@pytest.mark.parametrize("activation", ["affine", "symmetric"])
@pytest.mark.parametrize("groups", [1, 2, 4], ids=["plain", "grouped", "depthwise"])
def test_conv_is_counted_as_by_nested_loops(groups, activation, generator, monkeypatch):
    monkeypatch.setattr("agnsim.analysis.operand_traces._CHUNK_ELEMENTS", 100)
    conv = nn.Conv2d(4, 8, (3, 2), stride=(1, 2), padding=(1, 2), dilation=(2, 1), groups=groups)
    x = torch.randn(3, 4, 6, 5, generator=generator) - 0.3
    model = convert(nn.Sequential(conv), quantization=Quantization(activation=activation), calibration=[x])
    trace = trace_operands(model, [x[:2], x[2:]], length=128)["0"]
    loops = streams(model[0], x)
    assert np.array_equal(trace.histogram, brute_histogram(trace, loops))
    assert trace.macs == sum(len(seen) for _, seen in loops.values())
    assert (trace.sample.zero_point_a > 0) == (activation == "affine")
    zeros = sum(seen.count(trace.sample.zero_point_a) for _, seen in loops.values())
    assert trace.zeros_a == pytest.approx(zeros / trace.macs)


def test_sequences_are_what_a_held_weight_meets_at_consecutive_positions(generator):
    conv = nn.Conv2d(2, 6, 3, padding=1, stride=2, groups=2)
    x = torch.randn(4, 2, 7, 6, generator=generator)
    model = convert(nn.Sequential(conv), quantization=Quantization(), calibration=[x])
    trace = trace_operands(model, [x[:2], x[2:]], length=512)["0"]
    hold = trace.hold
    assert hold == 16  # 24 positions a batch
    possible = {
        (w, tuple(seen[start : start + hold]))
        for part in (x[:2], x[2:])
        for w, seen in streams(model[0], part).values()
        for start in range(len(seen) - hold + 1)
    }
    drawn = [(int(w[0]), tuple(a)) for w, a in zip(trace.held_weights, trace.a.reshape(-1, hold).tolist(), strict=True)]
    assert len(drawn) == 32
    assert set(drawn) <= possible
    assert len(set(drawn)) > 25


def test_linear_layer_holds_its_weights_over_the_images(generator):
    x = torch.randn(100, 5, generator=generator)
    model = convert(nn.Sequential(nn.Linear(5, 3)), quantization=Quantization(), calibration=[x])
    trace = trace_operands(model, [x], length=256)["0"]
    layer = model[0]
    codes = layer.activation_quantizer.codes(x).numpy()
    weights = layer.weight_quantizer.codes(layer.weight).numpy()
    expected = np.zeros_like(trace.histogram)
    for image, o, k in product(range(100), range(3), range(5)):
        expected[codes[image, k] & 255, weights[o, k] & 255] += 1
    assert np.array_equal(trace.histogram, expected)
    assert trace.hold == HOLD
    for w, stretch in zip(trace.held_weights[:, 0], trace.a.reshape(-1, HOLD), strict=True):
        assert any(
            w in weights[:, k] and any(np.array_equal(codes[s : s + HOLD, k], stretch) for s in range(100 - HOLD + 1))
            for k in range(5)
        )


def test_stretches_begin_evenly_in_all_batches():
    values = [torch.full((640, 1), v) for v in (0.0, 0.5)] + [torch.full((1280, 1), 1.0)]
    model = convert(nn.Sequential(nn.Linear(1, 1)), quantization=Quantization(), calibration=[torch.ones(1, 1)])
    trace = trace_operands(model, values, length=64 * 1000)["0"]
    _, counts = np.unique(trace.a.reshape(-1, 64)[:, 0], return_counts=True)
    assert counts == pytest.approx([250, 250, 500], abs=60)


def test_same_seed_same_trace_and_the_network_is_as_before(network_and_images):
    model, images = network_and_images
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    arithmetic = model[0].arithmetic
    first, again, other = (trace_operands(model, [images], length=128, seed=seed) for seed in (3, 3, 4))
    for name in first:
        assert np.array_equal(first[name].a, again[name].a)
        assert np.array_equal(first[name].histogram, other[name].histogram)
    assert not np.array_equal(first["0"].a, other["0"].a)
    assert model[0].arithmetic is arithmetic
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert list(first) == ["0", "2"]
    assert first.images == len(images)


@pytest.fixture
def network_and_images(generator):
    images = torch.randn(6, 3, 8, 8, generator=generator)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 5, 1)).eval()
    return convert(network, quantization=Quantization(activation="symmetric"), calibration=[images]), images


def test_emulated_network_is_traced_as_it_computes(network_and_images):
    model, images = network_and_images
    exact = trace_operands(model, [images], length=128)
    zeros = np.zeros((256, 256), np.int32)
    nothing = Multiplier.from_table("nothing", zeros, signed_a=True, signed_b=True)
    assign(model, {"0": Choice(nothing)})
    assert isinstance(model[0].arithmetic, Emulated)
    emulated = trace_operands(model, [images], length=128)
    assert np.array_equal(exact["0"].histogram, emulated["0"].histogram)
    # All that comes through is the bias of each channel.
    assert np.count_nonzero(emulated["2"].histogram.sum(axis=1)) <= 4
    assert np.count_nonzero(exact["2"].histogram.sum(axis=1)) > 4
    assert len(np.unique(emulated["2"].sample.rows)) <= 4


def test_error_model_takes_a_trace_in_place_of_the_network(network_and_images):
    model, images = network_and_images
    table = Multiplier.exact(8, 8, signed_a=True, signed_b=True).table & ~7
    choices = [Choice(Multiplier.from_table("truncated", table, signed_a=True, signed_b=True))]
    trace = trace_operands(model, [images], length=64, rows=50, seed=2)
    for name, operands in sample_operands(model, [images], rows=50, seed=2).items():
        from_trace, from_network = predict_errors(trace[name].sample, choices), predict_errors(operands, choices)
        assert np.array_equal(from_trace.channel_mean, from_network.channel_mean)
        assert np.array_equal(from_trace.channel_std, from_network.channel_std)
        assert from_trace.output_std == from_network.output_std


def test_refusals(network_and_images):
    model, images = network_and_images
    with pytest.raises(InputError, match="length: 100 operand pairs"):
        trace_operands(model, [images], length=100)
    with pytest.raises(ConversionError, match="no converted layer"):
        trace_operands(nn.Linear(2, 2), [torch.ones(1, 2)])
