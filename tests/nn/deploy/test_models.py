"""Every network of this package, and torchvision's families, deploy and classify as their training graph does."""

import pytest
import torch
from torch import fx, nn

from agnsim.models import build_model, models
from agnsim.nn import convert
from agnsim.nn.deploy import deploy
from agnsim.quantization import Quantization

WIDTHS = {f"vgg{depth}_bn": {"width": 8} for depth in (11, 13, 16, 19)} | {
    "mobilenet_v2": {"width_multiplier": 0.5},
    **{f"resnet{depth}": {"width": 8} for depth in (8, 14, 20, 32, 44, 56)},
}
TORCHVISION = ["resnet18", "resnet50", "mobilenet_v2", "densenet121"]


def quantized(model, x):
    """Return the network in 8-bit integers, its batch norms with the statistics of `x`."""
    model.train()
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            if name.endswith("bn3"):  # a bottleneck's last: untrained, 16 of full size double every difference
                nn.init.constant_(module.weight, 0.2)
    with torch.no_grad():
        model(x)
    return convert(model.eval(), quantization=Quantization(), calibration=[x])


class Dtypes(fx.Interpreter):
    """Notes the type of every tensor between the quantised image and the logits."""

    def __init__(self, module):
        super().__init__(module)
        self.between = set()

    def run_node(self, n):
        result = super().run_node(n)
        is_end = n.op in ("placeholder", "output") or n.target == "logits"
        if isinstance(result, torch.Tensor) and not is_end:
            self.between.add(result.dtype)
        return result


def check(model, x):
    deployed = deploy(model)
    with torch.no_grad():
        expected = model(x)
    found = deployed(x)
    agree = (found.argmax(1) == expected.argmax(1)).float().mean()
    assert agree >= 0.9
    # In an untrained deep network one code on a rounding boundary may change an image's logits visibly.
    assert (found - expected).abs().amax(1).median() < 0.1 * expected.std()
    dtypes = Dtypes(deployed.steps)
    assert torch.equal(dtypes.run(x), found)
    assert dtypes.between <= {torch.int8, torch.uint8, torch.int32}


@pytest.mark.parametrize("name", models)
def test_own_networks(name):
    torch.manual_seed(0)
    x = torch.randn(24, 3, 28, 28)
    check(quantized(build_model(name, **WIDTHS.get(name, {})), x), x)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_networks(name):
    torch.manual_seed(0)
    x = torch.randn(16, 3, 64, 64)
    check(quantized(build_model(f"torchvision:{name}"), x), x)
