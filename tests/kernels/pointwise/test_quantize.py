import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.kernels.pointwise.quantize import quantize

FORMATS = {"uint8": (0, 255), "int8": (-127, 127), "int8-full": (-128, 127), "uint3": (0, 7), "int2": (-1, 1)}


def torch_chain(x, scale, zero_point, low, high):
    shape = (-1,) + (1,) * (x.dim() - 1) if scale.numel() > 1 else (1,) * x.dim()
    rounded = torch.div(x, scale.view(shape)).round_().add_(zero_point.view(shape))
    return (rounded >= low) & (rounded <= high), rounded.clamp_(low, high)


def check(x, scale, zero_point, low, high):
    found = quantize(x, scale, zero_point, low, high, mask=True)
    inside, codes = torch_chain(x, scale, zero_point, low, high)
    assert found.codes.dtype == (torch.int8 if low < 0 else torch.uint8)
    assert torch.equal(found.codes.to(x.dtype), codes.nan_to_num(0.0))
    assert torch.equal(found.inside.bool(), inside)
    assert bool(codes.isnan().any()) == (found.taint is not None and bool(found.taint.isnan()))
    assert torch.equal(quantize(x, scale, zero_point, low, high).codes, found.codes)
    return found


@pytest.mark.parametrize("bounds", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_random_bit_patterns(bounds, dtype, rng):
    """Every exponent, both signs, infinities and NaN; one scale ordinary, one tiny, one huge."""
    kinds = {torch.float32: np.uint32, torch.float64: np.uint64}
    size = np.dtype(kinds[dtype]).itemsize
    bits = np.random.default_rng(0).integers(0, 256, 40_000 * size, dtype=np.uint8)
    x = torch.from_numpy(bits.view(kinds[dtype]).view(np.dtype(f"f{size}")).copy())
    for scale in (0.037, 2.0**-60, 1e30):
        check(x, torch.tensor([scale]), torch.tensor([3 if bounds[0] == 0 else 0], dtype=torch.int32), *bounds)


@pytest.mark.parametrize("bounds", FORMATS.values(), ids=FORMATS)
def test_halves_neighbours_and_signed_zeros(bounds):
    scale = torch.tensor([0.1])
    halves = (torch.arange(-600, 600) + 0.5) * scale
    up, down = torch.full_like(halves, torch.inf), torch.full_like(halves, -torch.inf)
    x = torch.cat([halves, halves.nextafter(up), halves.nextafter(down), torch.tensor([0.0, -0.0, 1e-45, -1e-45])])
    for zero_point in (0, 7) if bounds[0] == 0 else (0, -1, 1):
        check(x, scale, torch.tensor([zero_point], dtype=torch.int32), *bounds)
        check(x * 10, torch.ones(1), torch.tensor([zero_point], dtype=torch.int32), *bounds)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=40),
    st.floats(min_value=2.0**-60, max_value=2.0**60, width=32),
    st.integers(0, 255),
)
def test_fuzzed(values, scale, zero_point):
    check(torch.tensor(values), torch.tensor([scale]), torch.tensor([zero_point], dtype=torch.int32), 0, 255)


@pytest.mark.parametrize("shape", [(0,), (0, 3, 4, 4), (7,), (5, 3), (4, 6, 5, 3), (2, 16, 64, 80)])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "strided"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_layouts_and_channels(shape, layout, per_channel, rng):
    x = torch.randn(shape, generator=rng)
    if layout == "channels_last":
        if len(shape) != 4:
            pytest.skip("four dimensions only")
        x = x.contiguous(memory_format=torch.channels_last)
    if layout == "strided":
        x = x.repeat_interleave(2, -1)[..., ::2]
    channels = shape[0] if per_channel and shape[0] else 1
    scale = torch.rand(channels, generator=rng) * 0.02 + 0.001
    zero_point = torch.randint(0, 256, (channels,), dtype=torch.int32, generator=rng)
    found = check(x, scale, zero_point, 0, 255)
    if layout != "strided":
        assert found.codes.stride() == found.inside.stride() == x.stride()


def test_a_nan_is_seen_wherever_it_is():
    for place in (0, 1, 77_777, 200_000):
        x = torch.zeros(200_001)
        x[place] = torch.nan
        assert quantize(x, torch.ones(1), torch.zeros(1, dtype=torch.int32), 0, 255).taint.isnan()
    assert quantize(x.nan_to_num(), torch.ones(1), torch.zeros(1, dtype=torch.int32), 0, 255).taint is None
