import pytest
import torch

from agnsim.kernels.pointwise.look_up import byte_values, look_up, zero_outside_


@pytest.mark.parametrize("bounds", [(0, 255), (-127, 127), (-4, 3)], ids=["uint8", "int8", "int3"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
def test_look_up(bounds, dtype, form, rng):
    low, high = bounds
    codes = torch.randint(low, high + 1, (3, 5, 90, 70), generator=rng)
    compact = codes.to(torch.int8 if low < 0 else torch.uint8).contiguous(memory_format=form)
    found = look_up(compact, byte_values(low < 0, dtype, codes.device) * 3 + 1)
    assert found.dtype == dtype
    assert torch.equal(found, (codes * 3 + 1).to(dtype))
    assert found.stride() == compact.stride()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
def test_zero_outside(dtype, form, rng):
    values = torch.randn(3, 5, 90, 70, generator=rng, dtype=dtype)
    values[0, 0, 0, :2] = torch.tensor([torch.nan, torch.inf])
    inside = torch.randint(0, 2, values.shape, generator=rng, dtype=torch.uint8).contiguous(memory_format=form)
    inside[0, 0, 0, :2] = 0
    expected = values * inside.bool()
    assert torch.equal(zero_outside_(values.clone(), inside).nan_to_num(7.0), expected.nan_to_num(7.0))
