import math

import pytest
import torch
from torch import Tensor, nn

from agnsim.errors import InputError, TrainingError
from agnsim.nn import Noisy, Quantized, approx_layers, convert, layer_shapes
from agnsim.noise import NoiseSearch, search_noise
from agnsim.noise.search import SIGMA_MIN, mac_shares, noise_reward
from agnsim.quantization import Quantization
from agnsim.types import LayerShape

SAMPLE = torch.zeros(1, 1, 8, 8)


def _data() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(64) % 2
    x = torch.rand(64, 1, 8, 8, generator=generator) + 0.8 * y[:, None, None, None]
    return [(x[:32], y[:32]), (x[32:], y[32:])]


def _network(**quantization) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    return convert(model, quantization=Quantization(**quantization), calibration=_data())


def _search(model: nn.Module, **settings) -> NoiseSearch:
    defaults = {"shapes": layer_shapes(model, SAMPLE), "noise_weight": 0.5, "epochs": 1, "seed": 0}
    return search_noise(model, _data(), **(defaults | settings))


def _no_task(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, dict]:
    return 0.0 * model(x).sum(), {}


def _shape(name: str, macs: int) -> LayerShape:
    return LayerShape(name, "conv2d", macs, 9, 4, 1, 36, (1, 8, 8), (4, 8, 8))


def test_gradient_of_sigma_has_its_closed_form() -> None:
    layer = approx_layers(_network())["0"]
    x, grad = torch.rand(3, 1, 8, 8), torch.randn(3, 4, 6, 6)
    with torch.no_grad():
        accurate = layer.eval()(x) - layer.bias[:, None, None]
    layer.arithmetic = noisy = Noisy(0.3, generator=torch.Generator().manual_seed(7))
    layer.train()
    (layer(x) * grad).sum().backward()
    eps = torch.randn(accurate.shape, generator=torch.Generator().manual_seed(7))
    d_sigma = accurate.std(correction=0) * (grad * eps).sum()
    assert float(noisy.log_sigma.grad) == pytest.approx(0.3 * float(d_sigma), rel=1e-4)


def test_gradient_of_the_reward_has_its_closed_form() -> None:
    noisy = {"small": Noisy(0.2), "large": Noisy(0.4), "capped": Noisy(0.6)}
    shares = mac_shares({name: _shape(name, macs) for name, macs in zip(noisy, (100, 300, 600), strict=True)}, noisy)
    reward = noise_reward(noisy, shares, sigma_max=0.5)
    reward.backward()
    assert float(reward.detach()) == pytest.approx(0.1 * 0.2 + 0.3 * 0.4 + 0.6 * 0.5)
    gradients = [float(arithmetic.log_sigma.grad) for arithmetic in noisy.values()]
    assert gradients == pytest.approx([0.1 * 0.2, 0.3 * 0.4, 0.0])


def test_sigma_grows_to_its_maximum_where_the_task_does_not_care() -> None:
    model = _network()
    found = _search(model, loss=_no_task, sigma_init=0.1, sigma_max=0.3, sigma_lr=0.1, epochs=10)
    assert found.sigma == {"0": pytest.approx(0.3), "5": pytest.approx(0.3)}


def test_dominant_layer_takes_more_noise_than_the_sensitive_last_one() -> None:
    found = _search(_network(), noise_weight=1.0, sigma_lr=0.1, sigma_max=1.0, epochs=30)
    assert found.sigma["0"] > 0.5
    assert found.sigma["5"] < found.sigma["0"]


def test_sigma_stays_within_its_bounds_without_a_reward() -> None:
    found = _search(_network(), noise_weight=0.0, sigma_init=2e-4, sigma_max=0.3, sigma_lr=0.5, epochs=2)
    assert all(SIGMA_MIN * 0.999 <= sigma <= 0.3001 for sigma in found.sigma.values())


def test_history_tells_the_task_loss_from_the_reward_and_keeps_every_sigma() -> None:
    model = _network()
    found = _search(model, epochs=2)
    assert [row["epoch"] for row in found.history] == [1, 2]
    assert {"loss", "task_loss", "accuracy", "lr", "seconds", "sigma"} <= found.history[0].keys()
    assert found.history[0]["loss"] < found.history[0]["task_loss"]
    assert found.history[-1]["sigma"] == found.sigma
    assert set(found.sigma) == {"0", "5"}


def test_weights_are_trained_and_layers_have_their_arithmetic_back() -> None:
    model = _network()
    before = model[0].weight.detach().clone()
    arithmetic = model[0].arithmetic
    _search(model)
    assert not torch.equal(before, model[0].weight)
    assert model[0].arithmetic is arithmetic
    assert not any(isinstance(module, Noisy) for module in model.modules())


def test_seed_decides_the_noise() -> None:
    first, again, other = (_search(_network(), seed=seed) for seed in (1, 1, 2))
    assert first.sigma == again.sigma
    assert first.sigma != other.sigma


def test_layer_kept_exact_is_not_searched_but_counts_in_the_shares() -> None:
    model = _network(first_layer="exact")
    shapes = layer_shapes(model, SAMPLE)
    assert set(_search(model).sigma) == {"5"}
    assert mac_shares(shapes, ["5"])["5"] == pytest.approx(shapes["5"].macs / sum(s.macs for s in shapes.values()))


def test_loss_that_is_not_finite_is_an_error_and_leaves_quantised_layers() -> None:
    model = _network()
    with pytest.raises(TrainingError, match="nan"):
        _search(model, loss=lambda network, x, y: (network(x).sum() * math.nan, {}))
    assert all(type(layer.arithmetic) is Quantized for layer in approx_layers(model).values())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise_weight": -1.0}, "noise_weight is -1.0"),
        ({"sigma_max": 0.0}, "sigma_max is 0.0"),
        ({"sigma_init": math.nan}, "sigma_init is nan"),
        ({"sigma_init": 0.2, "sigma_max": 0.1}, "lower sigma_init"),
        ({"shapes": {}}, "shapes lack the layers 0, 5"),
    ],
    ids=["noise weight", "sigma max", "sigma init", "sigma init above the maximum", "shapes"],
)
def test_wrong_settings_are_explained(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _search(_network(), **settings)


def test_network_that_was_not_converted_is_explained() -> None:
    with pytest.raises(InputError, match="convert it first"):
        search_noise(nn.Linear(2, 2), _data(), shapes={}, noise_weight=0.1, epochs=1)
