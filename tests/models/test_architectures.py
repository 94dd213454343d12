"""Sizes, names and traceability of the networks."""

import pytest
import torch
from torch import Tensor, nn

from agnsim.models import PaddedShortcut, build_model, models

PARAMETERS_AND_MACS = {
    "lenet5": (62_006, 651_720),
    "resnet8": (75_290, 12_239_488),
    "resnet14": (172_506, 26_395_264),
    "resnet20": (269_722, 40_551_040),
    "resnet32": (464_154, 68_862_592),
    "resnet44": (658_586, 97_174_144),
    "resnet56": (853_018, 125_485_696),
    "vgg16_bn": (14_728_266, 313_201_664),
    "mobilenet_v2": (2_236_682, 87_976_448),
}
SMALL = {name: {} for name in models} | {
    name: {"width": 4} for name in ("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn")
}


def macs(model: nn.Module, sample: Tensor) -> int:
    total = 0

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        total += output[0].numel() * module.weight[0].numel()

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad():
        model.eval()(sample)
    return total


@pytest.mark.parametrize("name", PARAMETERS_AND_MACS)
def test_parameter_and_mac_counts(name: str) -> None:
    model = build_model(name)
    counts = sum(p.numel() for p in model.parameters()), macs(model, torch.zeros(1, 3, 32, 32))
    assert counts == PARAMETERS_AND_MACS[name]


@pytest.mark.parametrize("name", [n for n in models if n not in ("resnet44", "resnet56")])
@pytest.mark.parametrize("size", [8, 9, 28, 32])
def test_any_image_size_and_class_count(name: str, size: int) -> None:
    model = build_model(name, num_classes=7, in_channels=1, **SMALL[name]).eval()
    with torch.no_grad():
        assert model(torch.zeros(2, 1, size, size)).shape == (2, 7)


@pytest.mark.parametrize("name", ["lenet5", "resnet8", "vgg11_bn", "mobilenet_v2"])
def test_torch_fx_traces_to_the_same_outputs(name: str) -> None:
    model = build_model(name, **SMALL[name]).eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(torch.fx.symbolic_trace(model)(x), model(x))


def test_resnet_width_scales_every_stage() -> None:
    model = build_model("resnet8", width=5)
    assert [model.get_submodule(f"layer{i}.0.conv2").out_channels for i in (1, 2, 3)] == [5, 10, 20]


def test_shortcut_keeps_every_second_pixel_between_channels_of_zeros() -> None:
    x = torch.arange(2 * 3 * 5 * 5, dtype=torch.float32).reshape(2, 3, 5, 5)
    y = PaddedShortcut(3, 6, 2)(x)
    assert y.shape == (2, 6, 3, 3)
    assert torch.equal(y[:, 1:4], x[:, :, ::2, ::2])
    assert y[:, [0, 4, 5]].abs().sum() == 0


def test_lenet_leaves_a_32_pixel_image_as_it_is() -> None:
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(build_model("lenet5").resize(x), x)
