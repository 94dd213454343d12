import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from agnsim.errors import CheckpointError, InputError, TrainingError
from agnsim.nn import Noisy, Quantized, approx_layers, convert, layer_shapes
from agnsim.noise import SIGMA_MIN, NoiseSearch, search_noise
from agnsim.noise.search import mac_shares, noise_reward
from agnsim.quantization import Quantization
from agnsim.training import evaluate
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


@pytest.mark.parametrize("smoothing", [0.0, 0.9])
def test_search_per_channel_gives_every_layer_the_rms_of_its_channels(smoothing: float) -> None:
    model = _network()
    found = _search(
        model, per_channel=True, std_smoothing=smoothing, noise_weight=0.3, sigma_lr=0.1, sigma_max=1.0, epochs=5
    )
    assert {name: sigma.shape for name, sigma in found.channel_sigma.items()} == {"0": (4,), "5": (2,)}
    assert found.history[-1]["sigma"] == found.sigma
    layer = approx_layers(model)["0"]
    batches = [layer(x).detach() for x, _ in _data()]
    y = torch.cat(batches) - layer.bias.detach()[:, None, None]
    noise = found.channel_sigma["0"] * y.std((0, 2, 3)).double().numpy()
    assert found.sigma["0"] == pytest.approx(np.sqrt(np.mean(noise**2)) / float(y.std()), rel=0.1)
    assert len(set(found.channel_sigma["0"])) > 1


def test_search_per_layer_names_no_channels() -> None:
    assert _search(_network()).channel_sigma == {}


def test_reward_of_channels_is_their_mean() -> None:
    noisy = {"one": Noisy(0.2, channels=2), "two": Noisy(0.4, channels=4)}
    with torch.no_grad():
        noisy["one"].log_sigma[1] = math.log(0.8)
    reward = noise_reward(noisy, {"one": 0.25, "two": 0.75}, sigma_max=0.5)
    reward.backward()
    assert float(reward.detach()) == pytest.approx(0.25 * (0.2 + 0.5) / 2 + 0.75 * 0.4)
    assert noisy["one"].log_sigma.grad.tolist() == pytest.approx([0.25 * 0.2 / 2, 0.0])
    assert noisy["two"].log_sigma.grad.tolist() == pytest.approx([0.75 * 0.4 / 4] * 4)


def test_smoothing_reaches_the_noise() -> None:
    settings = {"sigma_lr": 0.1, "epochs": 3}
    assert _search(_network(), std_smoothing=0.9, **settings).sigma != _search(_network(), **settings).sigma


def test_searched_weights_are_usable_in_exact_arithmetic() -> None:
    model = _network()
    _search(model, noise_weight=0.1, lr=0.05, sigma_init=0.1, epochs=30)
    assert not model.training
    assert evaluate(model, _data()).top1 > 95


class Interrupted(Exception):
    pass


def _until(epoch: int, step: int):
    """Return a loss that ends the search in a step of an epoch (two steps each)."""
    calls = 0

    def loss(network: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, dict]:
        nonlocal calls
        calls += 1
        if calls > 2 * epoch + step:
            raise Interrupted
        return nn.functional.cross_entropy(network(x), y), {}

    return loss


KINDS = {
    "per layer": {},
    "smoothed": {"std_smoothing": 0.9},
    "per channel": {"per_channel": True},
    "per channel, smoothed": {"per_channel": True, "std_smoothing": 0.9},
    "global generator": {"seed": None},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("killed_in", [(1, 0), (1, 1), (2, 1), (3, 0)], ids=["1.0", "1.1", "2.1", "after the last"])
def test_resumed_search_is_bit_identical(kind: str, killed_in: tuple[int, int], tmp_path: Path) -> None:
    settings = {"epochs": 3, "sigma_lr": 0.1, **KINDS[kind]}
    whole, killed, file = _network(), _network(), tmp_path / "search.safetensors"
    torch.manual_seed(5)
    expected = _search(whole, loss=_until(3, 0), **settings)
    torch.manual_seed(5)
    if killed_in == (3, 0):
        _search(killed, loss=_until(3, 0), resume=file, **settings)
    else:
        with pytest.raises(Interrupted):
            _search(killed, loss=_until(*killed_in), resume=file, **settings)
    torch.manual_seed(99)
    resumed = _network()
    with torch.no_grad():
        resumed[0].weight.add_(1)  # everything must come from the file
    found = _search(resumed, loss=_until(3, 0), resume=file, **settings)
    assert found.sigma == expected.sigma
    assert found.channel_sigma.keys() == expected.channel_sigma.keys()
    assert all(np.array_equal(found.channel_sigma[name], expected.channel_sigma[name]) for name in found.channel_sigma)
    pairs = zip(resumed.state_dict().items(), whole.state_dict().items(), strict=True)
    assert all(name == other and torch.equal(a, b) for (name, a), (other, b) in pairs)
    without_time = [[{k: v for k, v in row.items() if k != "seconds"} for row in h.history] for h in (found, expected)]
    assert without_time[0] == without_time[1]


@pytest.mark.parametrize(
    "change",
    [{"noise_weight": 0.4}, {"seed": 1}, {"per_channel": True}, {"std_smoothing": 0.5}, {"sigma_lr": 0.1}],
    ids=lambda change: next(iter(change)),
)
def test_state_of_another_search_is_refused(change: dict, tmp_path: Path) -> None:
    file = tmp_path / "search.safetensors"
    _search(_network(), resume=file)
    with pytest.raises(CheckpointError, match=r"of a training with|belongs to another training"):
        _search(_network(), resume=file, **change)


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
        ({"std_smoothing": 1.0}, "std_smoothing is 1.0"),
        ({"shapes": {}}, "shapes lack the layers 0, 5"),
    ],
    ids=["noise weight", "sigma max", "sigma init", "sigma init above the maximum", "smoothing", "shapes"],
)
def test_wrong_settings_are_explained(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _search(_network(), **settings)


def test_network_that_was_not_converted_is_explained() -> None:
    with pytest.raises(InputError, match="convert it first"):
        search_noise(nn.Linear(2, 2), _data(), shapes={}, noise_weight=0.1, epochs=1)
