import copy
import pickle

import pytest
import torch

from agnsim.errors import CheckpointError, InputError
from agnsim.quantization import Quantizer, QuantizerSpec


def make(spec, scale, zero_point=0):
    quantizer = Quantizer(spec)
    with torch.no_grad():
        quantizer.scale.fill_(scale)
    quantizer.zero_point.fill_(zero_point)
    quantizer.calibrated.fill_(True)
    return quantizer


def test_rounds_half_to_even_and_clamps():
    quantizer = make(QuantizerSpec(bits=4), 1.0)
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 100.0, -100.0])
    assert quantizer.codes(x).tolist() == [0, 2, 2, 0, -2, 7, -7]
    assert quantizer.codes(x).dtype == torch.int32


def test_forward_is_the_dequantised_code():
    quantizer = make(QuantizerSpec(bits=8, signed=False, symmetric=False), 0.1, zero_point=10)
    x = torch.linspace(-3, 30, 77)
    expected = (quantizer.codes(x) - 10) * quantizer.scale
    assert torch.equal(quantizer(x), expected)
    assert torch.equal(quantizer(x.requires_grad_()).detach(), expected)


def test_straight_through_gradient_is_masked_by_clipping():
    quantizer = make(QuantizerSpec(bits=4), 1.0)
    x = torch.tensor([-8.0, -7.4, 0.3, 7.4, 7.6], requires_grad=True)
    quantizer(x).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("zero_point", [0, 5])
def test_learnable_scale_has_the_lsq_gradient(zero_point):
    spec = QuantizerSpec(bits=4, signed=False, symmetric=False, learnable=True)
    quantizer = make(spec, 0.5, zero_point)
    x = torch.tensor([-9.0, -0.6, 0.4, 1.3, 20.0], requires_grad=True)
    upstream = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    quantizer(x).backward(upstream)
    slope = []
    for value in x.tolist():
        rounded = round(value / 0.5) + zero_point
        code = min(max(rounded, 0), 15)
        slope.append(code - zero_point - (value / 0.5 if code == rounded else 0.0))
    expected = sum(g * s for g, s in zip(upstream.tolist(), slope, strict=True)) / (5 * 15) ** 0.5
    assert quantizer.scale.grad.item() == pytest.approx(expected, rel=1e-5)


def test_learnable_per_channel_scales_learn():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 50, generator=generator)
    quantizer = Quantizer(QuantizerSpec(bits=3, per_channel=True, learnable=True), 3)
    quantizer.observe(weight)
    quantizer.freeze()
    before = (quantizer(weight) - weight).square().mean().item()
    optimizer = torch.optim.SGD(quantizer.parameters(), lr=0.2)
    for _ in range(50):
        optimizer.zero_grad()
        (quantizer(weight) - weight).square().sum().backward()
        optimizer.step()
    assert quantizer.scale.grad.shape == (3,)
    assert (quantizer(weight) - weight).square().mean().item() < 0.8 * before


def test_learnable_scale_stays_positive_after_a_step_through_zero():
    quantizer = make(QuantizerSpec(learnable=True), 0.1)
    for bad in (-0.05, 0.0):
        with torch.no_grad():
            quantizer.scale.fill_(bad)
        assert torch.isfinite(quantizer(torch.tensor([0.1, -1.0]))).all()
        assert quantizer.scale.item() > 0


def test_uncalibrated_quantiser_refuses():
    with pytest.raises(InputError, match="conv1: not calibrated"):
        Quantizer(QuantizerSpec(), label="conv1").codes(torch.zeros(1))


def test_state_dict_round_trip_calibrates():
    source = make(QuantizerSpec(bits=8, signed=False, symmetric=False), 0.25, zero_point=3)
    target = Quantizer(source.spec)
    target.load_state_dict(source.state_dict())
    x = torch.randn(100)
    assert torch.equal(source.codes(x), target.codes(x))
    assert target.zero_points == (3,)


def test_zero_point_changes_are_seen():
    quantizer = make(QuantizerSpec(bits=8, signed=False, symmetric=False), 1.0)
    assert quantizer.codes(torch.ones(1)).item() == 1
    quantizer.zero_point.fill_(4)
    assert quantizer.codes(torch.ones(1)).item() == 5


def test_checkpoint_of_another_width_is_refused():
    state = make(QuantizerSpec(bits=8), 1.0).state_dict()
    with pytest.raises(CheckpointError, match=r"codes -127\.\.127, this quantiser has -7\.\.7"):
        Quantizer(QuantizerSpec(bits=4)).load_state_dict(state)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda q: pickle.loads(pickle.dumps(q))], ids=["deepcopy", "pickle"])
def test_copies_compute_the_same(clone):
    quantizer = make(QuantizerSpec(bits=6), 0.1)
    quantizer.codes(torch.ones(1))
    quantizer.observe(torch.ones(3))
    x = torch.randn(20)
    assert torch.equal(clone(quantizer)(x), quantizer(x))
