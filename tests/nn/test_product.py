"""The operator `agnsim::product`: what PyTorch demands of one, in graphs, under autocast, twice differentiated."""

import copy
import pickle

import pytest
import torch
from torch import nn

from agnsim.errors import InputError, TrainingError, UnknownName
from agnsim.multipliers import Choice, Encoding
from agnsim.nn import Emulated, Quantized, approx_layers, convert, set_arithmetic, set_gradient
from agnsim.nn.live import live, multiplier_of
from agnsim.quantization import Quantization

GRADIENTS = ("straight_through", "difference(half_window=4)", "local_slope")


def small_network(padding=1):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=padding, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        nn.Flatten(),
        nn.Linear(128, 5),
    )


def converted(images, circuit=None, *, encoding=Encoding.SIGN_MAGNITUDE, gradient="straight_through", **settings):
    torch.manual_seed(0)
    model = convert(small_network(), quantization=Quantization(**settings), calibration=[images])
    if circuit is not None:
        choice = Choice(circuit, encoding_w=encoding)
        model = convert(
            small_network(), quantization=Quantization(**settings), calibration=[images], gradient=gradient,
            assignment=dict.fromkeys(approx_layers(model), choice),
        )  # fmt: skip
    return model


def arguments(layer, x, shift):
    """What a layer hands to the operator."""
    a, w = layer.activation_quantizer, layer.weight_quantizer
    plain = [a.qmin, a.qmax, w.qmin, w.qmax], layer.operation.plain, layer.arithmetic.multiplier_key
    formats = a.scale, a.zero_point, w.scale, w.zero_point
    return x, layer.weight, shift, *formats, *plain, layer.arithmetic.gradient, layer.arithmetic.engine, None, None


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # within opcheck
@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last], ids=["nchw", "nhwc"])
@pytest.mark.parametrize("encoding", [None, Encoding.UNSIGNED, Encoding.SIGN_MAGNITUDE])
@pytest.mark.parametrize("index", [0, 3, 5], ids=["conv", "depthwise", "linear"])
def test_opcheck(index, encoding, form, rough_unsigned, images):
    model = converted(images, encoding and rough_unsigned, encoding=encoding, gradient=GRADIENTS[1], learnable=True)
    layer = model[index]
    shape = {0: (2, 3, 8, 8), 3: (2, 8, 8, 8), 5: (4, 128)}[index]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    x = x.contiguous(memory_format=form) if x.dim() == 4 else x
    shift = torch.randn(layer.weight.shape[0], requires_grad=True)
    for keep in (False, True):
        inputs = (*arguments(layer, x.clone().requires_grad_(keep), shift), keep)
        if not keep:
            inputs = tuple(i.detach() if isinstance(i, torch.Tensor) else i for i in inputs)
        torch.library.opcheck(torch.ops.agnsim.product.default, inputs)


@pytest.mark.parametrize("learnable", [False, True], ids=["fixed", "learnable"])
@pytest.mark.parametrize("kind", ["quantized", *GRADIENTS])
def test_compiled_network_gives_equal_outputs_and_gradients(kind, learnable, rough_unsigned, images):
    circuit = None if kind == "quantized" else rough_unsigned
    model = converted(images, circuit, gradient="straight_through" if circuit is None else kind, learnable=learnable)
    torch._dynamo.reset()
    for training in (True, False):
        model.train(training)
        other = copy.deepcopy(model)
        compiled = torch.compile(other, backend="aot_eager", fullgraph=True)
        found = []
        for network, run in ((model, model), (other, compiled)):
            x = images.clone().requires_grad_()
            y = run(x)
            gradients = torch.autograd.grad(y.square().sum(), [x, *network.parameters()])
            with torch.no_grad():
                found.append((y.detach(), *gradients, run(images)))
        for eager, graph in zip(*found, strict=True):
            assert torch.equal(eager, graph)


