import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.prune import l1_unstructured

from agnsim.errors import ConversionError, DataError, InputError, UnknownName
from agnsim.multipliers import Choice, Encoding, Multiplier
from agnsim.nn import (
    ApproxConv2d,
    ApproxLinear,
    Emulated,
    Noisy,
    Quantized,
    approx_layers,
    convert,
    set_arithmetic,
)
from agnsim.quantization import Quantization

UNSIGNED = Multiplier.exact(8, 8, signed_a=False, signed_b=False)
SIGN_MAGNITUDE = Choice(UNSIGNED, encoding_w=Encoding.SIGN_MAGNITUDE)


class UserNetwork(nn.Module):
    """Somebody's own module: functional ReLU, nested containers, a shared layer, modules agnsim knows nothing of."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Sequential(nn.Conv2d(8, 8, 1), nn.GroupNorm(2, 8)))
        self.shared = nn.Conv2d(8, 8, 3, padding=1)
        self.alias = nn.ModuleList([self.shared])
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(self.alias[0](F.relu(self.shared(x))))
        x = self.up(x).flatten(2).transpose(1, 2)
        x = self.attention(x, x, x, need_weights=False)[0]
        return self.head(x).mean(1)


def test_user_network(rng):
    model, x = UserNetwork().eval(), torch.randn(2, 3, 4, 4, generator=rng)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    converted = convert(model, quantization=Quantization(), calibration=[x])
    assert list(approx_layers(converted)) == ["stem.0", "stem.1.0", "shared", "head"]
    assert converted.alias[0] is converted.shared
    assert type(converted.up) is nn.ConvTranspose2d
    assert type(converted.attention.out_proj) is type(model.attention.out_proj)
    assert isinstance(converted.shared, nn.Conv2d)
    assert (converted(x) - model(x)).std() < 0.1 * model(x).std()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not converted.training


def test_root_module_may_be_a_layer(rng):
    x = torch.randn(4, 3, generator=rng)
    assert isinstance(convert(nn.Linear(3, 2), quantization=Quantization(), calibration=x), ApproxLinear)


def test_tied_weights_stay_tied(rng):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    converted = convert(model, quantization=Quantization(), calibration=[torch.randn(3, 4, generator=rng)])
    assert converted[0].weight is converted[1].weight


@pytest.mark.parametrize(
    ("activation", "signed", "affine"),
    [("auto", False, True), ("affine", False, True), ("unsigned", False, False), ("symmetric", True, False)],
)
def test_activation_formats_without_a_multiplier(activation, signed, affine, network, images):
    model = convert(network, quantization=Quantization(activation=activation), calibration=[images])
    first, after_relu = model[0].activation_quantizer, model[3].activation_quantizer
    assert first.spec.signed == after_relu.spec.signed == signed
    assert any(first.zero_points) == affine
    assert not any(after_relu.zero_points)  # no negative value there


@pytest.mark.parametrize(
    ("choice", "activation", "weight"),
    [
        (Choice(UNSIGNED), (0, 255), (0, 255)),
        (SIGN_MAGNITUDE, (0, 255), (-127, 127)),
        (Choice(UNSIGNED, encoding_w=Encoding.OFFSET), (0, 255), (-127, 127)),
        (Choice(UNSIGNED, False, Encoding.SIGN_MAGNITUDE, Encoding.SIGN_MAGNITUDE), (-127, 127), (-127, 127)),
        (Choice(Multiplier.exact(8, 8, signed_a=True, signed_b=True)), (-127, 127), (-127, 127)),
        (Choice(Multiplier.exact(6, 4, signed_a=False, signed_b=True)), (0, 63), (-7, 7)),
    ],
    ids=["unsigned", "w-sign-magnitude", "w-offset", "both-sign-magnitude", "signed", "narrow"],
)
def test_formats_follow_the_multiplier(choice, activation, weight, network, images):
    model = convert(network, quantization=Quantization(), calibration=[images], assignment={"0": choice})
    layer, other = model[0], model[3]
    assert (layer.activation_quantizer.qmin, layer.activation_quantizer.qmax) == activation
    assert (layer.weight_quantizer.qmin, layer.weight_quantizer.qmax) == weight
    assert isinstance(layer.arithmetic, Emulated)
    assert isinstance(other.arithmetic, Quantized)
    assert (other.activation_quantizer.qmin, other.activation_quantizer.qmax) == (0, 255)
    assert torch.isfinite(model(images)).all()


def test_encoded_multiplier_instead_of_a_choice(network, images):
    encoded = UNSIGNED.encoded(w="sign_magnitude")
    model = convert(network, quantization=Quantization(), calibration=[images], assignment={"0": encoded})
    assert model[0].arithmetic.choice == SIGN_MAGNITUDE
    wide = UNSIGNED.encoded(w="sign_magnitude", full_magnitude=True)
    with pytest.raises(ConversionError, match="full magnitude"):
        convert(network, quantization=Quantization(), calibration=[images], assignment={"0": wide})


def test_exclude_patterns(network, images):
    model = convert(network, quantization=Quantization(exclude=("0", "[3-4]")), calibration=[images])
    assert list(approx_layers(model)) == ["7"]
    assert type(model[0]) is nn.Conv2d
    with pytest.raises(UnknownName, match="exclude: no layer matches 'conv1'"):
        convert(network, quantization=Quantization(exclude=("conv1",)), calibration=[images])
    with pytest.raises(ConversionError, match="every layer is excluded"):
        convert(network, quantization=Quantization(exclude=("*",)), calibration=[images])


def test_first_and_last_layer_follow_execution_not_definition(images, rng):
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(8, 2)
            self.middle = nn.Linear(8, 8)
            self.first = nn.Linear(3, 8)

        def forward(self, x):
            return self.last(self.middle(self.first(x)))

    x = torch.randn(4, 3, generator=rng)
    quantization = Quantization(activation_bits=4, weight_bits=3, first_layer="exact", last_layer="float")
    model = convert(Backwards(), quantization=quantization, calibration=[x])
    assert type(model.last) is nn.Linear
    assert not model.first.assignable
    assert (model.first.activation_quantizer.spec.bits, model.first.weight_quantizer.spec.bits) == (8, 8)
    assert (model.middle.activation_quantizer.spec.bits, model.middle.weight_quantizer.spec.bits) == (4, 3)
    assert list(set_arithmetic(model, lambda name: Noisy())) == ["middle"]
    assert type(model.first.arithmetic) is Quantized
    with pytest.raises(ConversionError, match="layer 'first' is kept exact"):
        convert(Backwards(), quantization=quantization, calibration=[x], assignment={"first": UNSIGNED})


def test_calibration_accepts_batches_with_labels_and_generators(network, images):
    variants = [
        [images, images * 2],
        [(images, torch.zeros(6)), [images * 2, torch.zeros(6)]],
        (x for x in (images, images * 2)),
    ]
    outputs = [convert(network, quantization=Quantization(), calibration=batches)(images) for batches in variants]
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])


def test_conversion_leaves_batch_norm_statistics_and_random_state_alone(network, images):
    network.train()
    statistics = network[1].running_mean.clone()
    state = torch.get_rng_state()
    model = convert(network, quantization=Quantization(), calibration=[images])
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert model[3].training
    assert model[3].arithmetic.training
    assert torch.equal(model[1].running_mean, statistics)
    assert not model[0]._forward_pre_hooks


def test_relu_free_subclass_with_its_own_forward_is_left_alone(rng):
    class Scaled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    x = torch.randn(4, 3, generator=rng)
    model = convert(nn.Sequential(Scaled(3, 3), nn.Linear(3, 2)), quantization=Quantization(), calibration=[x])
    assert list(approx_layers(model)) == ["1"]


class Skips(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x):
        return self.used(x)


def broken_weight():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    with torch.no_grad():
        model[1].weight[0, 0] = float("nan")
    return model


def broken_bias():
    model = nn.Sequential(nn.Linear(3, 2))
    with torch.no_grad():
        model[0].bias[1] = float("nan")
    return model


def pruned(detach=False):
    model = nn.Sequential(nn.Linear(3, 2))
    l1_unstructured(model[0], "weight", 0.5)
    if detach:
        model[0].weight = model[0].weight.detach()
    return model


X = torch.ones(2, 3)
IMAGE = torch.ones(1, 3, 5, 5)


@pytest.mark.parametrize(
    ("make", "data", "error", "message"),
    [
        (
            lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")),
            [IMAGE],
            ConversionError,
            "layer '0': padding_mode 'reflect' cannot be emulated.*ReflectionPad2d",
        ),
        (
            lambda: nn.ConvTranspose2d(3, 3, 2),
            [IMAGE],
            ConversionError,
            "the model has no nn.Conv2d",
        ),
        (broken_weight, [X], DataError, "layer '1', weight: NaN values"),
        (lambda: nn.Linear(3, 2), [], DataError, "calibration data: empty"),
        (lambda: nn.Linear(3, 2), [X, X * float("nan")], DataError, "calibration data, batch 1: it holds NaN"),
        (lambda: nn.Linear(3, 2), [X.to(torch.uint8)], DataError, "batch 0: found a tensor of torch.uint8"),
        (lambda: nn.Linear(3, 2), ["x"], DataError, "batch 0: found str"),
        (lambda: nn.Linear(3, 2), 3, DataError, "int is not an iterable"),
        (Skips, [X], ConversionError, "layer 'unused' is never executed"),
        (lambda: nn.Sequential(weight_norm(nn.Linear(3, 2))), [X], ConversionError, "layer '0'.*parametrised"),
        (pruned, [X], ConversionError, "cannot be copied.*pruning mask"),
        (lambda: pruned(detach=True), [X], ConversionError, "layer '0': its weight is computed by a hook"),
        (lambda: nn.Sequential(nn.LazyLinear(2)), [X], ConversionError, "layer '0': its size is not known yet"),
        (lambda: nn.Sequential(nn.Linear(3, 2).half()), [X], ConversionError, "layer '0': its weight is torch.float16"),
        (broken_bias, [X], DataError, "layer '0', bias: NaN or infinite values"),
    ],
    ids=[
        "reflect",
        "transposed",
        "nan-weight",
        "empty",
        "nan-data",
        "uint8",
        "str",
        "int",
        "unused",
        "weight-norm",
        "pruning-mask",
        "detached-pruning-mask",
        "lazy",
        "half-precision",
        "nan-bias",
    ],
)
def test_refusals(make, data, error, message):
    with pytest.raises(error, match=message):
        convert(make(), quantization=Quantization(), calibration=data)


def test_refuses_nan_activations_inside_the_network():
    class Divides(nn.Module):
        def forward(self, x):
            return x / (x - 1)

    model = nn.Sequential(Divides(), nn.Linear(3, 2))
    with pytest.raises(DataError, match="layer '1', activation: infinite values"):
        convert(model, quantization=Quantization(), calibration=[X])


def test_refuses_a_converted_model_and_foreign_settings(network, images):
    model = convert(network, quantization=Quantization(), calibration=[images])
    with pytest.raises(ConversionError, match="converted already"):
        convert(model, quantization=Quantization(), calibration=[images])
    with pytest.raises(InputError, match="dict is not a Quantization"):
        convert(network, quantization={}, calibration=[images])
    with pytest.raises(InputError, match="layer '0': str is not a Multiplier or a Choice"):
        convert(network, quantization=Quantization(), calibration=[images], assignment={"0": "mul8u"})
    with pytest.raises(UnknownName, match="no converted layer 'fc1'"):
        convert(network, quantization=Quantization(), calibration=[images], assignment={"fc1": UNSIGNED})


def test_layer_types(network, images):
    model = convert(network, quantization=Quantization(), calibration=[images])
    assert [type(layer) for layer in approx_layers(model).values()] == [ApproxConv2d] * 3 + [ApproxLinear]
