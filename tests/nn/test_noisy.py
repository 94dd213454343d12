"""The noise of a layer: how large it is per layer and per channel, smoothed, and what its gradient is."""

import json
import math

import pytest
import torch
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.nn import ApproxLayer, Noisy, approx_layers, convert, describe, rebuild
from agnsim.quantization import Quantization

SPREAD = torch.tensor([0.2, 1.0, 3.0])

INPUTS = {
    "conv": (8, 2, 12, 12),
    "conv, one image without a batch": (2, 40, 40),
    "linear": (500, 6),
    "linear on tokens": (20, 25, 6),
}


def _network(case: str) -> nn.Module:
    """One layer whose output channels spread by about 0.2 : 1 : 3, with means that differ."""
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, 3, bias=False) if case.startswith("conv") else nn.Linear(6, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.randn_like(layer.weight).abs() * SPREAD.view(-1, *[1] * (layer.weight.dim() - 1)))
    return convert(nn.Sequential(layer), quantization=Quantization(), calibration=[torch.rand(INPUTS[case])])


def _layer(case: str) -> tuple[ApproxLayer, Tensor, Tensor]:
    """Return the layer, an input and the accurate output, channels first."""
    layer = approx_layers(_network(case))["0"]
    x = torch.rand(INPUTS[case])
    return layer, x, _channels_first(case, layer.eval()(x).detach())


def _channels_first(case: str, y: Tensor) -> Tensor:
    axis = -1 if case.startswith("linear") else -3
    return y.movedim(axis, 0).flatten(1)


@pytest.mark.parametrize("case", INPUTS)
def test_every_channel_has_noise_in_proportion_to_its_own_spread(case: str) -> None:
    layer, x, accurate = _layer(case)
    layer.arithmetic = noisy = Noisy(channels=3, generator=torch.Generator().manual_seed(1))
    sigma = torch.tensor([0.5, 0.1, 0.02])
    with torch.no_grad():
        noisy.log_sigma.copy_(sigma.log())
    noise = _channels_first(case, layer.train()(x).detach()) - accurate
    torch.testing.assert_close(noise.std(1) / accurate.std(1), sigma, rtol=0.15, atol=0)
    expected = (noise.square().mean(1).mean().sqrt() / accurate.std()).item()
    assert float(noisy.layer_sigma.detach()) == pytest.approx(expected, rel=0.1)
    wanted = (sigma * accurate.std(1, correction=0)).square().mean().sqrt() / accurate.std(correction=0)
    assert float(noisy.layer_sigma.detach()) == pytest.approx(float(wanted), rel=1e-4)


def test_single_vector_has_no_spread_and_no_noise() -> None:
    layer, _, _ = _layer("linear")
    x = torch.rand(6)
    layer.arithmetic = Noisy(channels=3)
    torch.testing.assert_close(layer.train()(x), layer.eval()(x), atol=1e-9, rtol=0)


def test_gradient_of_a_channels_sigma_has_its_closed_form() -> None:
    layer, x, _ = _layer("conv")
    layer.arithmetic = noisy = Noisy(0.3, channels=3, generator=torch.Generator().manual_seed(7))
    accurate = layer.eval()(x).detach()
    grad = torch.randn_like(accurate)
    (layer.train()(x) * grad).sum().backward()
    eps = torch.randn(accurate.shape, generator=torch.Generator().manual_seed(7))
    wanted = 0.3 * accurate.std((0, 2, 3), correction=0) * (grad * eps).sum((0, 2, 3))
    torch.testing.assert_close(noisy.log_sigma.grad, wanted, rtol=1e-4, atol=1e-4)


def _noise(layer: ApproxLayer, x: Tensor) -> float:
    return float((layer.train()(x) - layer.eval()(x)).detach().std())