def test_compiled_network_follows_changed_weights_and_refuses_uncalibrated_quantisers(images, rough_unsigned):
    model = converted(images, rough_unsigned).eval()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        before = compiled(images)
        model[0].weight.mul_(-0.5)
        assert torch.equal(compiled(images), model(images))
        assert not torch.equal(compiled(images), before)
    model[0].activation_quantizer, _ = model[0].new_quantizers(
        model[0].activation_quantizer.spec, model[0].weight_quantizer.spec
    )
    with pytest.raises(Exception, match="not calibrated"):
        torch.compile(model, backend="aot_eager", fullgraph=True)(images)


@pytest.mark.parametrize("kind", ["quantized", "emulated"])
def test_autocast_and_half_precision_compute_in_float32(kind, rough_unsigned, images):
    model = converted(images, rough_unsigned if kind == "emulated" else None)[:1]
    x = images.requires_grad_()
    expected = model(x)
    on_x, on_weight = torch.autograd.grad(expected.square().sum(), [x, model[0].weight])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(x)
    assert torch.equal(found, expected)
    again = torch.autograd.grad(found.square().sum(), [x, model[0].weight])
    assert torch.equal(again[0], on_x)
    assert torch.equal(again[1], on_weight)
    half = images.detach().bfloat16()
    assert torch.equal(model(half), model(half.float()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(model(half), model(half.float()))


def test_the_second_derivative_is_refused(images):
    layer = converted(images)[0]
    x = images.requires_grad_()
    (gradient,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    with pytest.raises(TrainingError, match="differentiated again"):
        gradient.sum().backward()


def test_codes_are_kept_and_not_floats(rough_unsigned):
    """Three bytes an activation at most (codes, masks), where fake quantisation keeps five."""
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    layer = converted(torch.randn(4, 3, 8, 8), rough_unsigned)[0]
    kept = 0

    def pack(tensor):
        nonlocal kept
        kept += tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        layer(images.requires_grad_())
    assert kept < 2.5 * images.numel()


def test_a_frozen_layer_in_evaluation_passes_gradients_on(images, rough_unsigned):
    model = converted(images, rough_unsigned).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    x = images.requires_grad_()
    model(x).sum().backward()
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_a_copy_outlives_its_original(copied, images, rough_unsigned):
    model = converted(images, rough_unsigned)
    expected = model(images)
    other = copied(model)
    del model
    assert torch.equal(other(images), expected)


def test_equal_multipliers_share_a_key_and_a_dead_one_is_named(rough_unsigned):
    encoded = rough_unsigned.encoded(w="sign_magnitude")
    first, second = live(encoded), live(rough_unsigned.encoded(w="sign_magnitude"))
    assert first is second
    key = first.key
    assert multiplier_of(key) == encoded
    del first, second
    with pytest.raises(InputError, match=r"rough_u8.*no layer holds it any more"):
        multiplier_of(key)


def test_gradient_is_set_on_emulated_layers_alone(images, rough_unsigned):
    model = converted(images, rough_unsigned)
    model[5].arithmetic = Quantized()
    set_gradient(model, "local_slope")
    assert [layer.arithmetic.gradient for layer in approx_layers(model).values()] == [
        "local_slope",
        "local_slope",
        "straight_through",
    ]
    with pytest.raises(UnknownName, match="unknown gradient 'slope'"):
        set_gradient(model, "slope")


def test_arithmetics_with_and_without_circuit_alternate(images, rough_unsigned):
    model = converted(images, rough_unsigned).eval()
    emulated = model(images)
    emulations = {name: layer.arithmetic for name, layer in approx_layers(model).items()}
    set_arithmetic(model, lambda name: Quantized())
    assert not torch.equal(model(images), emulated)
    set_arithmetic(model, lambda name: emulations[name])
    assert isinstance(model[0].arithmetic, Emulated)
    assert torch.equal(model(images), emulated)
