import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from agnsim.errors import ConversionError, DataError, InputError
from agnsim.multipliers import Choice
from agnsim.nn import Emulated, assign, convert, sample_operands
from agnsim.quantization import Quantization


def unfolded(layer, x):
    """All receptive fields [positions * groups, fan_in], by PyTorch's unfold, as sorted tuples with their group."""
    z_a = layer.activation_quantizer.zero_points[0]
    codes = layer.activation_quantizer.codes(x).double()
    codes = F.pad(codes, (layer.padding[1], layer.padding[1], layer.padding[0], layer.padding[0]), value=z_a)
    columns = F.unfold(codes, layer.kernel_size, layer.dilation, 0, layer.stride)
    fields = columns.unflatten(1, (layer.groups, -1)).permute(0, 3, 1, 2)
    return sorted((group % layer.groups, *field.tolist()) for group, field in enumerate(fields.flatten(0, 2).int()))


@pytest.mark.parametrize("groups", [1, 2, 4], ids=["plain", "grouped", "depthwise"])
def test_all_rows_equal_unfold(groups, rng):
    conv = nn.Conv2d(4, 8, (3, 2), stride=(1, 2), padding=(1, 2), dilation=(2, 1), groups=groups)
    x = torch.randn(2, 4, 6, 5, generator=rng) - 0.3
    model = convert(nn.Sequential(conv), quantization=Quantization(), calibration=[x])
    found = sample_operands(model, [x[:1], x[1:]], rows=10_000)["0"]
    rows = sorted((int(g), *row.tolist()) for g, row in zip(found.row_group, found.rows, strict=True))
    assert rows == unfolded(model[0], x)
    assert found.zero_point_a > 0
    assert found.weights.shape == (8, found.rows.shape[1])
    assert found.groups == groups
    outputs = (model(x) - model[0].bias[:, None, None]).detach().numpy()
    assert found.output_std == pytest.approx(outputs.std(), rel=1e-5)
    np.testing.assert_allclose(found.channel_output_std, outputs.std((0, 2, 3)), rtol=1e-5)


def test_integers_times_output_scale_are_the_outputs(rng):
    x = torch.randn(50, 6, generator=rng)
    model = convert(nn.Sequential(nn.Linear(6, 5)), quantization=Quantization(), calibration=[x])
    found = sample_operands(model, [x], rows=50)["0"]
    accurate = (found.rows - found.zero_point_a) @ found.weights.T * found.output_scale
    outputs = (model(x) - model[0].bias).detach().numpy()
    np.testing.assert_allclose(np.sort(accurate, 0), np.sort(outputs, 0), rtol=1e-4, atol=1e-5)
    assert found.output_std == pytest.approx(outputs.std(), rel=1e-5)
    np.testing.assert_allclose(found.channel_output_std, outputs.std(0), rtol=1e-5)
    assert found.output_scale.dtype == np.float64


def test_rows_are_a_seeded_sample_whatever_the_arithmetic(network, images, rough_signed):
    model = convert(network, quantization=Quantization(activation="symmetric"), calibration=[images]).train()
    batches = [images[:4], images[4:]]
    first = sample_operands(model, batches, rows=20, seed=3)
    assign(model, dict.fromkeys(("0", "7"), Choice(rough_signed)))
    again = sample_operands(model, batches, rows=20, seed=3)
    other = sample_operands(model, batches, rows=20, seed=4)
    for name in first:
        assert first[name].rows.dtype == np.int32
        assert np.array_equal(first[name].rows, again[name].rows)
        assert first[name].output_std == again[name].output_std
    assert not np.array_equal(first["0"].rows, other["0"].rows)
    assert first["0"].rows.shape == (20, 27)
    assert first["7"].rows.shape == (6, 96)  # all there are
    assert isinstance(model[0].arithmetic, Emulated)
    assert all(module.training for module in model.modules())


def test_rows_come_evenly_from_all_batches():
    model = convert(nn.Sequential(nn.Linear(1, 1)), quantization=Quantization(), calibration=[torch.ones(1, 1)])
    batches = [torch.full((1000, 1), value) for value in (0.0, 0.5, 1.0)]
    rows = sample_operands(model, batches, rows=600)["0"].rows
    counts = np.unique(rows, return_counts=True)[1]
    assert len(counts) == 3
    assert counts.min() > 150


def test_refusals(network, images):
    model = convert(network, quantization=Quantization(), calibration=[images])
    with pytest.raises(InputError, match="rows: 0"):
        sample_operands(model, [images], rows=0)
    with pytest.raises(DataError, match="operand samples: empty"):
        sample_operands(model, [])
    with pytest.raises(ConversionError, match="no converted layer"):
        sample_operands(network, [images])
