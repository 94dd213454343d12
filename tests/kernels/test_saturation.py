import numpy as np
import pytest
import torch
from torch.nn import functional

from agnsim import kernels
from agnsim.kernels.geometry import resolve
from agnsim.kernels.saturation import _by_torch, saturating_conv2d
from agnsim.multipliers import Multiplier

CASES = {
    "plain": {},
    "padded-strided": {"padding": (1, 2), "stride": (2, 1)},
    "dilated": {"dilation": (1, 2), "padding": 2},
    "grouped": {"groups": 2, "padding": 1},
    "depthwise": {"groups": 4},
}


@pytest.fixture(scope="module")
def rough():
    exact = Multiplier.exact(4, 4, signed_a=False, signed_b=True)
    errors = np.random.default_rng(0).integers(-5, 6, exact.table.shape)
    return Multiplier.from_table(
        "rough", (exact.table + errors).astype(np.int32), bits_a=4, bits_b=4, signed_a=False, signed_b=True
    )


@pytest.mark.parametrize("bits", [5, 7, 9])
@pytest.mark.parametrize("case", CASES)
def test_equals_adding_one_product_after_the_other(case, bits, rough):
    options = CASES[case]
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 16, (2, 4, 6, 5), generator=generator).to(torch.uint8)
    w = torch.randint(-8, 8, (4, 4 // options.get("groups", 1), 3, 2), generator=generator).to(torch.int8)
    geometry = resolve(x.shape, w.shape, **options)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    channels = torch.tensor([3, 0, 2])
    settings = {"pad_value": 3, "low": low, "high": high, "channels": channels}
    sums, clamped = saturating_conv2d(x, w, rough, geometry, **settings)
    expected, count = np.zeros(sums.shape, np.int32), 0
    top, bottom, left, right = geometry.pads
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=3)
    for image, k, i, j in np.ndindex(*sums.shape):
        channel = channels[k].item()
        first = channel // (4 // geometry.groups) * geometry.group_channels
        total, left_range = 0, False
        for c, r, q in np.ndindex(*w.shape[1:]):
            row, column = (
                i * geometry.stride[0] + r * geometry.dilation[0],
                j * geometry.stride[1] + q * geometry.dilation[1],
            )
            total += int(rough.product(padded[image, first + c, row, column], w[channel, c, r, q].item()))
            left_range |= not low <= total <= high
            total = min(max(total, low), high)
        expected[image, k, i, j] = total
        count += left_range
    assert np.array_equal(sums.numpy(), expected)
    assert clamped == count
    assert count or bits > 5
    indices = functional.pad(x.to(torch.int32), (left, right, top, bottom), value=3)
    by_torch, clamped = _by_torch(indices, w.to(torch.int32) & 15, rough, geometry, low, high, channels)
    assert torch.equal(by_torch, sums)
    assert clamped == count


def test_wide_enough_equals_the_plain_sums(rough):
    x = torch.randint(0, 16, (1, 4, 5, 5)).to(torch.uint8)
    w = torch.randint(-8, 8, (3, 4, 3, 3)).to(torch.int8)
    geometry = resolve(x.shape, w.shape, padding=1)
    sums, clamped = saturating_conv2d(
        x, w, rough, geometry, pad_value=0, low=-(2**31), high=2**31 - 1, channels=torch.arange(3)
    )
    assert clamped == 0
    assert torch.equal(sums, kernels.conv2d(x, w, rough, padding=1))
