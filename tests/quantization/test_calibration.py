import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.errors import DataError, InputError
from agnsim.quantization import Calibrator, Quantizer, QuantizerSpec
from agnsim.quantization.histogram import GrowingHistogram


def calibrated(spec, *batches, channels=1):
    quantizer = Quantizer(spec, channels, label="layer 'conv', weight")
    for batch in batches:
        quantizer.observe(batch)
    quantizer.freeze()
    return quantizer


def test_minmax_symmetric_maps_the_extreme_to_the_largest_code():
    quantizer = calibrated(QuantizerSpec(bits=8), torch.tensor([-2.54, 1.0]))
    assert quantizer.codes(torch.tensor([-2.54, 2.54, 0.0])).tolist() == [-127, 127, 0]


def test_minmax_affine_represents_zero_exactly():
    quantizer = calibrated(QuantizerSpec(bits=8, signed=False, symmetric=False), torch.tensor([-1.0, 2.0]))
    assert quantizer.zero_points == (85,)
    assert quantizer(torch.zeros(1)).item() == 0.0
    assert quantizer.codes(torch.tensor([-1.0, 2.0])).tolist() == [0, 255]


@pytest.mark.parametrize("low", [0.0, 0.5], ids=["from-zero", "above-zero"])
def test_affine_without_negative_values_has_zero_point_0(low):
    values = torch.linspace(low, 3, 100)
    for calibration in ("minmax", "percentile", "mse"):
        spec = QuantizerSpec(signed=False, symmetric=False, calibration=calibration)
        assert calibrated(spec, values).zero_points == (0,)


def test_per_channel_ranges_are_independent():
    weight = torch.tensor([[1.0, -0.5], [10.0, 3.0]])
    quantizer = calibrated(QuantizerSpec(per_channel=True), weight, channels=2)
    assert torch.allclose(quantizer.scale, torch.tensor([1 / 127, 10 / 127]))
    assert quantizer.codes(weight)[:, 0].tolist() == [127, 127]


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "mse"])
@pytest.mark.parametrize("value", [0.0, 3.0, -3.0], ids=["zero", "positive", "negative"])
def test_constant_tensors(calibration, value):
    for signed, symmetric in ((True, True), (False, False), (True, False)):
        spec = QuantizerSpec(calibration=calibration, signed=signed, symmetric=symmetric)
        quantizer = calibrated(spec, torch.full((50,), value))
        assert quantizer.scale.item() > 0
        assert quantizer(torch.tensor([value])).item() == pytest.approx(value, abs=0.02)


def test_zero_channel_takes_the_largest_scale_of_the_others():
    weight = torch.tensor([[0.0, 0.0], [1.27, 0.0], [0.5, 0.1]])
    quantizer = calibrated(QuantizerSpec(per_channel=True), weight, channels=3)
    assert quantizer.scale[0] == quantizer.scale[1]


def test_tiny_values_do_not_underflow():
    quantizer = calibrated(QuantizerSpec(), torch.tensor([1e-38, -1e-42]))
    assert quantizer.scale.item() == 1.0


def test_percentile_ignores_outliers():
    values = torch.cat([torch.linspace(-1, 1, 100_000), torch.tensor([100.0])])
    quantizer = calibrated(QuantizerSpec(calibration="percentile", percentile=99.9), values)
    assert quantizer.scale.item() * 127 == pytest.approx(0.999, abs=0.02)


def test_percentile_100_is_minmax():
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    for signed, symmetric in ((True, True), (False, False)):
        kwargs = {"signed": signed, "symmetric": symmetric}
        exact = calibrated(QuantizerSpec(**kwargs), values)
        percentile = calibrated(QuantizerSpec(**kwargs, calibration="percentile", percentile=100), values)
        assert percentile.scale.item() == pytest.approx(exact.scale.item(), rel=1e-3)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(
    ("signed", "symmetric"), [(True, True), (False, False), (False, True)], ids=["symmetric", "affine", "unsigned"]
)
@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
def test_mse_is_no_worse_than_minmax(bits, signed, symmetric, per_channel):
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(3, 4000, generator=generator).pow(3) + 0.3
    if not signed and symmetric:
        values = values.relu()
    errors = {}
    for calibration in ("minmax", "mse"):
        spec = QuantizerSpec(bits, signed, symmetric, per_channel, calibration)
        quantizer = calibrated(spec, values, channels=3)
        errors[calibration] = (quantizer(values) - values).square().mean().item()
    assert errors["mse"] <= errors["minmax"] * 1.001
    if bits <= 4:
        assert errors["mse"] < 0.9 * errors["minmax"]


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "mse"])
def test_streaming_equals_one_batch(calibration):
    values = torch.randn(6000, generator=torch.Generator().manual_seed(2))
    values[0] = values.abs().max() * 1.5  # the first batch sets the histogram's limit
    spec = QuantizerSpec(calibration=calibration, signed=False, symmetric=False)
    whole, parts = calibrated(spec, values), calibrated(spec, *values.split(1000))
    assert torch.equal(whole.scale, parts.scale)
    assert torch.equal(whole.zero_point, parts.zero_point)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40), st.integers(1, 7))
def test_growing_histogram_keeps_every_count(values, size):
    histogram = GrowingHistogram(1)
    extreme = torch.zeros(1, dtype=torch.float64)
    for batch in torch.tensor(values, dtype=torch.float64).split(size):
        extreme = torch.maximum(extreme, batch.abs().max())
        histogram.add(batch.unsqueeze(0), extreme)
    counts, centres = histogram.counts_and_values()
    assert counts.sum() == len(values)
    mean = float((counts * centres).sum() / counts.sum())
    assert mean == pytest.approx(sum(values) / len(values), abs=2 * float(extreme) / 2**13 + 1e-12)


@pytest.mark.parametrize(
    ("bad", "kind"), [(float("nan"), "NaN"), (float("inf"), "infinite"), (-float("inf"), "infinite")]
)
def test_non_finite_values_name_the_layer(bad, kind):
    with pytest.raises(DataError, match=f"layer 'conv', weight: {kind} values"):
        calibrated(QuantizerSpec(), torch.tensor([1.0, float(bad)]))


def test_nothing_observed():
    with pytest.raises(InputError, match="layer 'conv', weight: no values were observed"):
        calibrated(QuantizerSpec())
    calibrator = Calibrator(QuantizerSpec(), 1, "x")
    calibrator.observe(torch.empty(0, 3))
    with pytest.raises(InputError, match="no values"):
        calibrator.scale_and_zero_point()
