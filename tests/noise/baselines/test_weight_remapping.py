"""Which code takes the place of which, against the definition; that networks then hold exactly these codes."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import agnsim
from agnsim.errors import InputError, UnknownName
from agnsim.multipliers import Choice, Multiplier, load_library
from agnsim.nn import approx_layers, assign, sample_operands
from agnsim.noise import measure_errors, predict_errors
from agnsim.noise.baselines import RemappedChoice, remap_codes, remap_weights
from agnsim.quantization import Quantization

LIBRARY = load_library("builtin")
CHOICES = {
    "sign-magnitude": Choice(LIBRARY["mul8u_column_truncation_k7"], False, "unsigned", "sign_magnitude"),
    "offset, swapped": Choice(LIBRARY["mul8u_lower_or_k8"], True, "unsigned", "offset"),
}


def by_definition(multiplier: Multiplier, codes_a: range, codes_w: range, zero: int, shares: np.ndarray) -> list[int]:
    a = np.array(codes_a)
    found = []
    for code in codes_w:
        cost = {
            other: float(shares @ np.abs(multiplier.product(a, np.array(other)) - zero * other - (a - zero) * code))
            for other in codes_w
        }
        least = min(cost.values())
        best = [other for other in codes_w if cost[other] <= least * (1 + 1e-9)]
        found.append(min(best, key=lambda other: (abs(other - code), other)))
    return found


@pytest.mark.parametrize("weighted", [False, True], ids=["uniform", "histogram"])
@pytest.mark.parametrize("zero", [0, 3])
def test_equals_the_definition(zero: int, weighted: bool) -> None:
    table = (
        np.random.default_rng(0).integers(-40, 40, size=(16, 16))
        + Multiplier.exact(4, 4, signed_a=False, signed_b=True).table
    )
    multiplier = Multiplier.from_table("noisy", table, bits_a=4, bits_b=4, signed_a=False, signed_b=True)
    shares = np.random.default_rng(1).integers(0, 9, 16).astype(float)
    found = remap_codes(multiplier, range_w=(-7, 7), zero_point_a=zero, shares=shares if weighted else None)
    expected = by_definition(multiplier, range(16), range(-7, 8), zero, shares if weighted else np.ones(16))
    assert found.dtype == np.int32
    assert found.tolist() == expected
    assert found.tolist() != list(range(-7, 8))


def test_exact_circuit_changes_no_weight() -> None:
    effective = Choice(LIBRARY["mul8u_array"], False, "unsigned", "sign_magnitude").effective
    assert remap_codes(effective).tolist() == list(range(-127, 128))


def test_two_codes_of_equal_products_leave_the_weight_alone() -> None:
    # Odd weights are taken for the even ones below. To 3 a, the products of 2, 3 (2 a) and 4 (4 a) are as near.
    patterns = np.arange(16)
    table = np.outer(patterns, patterns & ~1)
    multiplier = Multiplier.from_table("even", table, bits_a=4, bits_b=4, signed_a=False, signed_b=False)
    assert remap_codes(multiplier).tolist() == patterns.tolist()


@pytest.mark.parametrize("choice", CHOICES)
def test_remapped_choice_has_the_products_of_what_replaces_each_weight(choice: str) -> None:
    given = CHOICES[choice]
    codes, zero = remap_codes(given.effective, range_w=(-127, 127), zero_point_a=5), 5
    remapped = RemappedChoice.of_codes(given, codes, first=-127, zero_point_a=zero).effective
    for a, w in itertools.product((0, 1, 77, 255), (-127, -30, 0, 1, 126)):
        replaced = int(codes[w + 127])
        expected = int(given.effective.product(a, replaced)) - zero * (replaced - w)
        assert int(remapped.product(a, w)) == expected
    assert (remapped.range_a, remapped.range_b) == (given.effective.range_a, given.effective.range_b)
    factors = remapped.factors
    assert factors is None or np.array_equal(factors.scale * (factors.u.T @ factors.v), remapped.table)


def network(*, learnable: bool = False) -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(64, 5))
    data = [torch.rand(8, 2, 8, 8)]
    return agnsim.convert(layers.eval(), quantization=Quantization(learnable=learnable), calibration=data)


@pytest.mark.parametrize("learnable", [False, True])
def test_network_holds_exactly_the_codes_and_keeps_them_when_deployed(learnable: bool) -> None:
    model = network(learnable=learnable)
    data = [torch.rand(8, 2, 8, 8)]
    assign(model, dict.fromkeys(approx_layers(model), CHOICES["sign-magnitude"]), calibration=data)
    layers = approx_layers(model)
    before = {name: layer.weight_quantizer.codes(layer.weight) for name, layer in layers.items()}
    scales = {name: layer.weight_quantizer.scale.clone() for name, layer in layers.items()}
    generator = np.random.default_rng(0)
    maps = {name: generator.integers(-127, 128, 255).astype(np.int32) for name in list(layers)[1:]}
    remap_weights(model, maps)
    for name, layer in layers.items():
        wanted = before[name] if name not in maps else torch.from_numpy(maps[name])[(before[name] + 127).long()]
        assert torch.equal(layer.weight_quantizer.codes(layer.weight), wanted)
        assert torch.equal(layer.weight_quantizer.scale, scales[name])
    deployed = agnsim.deploy(model)
    stored = [
        module.weight for module in deployed.modules() if isinstance(getattr(module, "weight", None), torch.Tensor)
    ]
    for layer in layers.values():
        codes = layer.weight_quantizer.codes(layer.weight)
        assert any(codes.shape == own.shape and torch.equal(codes, own.to(codes.dtype)) for own in stored)


def test_error_model_knows_the_network_with_other_weights() -> None:
    """The error of a remapped choice is that of the changed weights against the unchanged ones, means included."""
    model = network()
    data = [torch.rand(16, 2, 8, 8)]
    sample = sample_operands(model, data, rows=256)["2"]
    choice = CHOICES["sign-magnitude"]
    layer = approx_layers(model)["2"]
    rows = layer.activation_quantizer
    codes = remap_codes(choice.effective, range_w=(-127, 127), zero_point_a=sample.zero_point_a)
    remapped = RemappedChoice.of_codes(choice, codes, first=-127, zero_point_a=sample.zero_point_a)
    found = measure_errors(sample, [remapped], range_a=(rows.qmin, rows.qmax), range_w=(-127, 127))
    replaced = codes[sample.weights + 127]
    products = choice.effective.product(sample.rows[:, None, :], replaced[None]).sum(2)
    products = products - sample.zero_point_a * replaced.sum(1)
    exact = (sample.rows - sample.zero_point_a) @ sample.weights.T
    assert found.channel_mean[0] == pytest.approx((products - exact).mean(0) * sample.output_scale)
    plain, better = predict_errors(sample, [choice, remapped]).std
    assert better < plain


def test_mistakes_are_named() -> None:
    effective = CHOICES["sign-magnitude"].effective
    with pytest.raises(InputError, match=r"weight codes -128\.\.127 are not within the port's -127\.\.127"):
        remap_codes(effective, range_w=(-128, 127))
    for shares in (np.ones(3), np.zeros(256), np.full(256, -1.0)):
        with pytest.raises(InputError, match="shares of shape"):
            remap_codes(effective, shares=shares)
    model = network()
    with pytest.raises(UnknownName, match="'4x'"):
        remap_weights(model, {"4x": np.arange(-127, 128, dtype=np.int32)})
    with pytest.raises(InputError, match=r"layer '4' has weight codes -127\.\.127"):
        remap_weights(model, {"4": np.arange(-128, 128, dtype=np.int32)})