@pytest.mark.parametrize("channels", [None, 3], ids=["layer", "channels"])
def test_smoothed_noise_follows_the_running_average_that_begins_with_the_first_batch(channels: int | None) -> None:
    layer, x, accurate = _layer("linear")
    layer.arithmetic = noisy = Noisy(0.5, channels=channels, std_smoothing=0.75)
    dims = {} if channels is None else {"dim": 1}
    first = accurate.std(correction=0, **dims)
    layer.train()(x)
    torch.testing.assert_close(noisy.average_std, first, rtol=1e-5, atol=1e-7)
    with torch.no_grad():
        layer.train()(0 * x)  # constant output: no spread of its own
    torch.testing.assert_close(noisy.average_std, 0.75 * first, rtol=1e-5, atol=1e-7)
    assert _noise(layer, 0 * x) == pytest.approx(0.5 * 0.75**2 * float(first.square().mean().sqrt()), rel=0.1)


def test_smoothing_is_the_identity_where_every_batch_is_the_same() -> None:
    layer, x, _ = _layer("conv")
    outputs = []
    for smoothing in (0.0, 0.9):
        layer.arithmetic = Noisy(0.3, std_smoothing=smoothing, generator=torch.Generator().manual_seed(2))
        outputs.append([layer.train()(x).detach() for _ in range(3)])
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.9])
@pytest.mark.parametrize("channels", [None, 3], ids=["layer", "channels"])
def test_gradient_sees_that_noise_grows_with_the_output(channels: int | None, smoothing: float) -> None:
    """A loss that knows directions only cannot be lowered by scaling all outputs: Euler's theorem for degree 0.

    `sum(weight * gradient)` is the derivative in the direction of a scaling of the output.
    """
    layer, x, _ = _layer("linear")
    layer.arithmetic = Noisy(0.5, channels=channels, std_smoothing=smoothing)
    layer.train()(0.1 * x)  # an average that is not this batch's
    torch.nn.functional.normalize(layer(x), dim=1).mul(torch.tensor([1.0, -2.0, 3.0])).sum().backward()
    terms = (layer.weight_quantizer(layer.weight) * layer.weight.grad).detach()
    assert abs(float(terms.sum())) < 1e-4 * float(terms.abs().sum())


def test_no_noise_and_no_averages_in_evaluation() -> None:
    layer, x, _ = _layer("conv")
    expected = layer.eval()(x)
    layer.arithmetic = noisy = Noisy(0.5, channels=3, std_smoothing=0.5)
    assert torch.equal(layer.eval()(x), expected)
    assert noisy.average_std.isnan().all()
    assert noisy.channel_share.isnan().all()
    assert float(noisy.layer_sigma.detach()) == pytest.approx(0.5)


def test_only_the_noise_level_is_part_of_a_checkpoint() -> None:
    assert list(Noisy(channels=3, std_smoothing=0.5).state_dict()) == ["log_sigma"]


def test_description_makes_the_same_noise_again() -> None:
    model = _network("conv")
    approx_layers(model)["0"].arithmetic = Noisy(0.2, channels=3, std_smoothing=0.5)
    description = json.loads(json.dumps(describe(model)))
    assert description["layers"]["0"]["arithmetic"] == {"kind": "noisy", "channels": 3, "std_smoothing": 0.5}
    again = rebuild(nn.Sequential(nn.Conv2d(2, 3, 3, bias=False)), description)
    again.load_state_dict(model.state_dict())
    arithmetic = approx_layers(again)["0"].arithmetic
    assert isinstance(arithmetic, Noisy)
    assert arithmetic.std_smoothing == 0.5
    assert arithmetic.sigma.tolist() == pytest.approx([0.2] * 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma_init": 0.0}, "sigma_init: 0.0 is not positive"),
        ({"std_smoothing": 1.0}, "std_smoothing is 1.0; allowed"),
        ({"std_smoothing": math.nan}, "std_smoothing is nan"),
        ({"channels": 0}, "channels is 0"),
    ],
    ids=["sigma", "smoothing of 1", "smoothing nan", "channels"],
)
def test_wrong_settings_are_explained(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Noisy(**options)


def test_noise_of_another_layer_is_refused() -> None:
    layer, _, _ = _layer("conv")
    with pytest.raises(InputError, match="layer '0' has 3 output channels, its noise has 4"):
        layer.arithmetic = Noisy(channels=4)
