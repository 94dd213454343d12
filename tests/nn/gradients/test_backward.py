"""The backward pass against loops that gather every slope, and against finite differences."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from agnsim.multipliers import Choice, Encoding, Multiplier
from agnsim.nn import Emulated, convert
from agnsim.nn.gradients import Factored, Slopes, estimator, gradients
from agnsim.quantization import Quantization

BUILT_IN = "straight_through", "difference", "local_slope"  # the documentation's examples add others

LAYERS = {
    "conv": (lambda: nn.Conv2d(2, 4, 3, padding=1, stride=2), (2, 2, 5, 4)),
    "depthwise": (lambda: nn.Conv2d(2, 4, 2, padding=1, dilation=2, groups=2), (2, 2, 5, 4)),
    "one-sided": (lambda: nn.Conv2d(2, 2, 2, padding="same"), (1, 2, 3, 4)),
    "linear": (lambda: nn.Linear(5, 3), (4, 5)),
}


def emulated(layer, x, circuit, gradient, encoding):
    model = convert(
        nn.Sequential(layer),
        quantization=Quantization(activation_calibration="minmax"),
        calibration=[x],
        assignment={"0": Choice(circuit, encoding_w=encoding)},
        gradient=gradient,
    )
    with torch.no_grad():
        model[0].activation_quantizer.scale.mul_(0.7)  # some values are clipped
    return model


def receptive_fields(layer, x_codes, pad):
    """Yield output position, output channel, and of each operand pair: place in x (or None), place in w."""
    if isinstance(layer, nn.Linear):
        for n, o in np.ndindex(len(x_codes), len(layer.weight)):
            yield (n, o), o, [((n, k), (o, k)) for k in range(x_codes.shape[1])]
        return
    op, (height, width) = layer.operation, x_codes.shape[2:]
    top, _, left, _ = op.padding
    shape = op.output_shape(x_codes.shape, layer.weight.shape)
    per_group = layer.weight.shape[1]
    for n, o, i, j in np.ndindex(*shape):
        pairs = []
        for c, di, dj in np.ndindex(*layer.weight.shape[1:]):
            row, column = i * op.stride[0] + di * op.dilation[0] - top, j * op.stride[1] + dj * op.dilation[1] - left
            channel = o // (shape[1] // op.groups) * per_group + c
            inside = 0 <= row < height and 0 <= column < width
            pairs.append(((n, channel, row, column) if inside else None, (o, c, di, dj)))
        yield (n, o, i, j), o, pairs


def by_loops(model, x, grad, slopes):
    """Sum every slope, gathered from the factored tables."""
    layer = model[0]
    a, w = layer.activation_quantizer, layer.weight_quantizer
    q_a, q_w = a.codes(x).numpy(), w.codes(layer.weight).numpy()
    z_a, z_w = a.zero_points[0], np.broadcast_to(w.zero_points, len(layer.weight))
    s_a, s_w = a.scale.item(), w.scale.detach().double().expand(len(layer.weight)).numpy()
    table_a, table_w = (factored.u.T @ factored.v for factored in (slopes.on_a, slopes.on_w))
    mask_a, mask_w = len(table_a) - 1, len(table_a[0]) - 1
    on_x, on_w = np.zeros(x.shape), np.zeros(layer.weight.shape)
    for position, o, pairs in receptive_fields(layer, q_a, z_a):
        g = float(grad[position])
        for place, weight in pairs:
            code_a, code_w = (z_a if place is None else q_a[place]), q_w[weight]
            pair = code_a & mask_a, code_w & mask_w
            if place is not None:
                on_x[place] += g * s_w[o] * (table_a[pair] - z_w[o])
            on_w[weight] += g * s_a * (table_w[pair] - z_a)
    real = torch.round(x / a.scale) + z_a
    return on_x * ((real >= a.qmin) & (real <= a.qmax)).numpy(), on_w


@pytest.mark.parametrize("encoding", [Encoding.UNSIGNED, Encoding.SIGN_MAGNITUDE], ids=["affine", "symmetric"])
@pytest.mark.parametrize("name", ["straight_through", "difference(half_window=2)", "local_slope", "test_random"])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_equals_a_loop_over_all_products(kind, name, encoding, rough_unsigned, random_slopes):
    torch.manual_seed(0)
    make, shape = LAYERS[kind]
    x = torch.randn(shape) - 0.2
    model = emulated(make(), x, rough_unsigned, name, encoding)
    leaf = x.clone().requires_grad_()
    y = model(leaf)
    grad = torch.randn(y.shape)
    found = torch.autograd.grad(y, [leaf, model[0].weight], grad)
    slopes = estimator(name).slopes(model[0].arithmetic.multiplier)
    for ours, expected in zip(found, by_loops(model, x, grad, slopes), strict=True):
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-3, atol=1e-3 * abs(expected).max())


@pytest.fixture
def random_slopes(monkeypatch):
    """Register an estimator of rank 3 without meaning: constant, varying and mixed terms, different on both sides."""

    class Random:
        """Anything."""

        def slopes(self, multiplier: Multiplier) -> Slopes:
            rng = np.random.default_rng(0)
            sizes = multiplier.table.shape
            terms = [Factored(rng.normal(size=(3, sizes[0])), rng.normal(size=(3, sizes[1]))) for _ in range(2)]
            terms[0].u[1] = 1.5
            return Slopes(*terms)

    monkeypatch.setitem(gradients._entries, "test_random", gradients._entries["local_slope"])
    monkeypatch.setattr(gradients, "_entries", dict(gradients._entries))
    del gradients._entries["test_random"]
    gradients.add("test_random", Random)


def test_finite_differences_of_a_smooth_table():
    """T = (a + 3) * (w + 2) differs from the exact product by more than a constant: its slopes are not w and a."""
    a, w = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    circuit = Multiplier.from_table("shifted", ((a + 3) * (w + 2)).astype(np.int32), signed_a=False, signed_b=False)
    torch.manual_seed(0)
    x = torch.rand(1, 2, 4, 4)
    for name in ("difference", "local_slope"):
        layer = emulated(nn.Conv2d(2, 2, 3, padding=1), x, circuit, name, Encoding.UNSIGNED)[0]
        operands = [(layer.activation_quantizer, x * 0.6), (layer.weight_quantizer, layer.weight.detach() * 0.9)]
        # On the grid's points a step of one code is the smallest there is, and T is linear in each operand.
        (x, weight) = (q(v) for q, v in operands)
        layer.weight.data = weight.clone()
        leaf = x.clone().requires_grad_()
        y = layer(leaf)
        direction = torch.randn(y.shape)
        on_x, on_w = torch.autograd.grad(y, [leaf, layer.weight], direction)
        for tensor, gradient, quantizer in (
            (x, on_x, layer.activation_quantizer),
            (layer.weight.data, on_w, layer.weight_quantizer),
        ):
            for place in itertools.islice(np.ndindex(*tensor.shape), 0, None, 7):
                scale = (
                    quantizer.scale.expand(len(tensor))[place[0]] if quantizer.scale.numel() > 1 else quantizer.scale
                )
                before = (layer(x).double() * direction).sum()
                old = tensor[place].clone()
                tensor[place] += float(scale)
                slope = ((layer(x).double() * direction).sum() - before) / float(scale)
                tensor[place] = old
                assert gradient[place].item() == pytest.approx(slope.item(), rel=2e-3, abs=2e-3)


def test_an_exact_multiplier_trains_alike_under_all_estimators():
    torch.manual_seed(0)
    x = torch.randn(4, 3, 8, 8)
    exact = Multiplier.exact(8, 8, signed_a=False, signed_b=False)
    found = []
    for name in BUILT_IN:
        torch.manual_seed(1)
        model = emulated(nn.Conv2d(3, 8, 3, padding=1), x, exact, name, Encoding.SIGN_MAGNITUDE)
        leaf = x.clone().requires_grad_()
        found.append(torch.autograd.grad(model(leaf).square().sum(), [leaf, *model.parameters()]))
    for other in found[1:]:
        for ours, expected in zip(other, found[0], strict=True):
            assert torch.allclose(ours, expected, rtol=1e-4, atol=1e-3)


def test_the_estimator_is_seen_and_is_no_part_of_what_a_network_is(rough_unsigned):
    arithmetic = Emulated(Choice(rough_unsigned), gradient="local_slope")
    assert arithmetic.gradient == "local_slope"
    assert "local_slope" in repr(arithmetic)
    assert "gradient" not in arithmetic.describe()
