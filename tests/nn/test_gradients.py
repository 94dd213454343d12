import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from agnsim.multipliers import Choice, Encoding, Multiplier
from agnsim.nn import Emulated, Noisy, convert
from agnsim.quantization import Quantization


def reference(layer, x):
    """The layer on fake-quantised operands, by PyTorch's own differentiation."""
    a, w = layer.activation_quantizer(x), layer.weight_quantizer(layer.weight)
    if isinstance(layer, nn.Linear):
        return F.linear(a, w, layer.bias)
    if layer.padding == "same":  # asymmetric for this kernel
        return F.conv2d(F.pad(a, (1, 2, 0, 1)), w, layer.bias)
    return F.conv2d(a, w, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups)


LAYERS = {
    "conv": lambda: nn.Conv2d(4, 6, 3, padding=1, stride=2),
    "depthwise-dilated": lambda: nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=4),
    "same-even": lambda: nn.Conv2d(4, 6, (2, 4), padding="same", bias=False),
    "linear": lambda: nn.Linear(6, 5),
    "linear-1d": lambda: nn.Linear(6, 5),
}


def clipped(model):
    """Halve the scales, so that both operands clip."""
    for quantizer in (model[0].activation_quantizer, model[0].weight_quantizer):
        with torch.no_grad():
            quantizer.scale.mul_(0.5)
    return model


@pytest.mark.parametrize("learnable", [False, True], ids=["fixed", "learnable"])
@pytest.mark.parametrize("encoding", [Encoding.UNSIGNED, Encoding.SIGN_MAGNITUDE])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_backward_is_that_of_the_exact_product_of_fake_quantised_operands(
    kind, encoding, learnable, rng, rough_unsigned
):
    shape = {"linear": (3, 4, 6), "linear-1d": (6,)}.get(kind, (2, 4, 7, 6))
    data = torch.randn(*shape, generator=rng)
    quantization = Quantization(activation_calibration="minmax", learnable=learnable)
    exact = Multiplier.exact(8, 8, signed_a=False, signed_b=False)
    model = nn.Sequential(LAYERS[kind]())
    gradients = []
    for circuit in (None, exact, rough_unsigned):
        made = convert(
            model,
            quantization=quantization,
            calibration=[data],
            assignment={"0": Choice(circuit or exact, encoding_w=encoding)},
        )
        layer = clipped(made)[0]
        x = data.clone().requires_grad_()
        y = reference(layer, x) if circuit is None else made(x)
        weights = torch.linspace(-1, 1, y.numel()).view(y.shape)
        parameters = [x, *(p for _, p in sorted(layer.named_parameters()))]
        gradients.append(torch.autograd.grad((y * weights).sum(), parameters))
    assert len(gradients[0]) == 2 + (layer.bias is not None) + 2 * learnable
    assert (gradients[0][0] == 0).any()
    for other in gradients[1:]:
        for expected, found in zip(gradients[0], other, strict=True):
            assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_training_through_an_approximate_multiplier_lowers_the_loss(network, images, rough_unsigned):
    choice = Choice(rough_unsigned, encoding_w=Encoding.SIGN_MAGNITUDE)
    labels = torch.arange(6) % 5
    model = convert(
        network.train(),
        quantization=Quantization(),
        calibration=[images],
        assignment=dict.fromkeys(("0", "3", "4", "7"), choice),
    )
    assert model.training
    assert isinstance(model[0].arithmetic, Emulated)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_a_layer_used_twice_and_a_frozen_weight(rng):
    model = nn.Sequential(nn.Linear(4, 4))
    x = torch.randn(8, 4, generator=rng)
    model = convert(model, quantization=Quantization(learnable=True), calibration=[x])
    model[0].weight.requires_grad_(False)
    model(model(x)).square().sum().backward()
    assert model[0].weight.grad is None
    assert model[0].bias.grad.abs().sum() > 0
    assert model[0].activation_quantizer.scale.grad.abs().sum() > 0


@pytest.mark.parametrize("sigma", [0.05, 0.5])
def test_noise_is_relative_to_the_whole_output_and_only_in_training(sigma, rng):
    x = torch.randn(400, 16, generator=rng)
    model = convert(nn.Sequential(nn.Linear(16, 32)), quantization=Quantization(), calibration=[x])
    with torch.no_grad():
        model[0].bias.fill_(1000.0)  # must not enter the deviation
        clean = model(x)
        model[0].arithmetic = Noisy(sigma, generator=torch.Generator().manual_seed(1))
        noise = model(x) - clean
        again = copy.deepcopy(model[0])
        again.arithmetic = Noisy(sigma, generator=torch.Generator().manual_seed(1))
        assert torch.equal(again(x), clean + noise)
        assert noise.std() / clean.std() == pytest.approx(sigma, rel=0.05)
        assert abs(noise.mean() / noise.std()) < 0.05
        assert torch.equal(model.eval()(x), clean)


def test_noise_gradient_reaches_sigma_and_sigma_stays_positive(rng):
    x = torch.randn(10, 16, generator=rng)
    model = convert(nn.Sequential(nn.Linear(16, 4)), quantization=Quantization(), calibration=[x])
    model[0].arithmetic = noisy = Noisy(0.1)
    optimizer = torch.optim.SGD([noisy.log_sigma], lr=10.0)
    model(x).square().sum().backward()
    assert noisy.log_sigma.grad.abs() > 0
    optimizer.step()
    assert noisy.sigma > 0


def test_noise_on_a_constant_output_has_finite_gradients():
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    model = convert(nn.Sequential(layer), quantization=Quantization(), calibration=[torch.ones(4, 3)])
    model[0].arithmetic = Noisy(0.1)
    model(torch.ones(4, 3)).sum().backward()
    assert torch.isfinite(model[0].weight.grad).all()
