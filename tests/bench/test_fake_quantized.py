"""The rival that everything is compared with is the same network."""

import copy

import pytest
import torch
from torch import nn

from agnsim.bench.fake_quantized import FakeQuantized, fake_quantized
from agnsim.errors import ConversionError
from agnsim.nn import approx_layers, convert
from agnsim.quantization import Quantization


@pytest.fixture
def converted() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        nn.Conv2d(8, 6, (2, 3), dilation=(1, 2)),
        nn.Flatten(),
        nn.Linear(12 * 6, 5),
    ).eval()
    images = torch.randn(8, 3, 14, 12)
    with torch.no_grad():
        size = model[:6](images).shape[1]
    model[6] = nn.Linear(size, 5)
    return convert(model, quantization=Quantization(), calibration=[images])


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(4, 3, 14, 12, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_every_layer_gives_what_the_quantised_layer_gives(converted: nn.Module, images: torch.Tensor) -> None:
    rival = fake_quantized(converted)
    assert not approx_layers(rival)
    x = images
    for mine, theirs in zip(converted, rival, strict=True):
        # one code apart where a value lies between two; layer by layer, so that it is not carried on
        difference, x = (mine(x) - theirs(x)).abs(), mine(x)
        assert (difference <= 1e-4 * x.abs().max()).float().mean() > 0.98
        assert difference.max() <= 0.05 * x.abs().max()


def test_it_is_quantised(converted: nn.Module, images: torch.Tensor) -> None:
    rival = fake_quantized(converted)
    for layer in (module for module in rival.modules() if isinstance(module, FakeQuantized)):
        assert all(len(row.unique()) <= 255 for row in layer._fake_weight().flatten(1))
    assert torch.equal(rival(images), rival(images + 1e-7 * rival[0].activation[0]))


def test_gradients_are_straight_through(converted: nn.Module, images: torch.Tensor) -> None:
    rival, mine = fake_quantized(converted).train(), copy.deepcopy(converted).train()
    for model in (rival, mine):
        model(images).square().sum().backward()
    for one, other in zip(rival.parameters(), mine.parameters(), strict=True):
        similarity = torch.cosine_similarity(one.grad.flatten(), other.grad.flatten(), dim=0)
        assert one.grad.abs().sum() > 0
        assert similarity > 0.99


def test_kept_weights_do_not_outlive_training(converted: nn.Module, images: torch.Tensor) -> None:
    rival = fake_quantized(converted)
    before = rival(images)
    rival.train()
    with torch.no_grad():
        rival[0].weight.mul_(0.5)
    rival.eval()
    assert not torch.equal(rival(images), before)


def test_uneven_padding_is_refused() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 2, padding="same"))
    converted = convert(model, quantization=Quantization(), calibration=[torch.randn(2, 1, 4, 4)])
    with pytest.raises(ConversionError, match="layer '0': it pads unevenly"):
        fake_quantized(converted)
