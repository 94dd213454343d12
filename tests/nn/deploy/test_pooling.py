"""Integer pooling equals PyTorch's in double precision, rounded."""

import pytest
import torch
from torch import nn

from agnsim.nn.deploy.pooling import AdaptiveAveragePool, AveragePool, MaxPool, Mean, NearestUpsample, rounded_mean

WINDOWS = {
    "2": (2, 2, 0, False),
    "3-stride-2-pad-1": (3, 2, 1, False),
    "3-stride-2-ceil": (3, 2, 0, True),
    "pair": ((2, 3), (1, 2), (1, 1), False),
    "2-stride-2-pad-1-ceil": (2, 2, 1, True),
    "3-stride-3-pad-1-ceil": (3, 3, 1, True),
}


def integers(*shape, spread=2**29):
    return torch.randint(-spread, spread, shape, generator=torch.Generator().manual_seed(0)).to(torch.int32)


def half_up(x):
    return torch.floor(x + 0.5)


@pytest.mark.parametrize("size", [(7, 8), (8, 5), (9, 9)])
@pytest.mark.parametrize("window", WINDOWS)
def test_windows(window, size):
    kernel, stride, padding, ceil = WINDOWS[window]
    x = integers(2, 3, *size, spread=2**20)
    expected = nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)(x.double())
    assert torch.equal(MaxPool(kernel, stride, padding, 1, ceil)(x).double(), expected)
    for include in (True, False):
        for divisor in (None, 5):
            expected = nn.AvgPool2d(kernel, stride, padding, ceil, include, divisor)(x.double())
            found = AveragePool(kernel, stride, padding, ceil, include, divisor)(x)
            assert found.dtype == torch.int32
            assert torch.equal(found.double(), half_up(expected))


def test_dilated_max_pool_of_codes():
    x = integers(2, 3, 9, 8, spread=128).to(torch.int8)
    expected = nn.MaxPool2d(3, 1, 1, dilation=2)(x.float())
    found = MaxPool(3, 1, 1, 2, False)(x)
    assert found.dtype == torch.int8
    assert torch.equal(found.float(), expected)


@pytest.mark.parametrize("output", [1, (2, 3), (None, 2), 7, (9, 11)])
def test_adaptive(output):
    x = integers(2, 3, 7, 8)
    expected = nn.AdaptiveAvgPool2d(output)(x.double())
    # One divided by a bin's size may round in double precision; distances from a half are at least 1 / 98 here.
    assert torch.equal(AdaptiveAveragePool(output)(x).double(), torch.floor(expected + 0.5 + 1e-4))


@pytest.mark.parametrize("keepdim", [True, False])
def test_mean(keepdim):
    x = integers(2, 3, 5, 3)
    expected = half_up(x.double().sum((2, 3), keepdim=keepdim) / 15)
    assert torch.equal(Mean((2, 3), keepdim)(x).double(), expected)


def test_means_round_halves_up():
    assert rounded_mean(torch.tensor([-3, -1, 1, 3, 2**60 + 1]) >> torch.tensor([0, 0, 0, 0, 30]), 2).tolist() == [
        -1,
        0,
        1,
        2,
        2**29,
    ]


@pytest.mark.parametrize("options", [{"size": (32, 32)}, {"size": 9}, {"size": (20, 3)}, {"scale_factor": 3}])
def test_nearest_upsampling(options):
    x = integers(2, 3, 7, 9)
    expected = nn.Upsample(**options)(x.double())
    assert torch.equal(NearestUpsample(options.get("size"), options.get("scale_factor"))(x).double(), expected)
