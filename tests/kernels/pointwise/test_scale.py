import pytest
import torch

from agnsim.kernels.pointwise.scale import scale_sums


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 3), (4, 3, 7), (3, 5, 4, 7), (2, 16, 33, 65), (300, 700)])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "strided"])
@pytest.mark.parametrize("kind", [torch.int32, torch.int64, torch.float32, torch.float64])
def test_equals_subtract_convert_multiply_add(shape, layout, kind, rng):
    channel = 1 if len(shape) == 4 else len(shape) - 1
    channels = shape[channel]
    integers = torch.randint(-(2**30), 2**30, shape, generator=rng)
    if layout == "channels_last":
        if len(shape) != 4:
            pytest.skip("four dimensions only")
        integers = integers.contiguous(memory_format=torch.channels_last)
    if layout == "strided":
        integers = integers.repeat_interleave(2, -1)[..., ::2]
    dtype = torch.float64 if kind in (torch.int64, torch.float64) else torch.float32
    view = (-1,) + (1,) * (len(shape) - 1 - channel)
    offset = None if kind.is_floating_point else torch.randint(-(2**29), 2**29, (channels,), generator=rng)
    shift = torch.randn(channels, generator=rng, dtype=dtype)
    for scale in (torch.rand(channels, generator=rng, dtype=dtype), torch.rand(1, generator=rng, dtype=dtype)):
        for added in (shift, None):
            sums = integers.to(kind)
            expected = (sums if offset is None else sums - offset.view(view)).to(dtype) * scale.view(view)
            expected = expected if added is None else expected + added.view(view)
            found = scale_sums(sums.clone(), scale, added, offset=offset, channel=channel, dtype=dtype)
            assert found.dtype == dtype
            assert torch.equal(found, expected)
            if layout != "strided":
                assert found.stride() == sums.stride()


def test_int32_sums_become_real_in_place_and_minus_zero_survives():
    sums = torch.arange(12, dtype=torch.int32).view(3, 4)
    found = scale_sums(sums, torch.ones(1), None, channel=1, dtype=torch.float32)
    assert found.data_ptr() == sums.data_ptr()
    zeros = scale_sums(torch.full((2, 2), -0.0), torch.ones(1), None, channel=1, dtype=torch.float32)
    assert zeros.signbit().all()
