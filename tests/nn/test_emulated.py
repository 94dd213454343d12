from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from agnsim.errors import CheckpointError, ConversionError, InputError
from agnsim.multipliers import Choice, Encoding, Multiplier
from agnsim.nn import Emulated, Quantized, approx_layers, convert, restore_quantized
from agnsim.quantization import Quantization

CONVOLUTIONS = {
    "plain": {},
    "padded": {"padding": 2},
    "strided": {"stride": (2, 3), "padding": (1, 0)},
    "dilated-same": {"dilation": (2, 1), "padding": "same"},
    "valid": {"padding": "valid", "bias": False},
    "grouped": {"groups": 2, "padding": 1},
    "depthwise": {"groups": 4, "padding": 1, "stride": 2},
    "even-same": {"kernel_size": (2, 4), "padding": "same"},
    "pointwise": {"kernel_size": 1},
}
CHOICES = {
    "unsigned-w:sign_magnitude": (False, None, Encoding.SIGN_MAGNITUDE),
    "unsigned-w:offset": (False, None, Encoding.OFFSET),
    "unsigned-w:unsigned": (False, None, Encoding.UNSIGNED),
    "unsigned-a:sign_magnitude": (False, Encoding.SIGN_MAGNITUDE, Encoding.SIGN_MAGNITUDE),
    "signed": (True, None, None),
    "signed-w:sign_magnitude": (True, None, Encoding.SIGN_MAGNITUDE),
}


def conv(options):
    options = {"kernel_size": 3} | options
    return nn.Conv2d(4, 8, **options)


def converted(layer, x, choice=None, **settings):
    model = nn.Sequential(layer)
    return convert(
        model,
        quantization=Quantization(activation_calibration="minmax", **settings),
        calibration=[x],
        assignment=None if choice is None else {"0": choice},
    ).eval()


@cache  # tables, digests and factors are worked out once
def exact_choice(name):
    signed, encoding_a, encoding_w = CHOICES[name]
    return Choice(Multiplier.exact(8, 8, signed_a=signed, signed_b=signed), False, encoding_a, encoding_w)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("options", CONVOLUTIONS)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_exact_conv2d_equals_quantized_on_negative_inputs(options, choice, rng):
    x = torch.randn(3, 4, 9, 8, generator=rng) - 0.3
    model = converted(conv(CONVOLUTIONS[options]), x, exact_choice(choice))
    emulated = model(x)
    restore_quantized(model)
    assert torch.equal(emulated, model(x))


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 4, 5), (0, 5)], ids=["1d", "2d", "4d", "empty"])
def test_exact_linear_equals_quantized(shape, choice, rng):
    x = torch.randn(*shape, generator=rng) - 0.5
    model = converted(nn.Linear(5, 7), torch.randn(20, 5, generator=rng) - 0.5, exact_choice(choice))
    emulated = model(x)
    assert emulated.shape == (*shape[:-1], 7)
    restore_quantized(model)
    assert torch.equal(emulated, model(x))


