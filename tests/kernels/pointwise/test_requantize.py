import pytest
import torch

from agnsim.errors import InputError
from agnsim.kernels.pointwise.requantize import _by_torch, requantize


def constants(channels, generator):
    multiplier = torch.randint(-(2**31) + 1, 2**31, (channels,), generator=generator).to(torch.int32)
    addend = torch.randint(-(2**60), 2**60, (channels,), generator=generator)
    shift = torch.randint(0, 63, (channels,), generator=generator).to(torch.int32)
    return multiplier, addend, shift


SHAPES = {
    "nchw": ((3, 5, 7, 4), 1),
    "1x1": ((6, 5, 1, 1), 1),
    "rows": ((7, 5), 1),
    "last": ((2, 3, 5), -1),
    "vector": ((5,), 0),
    "empty": ((0, 5, 2, 2), 1),
    "large": ((3, 5, 200, 101), 1),
}


@pytest.mark.parametrize("channels_last", [False, True], ids=["contiguous", "channels-last"])
@pytest.mark.parametrize("per_channel", [True, False], ids=["per-channel", "one"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32])
@pytest.mark.parametrize("source", [torch.int32, torch.int64])
@pytest.mark.parametrize("shape", SHAPES)
def test_loops_equal_torch_and_python(shape, source, dtype, per_channel, channels_last):
    sizes, dim = SHAPES[shape]
    generator = torch.Generator().manual_seed(1)
    sums = torch.randint(-(2**30), 2**30, sizes, generator=generator).to(source)
    if channels_last and sums.dim() == 4:
        sums = sums.contiguous(memory_format=torch.channels_last)
    made = constants(5 if per_channel else 1, generator)
    limits = torch.iinfo(dtype)
    low, high = (max(limits.min, -(2**29)), min(limits.max, 2**29))
    result = requantize(sums, *made, low, high, dtype, dim)
    assert result.dtype == dtype
    assert torch.equal(result, _by_torch(sums, *made, low, high, dtype, dim))
    flat = sums.movedim(dim, -1).reshape(-1, sizes[dim])[:20].tolist()
    expected = [
        [
            min(max((value * int(m) + int(c)) >> int(s), low), high)
            for value, m, c, s in zip(row, *(t.expand(5).tolist() for t in made), strict=True)
        ]
        for row in flat
    ]
    assert result.movedim(dim, -1).reshape(-1, sizes[dim])[:20].tolist() == expected


def test_any_strides():
    generator = torch.Generator().manual_seed(2)
    sums = torch.randint(-(2**20), 2**20, (4, 6, 5, 6), generator=generator).to(torch.int32)
    made = constants(6, generator)
    expected = requantize(sums[:, :, ::2].contiguous(), *made, 0, 255, torch.uint8)
    assert torch.equal(requantize(sums[:, :, ::2], *made, 0, 255, torch.uint8), expected)


def test_other_channels_are_refused():
    made = constants(4, torch.Generator().manual_seed(3))
    with pytest.raises(InputError, match="have 3 channels along dimension 1, the constants 4"):
        requantize(torch.zeros(2, 3, 1, 1, dtype=torch.int32), *made, 0, 1, torch.int8)
