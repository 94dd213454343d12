"""What is folded into the rescaling is what the training graph does in floating point."""

import pytest
import torch
from torch import nn

from agnsim.nn import approx_layers, convert
from agnsim.nn.deploy import compare_deployed, deploy
from agnsim.quantization import Quantization

GAMMAS = {"negative": -0.7, "zero": 0.0, "tiny": 1e-12, "large": 300.0}


def converted(model, x, **settings):
    return convert(model.eval(), quantization=Quantization(**settings), calibration=[x])


@pytest.mark.parametrize("behind", ["layer", "relu", "sum"])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_batch_norm_of_any_weight(gamma, behind, images):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 4, 3, padding=1)
            self.norm = nn.BatchNorm2d(4, eps=1e-3)
            self.last = nn.Conv2d(4, 2, 1)

        def forward(self, x):
            y = self.first(x)
            y = {"layer": lambda: y, "relu": lambda: y.relu(), "sum": lambda: y + y}[behind]()
            return self.last(self.norm(y).relu())

    model = Network()
    with torch.no_grad():
        model.norm.weight.copy_(torch.tensor([1.0, GAMMAS[gamma], -1.0, 0.5]))
        model.norm.bias.copy_(torch.tensor([0.1, 0.2, 0.5, -0.1]))
        model.norm.running_mean.copy_(torch.tensor([0.2, -0.1, 0.0, 3.0]))
        model.norm.running_var.copy_(torch.tensor([0.5, 2.0, 1e-9, 4.0]))
    model = converted(model, images)
    deployed = deploy(model)
    assert all(difference.differing < 1e-3 for difference in compare_deployed(model, deployed, [images]))
    expected = model(images)
    assert (deployed(images) - expected).abs().mean() < 1e-4 * expected.std()


def test_batch_norm_without_weights_behind_a_linear_layer(images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU(), nn.Linear(6, 3))
    with torch.no_grad():
        model[2].running_mean.uniform_(-1, 1)
        model[2].running_var.uniform_(0.5, 2)
    model = converted(model, images)
    assert torch.allclose(deploy(model)(images), model(images), atol=1e-3)


def test_clamps_of_every_kind(images):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Conv2d(3, 3, 1) for _ in range(4)])
            self.tanh = nn.Hardtanh(-0.5, 0.25)

        def forward(self, x):
            x = self.tanh(self.layers[0](x))
            x = torch.clamp(self.layers[1](x), min=-0.1).clamp(max=0.3)
            return self.layers[3](nn.functional.relu6(self.layers[2](x)))

    model = converted(Network(), images)
    assert torch.allclose(deploy(model)(images), model(images), atol=5e-3)


def test_layers_that_read_one_value_on_different_grids(images):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            x = self.stem(x).relu()
            return torch.cat([self.a(x), self.b(x)], 1).mean((2, 3))

    model = converted(Network(), images)
    layers = approx_layers(model)
    same = deploy(model)
    assert not any("codes" in step["name"] for step in same.describe()["steps"])
    layers["b"].activation_quantizer.scale.mul_(1.7)
    deployed = deploy(model)
    assert sum("codes" in step["name"] for step in deployed.describe()["steps"]) == 2
    assert torch.allclose(deployed(images), model(images), atol=1e-3)
    assert not torch.equal(deployed(images), same(images))


def test_images_that_are_averaged_before_they_are_quantised(images):
    model = converted(nn.Sequential(nn.AvgPool2d(2), nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.Flatten()), images)
    deployed = deploy(model)
    assert torch.allclose(deployed(images), model(images), atol=2e-2)


def test_a_layer_that_runs_twice(images):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return self.conv(self.conv(x).relu()).view(x.size(0), x.shape[1] * 64)

    model = converted(Twice(), images)
    deployed = deploy(model)
    assert [layer.layer for layer in deployed.layers] == ["conv", "conv"]
    assert torch.allclose(deployed(images), model(images), atol=1e-3)


def test_a_single_layer(images):
    model = converted(nn.Conv2d(3, 4, 3), images)
    assert torch.allclose(deploy(model)(images), model(images), atol=1e-4)