def test_quantized_is_close_to_float_and_unbatched_images_work(rng):
    layer, x = conv({"padding": 1}), torch.randn(2, 4, 6, 6, generator=rng)
    model = converted(layer, x)
    assert (model(x) - layer(x)).std() < 0.02 * layer(x).std()
    assert torch.allclose(model(x[0]), model(x)[0])


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_approximate_conv2d_follows_the_formula(groups, rng, rough_unsigned):
    x = torch.randn(2, 4, 5, 5, generator=rng)
    choice = Choice(rough_unsigned, encoding_w=Encoding.UNSIGNED)
    model = converted(conv({"padding": 1, "stride": 2, "groups": groups}), x, choice)
    layer = model[0]
    z_a = layer.activation_quantizer.zero_points[0]
    z_w = np.array(layer.weight_quantizer.zero_points)
    assert z_a
    assert z_w.any()
    q_a = np.pad(layer.activation_quantizer.codes(x).numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=z_a)
    q_w = layer.weight_quantizer.codes(layer.weight).numpy()
    scale = (layer.activation_quantizer.scale * layer.weight_quantizer.scale).detach().numpy().astype(np.float64)
    expected = np.zeros((2, 8, 3, 3))
    for image, channel, row, column in np.ndindex(*expected.shape):
        group = channel // (8 // groups)
        inputs = slice(group * 4 // groups, (group + 1) * 4 // groups)
        field = q_a[image, inputs, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
        products = rough_unsigned.product(field, q_w[channel]).astype(np.int64)
        total = products.sum() - z_a * q_w[channel].sum() - z_w[channel] * field.sum()
        total += field.size * z_a * z_w[channel]
        expected[image, channel, row, column] = total * scale[channel] + layer.bias[channel].item()
    np.testing.assert_allclose(model(x).detach().numpy(), expected, rtol=1e-5, atol=1e-5)


def test_zero_point_terms_do_not_overflow_sums_near_the_limit_of_int32():
    constant, fan_in = 1_068_576, 2000
    exact = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
    biased = Multiplier.from_table("biased", exact.table + constant, signed_a=False, signed_b=True)
    layer = nn.Linear(fan_in, 1, bias=False)
    nn.init.constant_(layer.weight, -1.0)
    x = torch.linspace(-1, 1, fan_in).repeat(2, 1)
    x[1] = -1.0
    model = converted(layer, x, Choice(biased))
    scale = (model[0].activation_quantizer.scale * model[0].weight_quantizer.scale).item()
    correction = model[0].activation_quantizer.zero_points[0] * 127 * fan_in
    assert fan_in * constant + correction > 2**31
    assert model(x)[1].item() == pytest.approx((fan_in * constant + correction) * scale, rel=1e-3)


def test_activations_go_to_the_second_port_when_swapped(rng):
    lopsided = Multiplier.exact(8, 6, signed_a=False, signed_b=False)
    x = torch.rand(2, 4, 5, 5, generator=rng)
    model = converted(conv({}), x, Choice(lopsided, True, None, Encoding.SIGN_MAGNITUDE))
    assert model[0].activation_quantizer.spec.bits == 6
    assert model[0].weight_quantizer.spec.bits == 8


def test_mean_correction_is_subtracted_per_channel_and_saved(rng):
    x = torch.rand(2, 4, 5, 5, generator=rng)
    model = converted(conv({}), x, exact_choice("signed"))
    before = model(x)
    correction = torch.arange(8.0)
    model[0].arithmetic.set_mean_correction(correction)
    assert torch.allclose(model(x), before - correction.view(-1, 1, 1), atol=1e-5)
    assert torch.equal(model.state_dict()["0.arithmetic.mean_correction"], correction)
    for bad in (torch.zeros(3), torch.full((8,), float("nan"))):
        with pytest.raises(InputError, match="mean correction of shape"):
            model[0].arithmetic.set_mean_correction(bad)


def test_checkpoint_of_another_table_names_layer_and_both_digests(network, images, rough_signed):
    exact = Multiplier.exact(8, 8, signed_a=True, signed_b=True)
    a = convert(network, quantization=Quantization(), calibration=[images], assignment={"3": exact})
    b = convert(network, quantization=Quantization(), calibration=[images], assignment={"3": rough_signed})
    with pytest.raises(CheckpointError, match=rf"layer '3'.*{exact.digest}.*'rough_s8' with {rough_signed.digest}"):
        b.load_state_dict(a.state_dict())


def test_nan_stays_visible(rng):
    x = torch.randn(2, 4, 5, 5, generator=rng)
    model = converted(conv({}), x, exact_choice("signed"))
    x[1, 2, 3, 3] = float("nan")
    assert model(x).isnan().any()
    assert model(x.requires_grad_()).isnan().any()


def test_arithmetic_refuses_a_layer_of_another_format(rng):
    model = converted(nn.Linear(5, 7), torch.randn(4, 5, generator=rng))
    narrow = Choice(Multiplier.exact(4, 4, signed_a=False, signed_b=True))
    with pytest.raises(ConversionError, match=r"layer '0': activation codes 0\.\.255 do not fit multiplier.*0\.\.15"):
        model[0].arithmetic = Emulated(narrow)


def test_weight_codes_are_kept_in_evaluation_and_follow_every_change(rng):
    x = torch.randn(4, 5, generator=rng)
    model = converted(nn.Linear(5, 7), x, exact_choice("signed"))
    layer = model[0]
    with torch.no_grad():
        first = model(x)
        kept = layer.weight_codes._value
        assert torch.equal(model(x), first)
        assert layer.weight_codes._value is kept
        layer.weight.mul_(0.5)
        assert not torch.equal(model(x), first)
        layer.weight.mul_(2.0)
        assert torch.equal(model(x), first)
        layer.weight.data = layer.weight.data * 0.5
        assert not torch.equal(model(x), first)
        layer.weight_quantizer.scale.mul_(0.5)
        assert torch.allclose(model(x), first * 0.5 + 0.5 * layer.bias, atol=1e-5)
    restore_quantized(model)
    assert isinstance(model[0].arithmetic, Quantized)


def test_autocast_changes_nothing(rng):
    x = torch.randn(2, 4, 5, 5, generator=rng)
    for choice in (None, exact_choice("signed")):
        model = converted(conv({}), x, choice)
        expected = model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(model(x), expected)


def test_labels_and_repr_show_circuit_and_formats(network, images, rough_unsigned):
    choice = Choice(rough_unsigned, encoding_w=Encoding.SIGN_MAGNITUDE)
    model = convert(network, quantization=Quantization(), calibration=[images], assignment={"0": choice})
    assert "rough_u8 w:sign_magnitude" in repr(model)
    assert "8 bits, unsigned affine" in repr(model)
    assert {layer.label for layer in approx_layers(model).values()} == {"0", "3", "4", "7"}
