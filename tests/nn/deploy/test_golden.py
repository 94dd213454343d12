"""The deployed network equals its own description, evaluated in Python's integers, whatever engine and batch size."""

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from agnsim.errors import CheckpointError
from agnsim.multipliers import Choice, Encoding, Multiplier
from agnsim.nn import approx_layers, convert
from agnsim.nn.deploy import deploy
from agnsim.quantization import Quantization

NETWORKS = {
    "exact": (Quantization(), None),
    "exact-affine": (Quantization(activation="affine", weight="affine"), None),
    "exact-narrow": (Quantization(activation_bits=4, weight_bits=3, activation="symmetric"), None),
    "signed": (Quantization(), lambda u, s: Choice(s)),
    "unsigned-magnitude": (Quantization(), lambda u, s: Choice(u, encoding_w=Encoding.SIGN_MAGNITUDE)),
    "unsigned-affine": (Quantization(), lambda u, s: Choice(u, encoding_w=Encoding.UNSIGNED)),
    "swapped": (Quantization(), lambda u, s: Choice(s, True)),
}


@pytest.fixture
def network(residual, images, rough_unsigned, rough_signed):
    def make(name):
        quantization, choose = NETWORKS[name]
        names = [n for n, m in residual.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        choice = choose and choose(rough_unsigned, rough_signed)
        model = convert(
            residual,
            quantization=quantization,
            assignment={n: choice for n in names} if choice else None,
            calibration=[images],
        )
        if choice:
            for layer in approx_layers(model).values():
                layer.arithmetic.set_mean_correction(torch.linspace(-0.1, 0.1, len(layer.weight)))
        return model

    return make


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_its_description_in_python_integers(name, network, images, in_python):
    deployed = deploy(network(name))
    assert torch.equal(deployed(images[:2]), in_python(deployed, images[:2]))


@pytest.mark.parametrize("name", NETWORKS)
def test_is_close_to_the_training_graph(name, network, images):
    model = network(name)
    expected, found = model(images), deploy(model)(images)
    # A step of a random table's products is large: one flipped code moves a logit by that much.
    assert (found - expected).abs().max() < 0.1 * expected.std()
    assert found.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("exact-affine", "reference"),
        ("exact-affine", "factored"),
        ("exact-affine", "simd"),
        ("unsigned-magnitude", "reference"),
        ("unsigned-magnitude", "simd"),
    ],
)
def test_every_engine_and_batch_size_gives_the_same_logits(name, engine, network, images):
    model = network(name)
    expected = deploy(model)(images)
    deployed = deploy(model, engine=engine)
    assert torch.equal(deployed(images), expected)
    assert torch.equal(torch.cat([deployed(x) for x in images.split(1)]), expected)
    assert torch.equal(deployed(images.contiguous(memory_format=torch.channels_last)), expected)


def test_state_is_integers_and_travels_through_a_file(network, images):
    model = network("signed")
    deployed, other = deploy(model), deploy(model)
    state = deployed.state_dict()
    real = [name for name, tensor in state.items() if tensor.is_floating_point()]
    assert real == ["steps.quantize.scale", "steps.logits.scale"]
    with torch.no_grad():
        for tensor in other.state_dict().values():
            if tensor.dtype == torch.int64:
                tensor.zero_()
    assert not torch.equal(other(images), deployed(images))
    other.load_state_dict(load(save(state)))
    assert torch.equal(other(images), deployed(images))
    with pytest.raises(CheckpointError, match="belongs to another deployed network"):
        deploy(network("exact")).load_state_dict(state, strict=False)


def test_the_model_is_neither_changed_nor_shared(network, images):
    model = network("exact").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    deployed = deploy(model)
    expected = deployed(images)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(deployed(images), expected)


def test_a_multiplier_that_errs_on_zero_errs_on_padding(images):
    exact = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
    layer = nn.Conv2d(3, 2, 3, padding=1, bias=False)
    images = images.abs()
    biased = Multiplier.from_table("biased", exact.table + 1000, signed_a=False, signed_b=True)
    plain, shifted = (
        deploy(convert(nn.Sequential(layer), quantization=Quantization(), assignment={"0": m}, calibration=[images]))
        for m in (exact, biased)
    )
    steps = (shifted(images) - plain(images)) / (27 * 1000)
    scale = shifted.layers[0].rescaling
    assert steps.min() > 0
    assert torch.allclose(steps, steps[:, :, :1, :1].expand_as(steps), rtol=1e-3)
    assert scale.multiplier.dtype == torch.int32
