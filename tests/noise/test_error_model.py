import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from agnsim.errors import InputError, OperandRangeError
from agnsim.multipliers import Choice, Encoding, Multiplier
from agnsim.noise import error_model, measure_errors, predict_errors
from agnsim.types import LayerOperands


def _operands(rows, weights, *, groups=1, row_group=None, zero_point=0, scale=1.0, output_std=1.0) -> LayerOperands:
    rows, weights = np.asarray(rows, dtype=np.int32), np.asarray(weights, dtype=np.int32)
    return LayerOperands(
        layer="conv",
        rows=rows,
        row_group=np.zeros(len(rows), dtype=np.int64) if row_group is None else np.asarray(row_group, dtype=np.int64),
        weights=weights,
        groups=groups,
        zero_point_a=zero_point,
        output_scale=np.broadcast_to(np.float64(scale), (len(weights),)),
        output_std=output_std,
    )


def _circuit(table, *, bits_a=8, bits_b=8, signed_a=False, signed_b=False, name="circuit") -> Choice:
    table = np.asarray(table, dtype=np.int32)
    return Choice(
        Multiplier.from_table(name, table, bits_a=bits_a, bits_b=bits_b, signed_a=signed_a, signed_b=signed_b)
    )


def _products(bits_a: int = 2, bits_b: int = 2) -> np.ndarray:
    return np.outer(np.arange(2**bits_a), np.arange(2**bits_b))


def _kulkarni() -> Choice:
    table = _products()
    table[3, 3] = 7
    return _circuit(table, bits_a=2, bits_b=2, name="kulkarni_2x2")


def test_two_bit_circuit_by_hand() -> None:
    # Row (3, 3) meets the weight 3 once whatever the pairing: error -2. Row (3, 0) meets it with 3 or with 0: -2 or 0.
    prediction = predict_errors(_operands([[3, 3], [3, 0]], [[3, 1]], scale=0.5), [_kulkarni()], pairing="random")
    assert prediction.mean == pytest.approx([-0.75])
    assert prediction.std == pytest.approx([0.5 * np.sqrt(0.5 + 0.25)])
    assert prediction.channel_mean == pytest.approx(np.array([[-0.75]]))


def test_two_bit_circuit_by_hand_with_independent_draws() -> None:
    # Row (3, 3): error -2 with chance 1/2 per product, row (3, 0): 1/4; two products each.
    prediction = predict_errors(_operands([[3, 3], [3, 0]], [[3, 1]]), [_kulkarni()], pairing="independent")
    assert prediction.mean == pytest.approx([-1.5])
    assert prediction.std**2 == pytest.approx([(2 * 4 * 0.25 + 2 * 4 * 3 / 16) / 2 + 0.25])


def test_channels_are_told_apart_and_pooled_with_their_scales() -> None:
    operands = replace(_operands([[3, 3], [3, 3]], [[3, 3], [1, 1]]), output_scale=np.array([1.0, 10.0]))
    prediction = predict_errors(operands, [_kulkarni()], pairing="random")
    assert prediction.channel_mean == pytest.approx(np.array([[-4.0, 0.0]]))
    assert (prediction.std, prediction.std_centred) == (pytest.approx([2.0]), pytest.approx([0.0]))


def test_mean_and_variance_are_exact_over_all_pairings() -> None:
    rng = np.random.default_rng(1)
    table = _products(3, 3) + rng.integers(-9, 9, size=(8, 8))
    operands = _operands(rng.integers(0, 8, (3, 4)), rng.integers(0, 8, (2, 4)), zero_point=2)
    errors = table - _products(3, 3)
    outcomes = np.array(
        [
            errors[operands.rows[:, None, :], operands.weights[None][:, :, list(order)]].sum(axis=2)
            for order in itertools.permutations(range(4))
        ]
    )
    prediction = predict_errors(operands, [_circuit(table, bits_a=3, bits_b=3)], pairing="random")
    assert prediction.channel_mean[0] == pytest.approx(outcomes.mean(axis=(0, 1)))
    assert prediction.channel_std[0] ** 2 == pytest.approx(outcomes.var(axis=(0, 1)))
    assert prediction.std == pytest.approx([outcomes.std()])


def test_exact_circuit_has_no_error_whatever_the_zero_point() -> None:
    rng = np.random.default_rng(2)
    operands = _operands(rng.integers(0, 8, (5, 6)), rng.integers(0, 8, (2, 6)), zero_point=3)
    prediction = predict_errors(operands, [_circuit(_products(3, 3), bits_a=3, bits_b=3)], pairing="random")
    assert not prediction.std.any()
    assert not prediction.channel_mean.any()


def _grouped(rng, *, groups: int, channels: int, fan_in: int, rows: int) -> LayerOperands:
    row_group = rng.integers(0, groups, rows)
    return _operands(
        rng.integers(0, 8, (rows, fan_in)),
        rng.integers(0, 8, (groups * channels, fan_in)),
        groups=groups,
        row_group=row_group,
        scale=0.25,
    )


@pytest.mark.parametrize("independent", [False, True], ids=["random pairing", "independent draws"])
@pytest.mark.parametrize("fan_in", [1, 9])
def test_depthwise_direct_evaluation_equals_histograms(monkeypatch, fan_in: int, independent: bool) -> None:
    rng = np.random.default_rng(3)
    operands = _grouped(rng, groups=6, channels=2, fan_in=fan_in, rows=40)
    choices = [_circuit(_products(3, 3) + rng.integers(-9, 9, (8, 8)), bits_a=3, bits_b=3) for _ in range(2)]
    monkeypatch.setattr(error_model, "_CHUNK_ELEMENTS", 500)
    direct = predict_errors(operands, choices, pairing="independent" if independent else "random")
    monkeypatch.setattr(error_model, "_DIRECT_PAIRS", 0)
    histograms = predict_errors(operands, choices, pairing="independent" if independent else "random")
    assert direct.channel_mean == pytest.approx(histograms.channel_mean)
    assert direct.channel_std == pytest.approx(histograms.channel_std)


def test_rows_of_a_group_meet_only_its_channels() -> None:
    rng = np.random.default_rng(4)
    operands = _grouped(rng, groups=2, channels=3, fan_in=5, rows=30)
    choice = _circuit(_products(3, 3) + rng.integers(-9, 9, (8, 8)), bits_a=3, bits_b=3)
    together, measured = predict_errors(operands, [choice], pairing="random"), measure_errors(operands, [choice])
    for group in range(2):
        owned = slice(3 * group, 3 * group + 3)
        alone = _operands(operands.rows[operands.row_group == group], operands.weights[owned], scale=0.25)
        assert together.channel_mean[:, owned] == pytest.approx(
            predict_errors(alone, [choice], pairing="random").channel_mean
        )
        assert together.channel_std[:, owned] == pytest.approx(
            predict_errors(alone, [choice], pairing="random").channel_std
        )
        assert measured.channel_mean[:, owned] == pytest.approx(measure_errors(alone, [choice]).channel_mean)
        assert measured.channel_std[:, owned] == pytest.approx(measure_errors(alone, [choice]).channel_std)


def test_group_without_sampled_rows_is_represented_by_the_others() -> None:
    operands = _operands([[3, 3], [3, 3]], [[3, 3], [3, 3]], groups=2, row_group=[0, 0])
    assert predict_errors(operands, [_kulkarni()], pairing="random").channel_mean.tolist() == [[-4.0, -4.0]]


def test_measurement_by_hand() -> None:
    measured = measure_errors(_operands([[3, 3], [0, 3]], [[3, 1], [3, 3]]), [_kulkarni()])
    assert measured.channel_mean.tolist() == [[-1.0, -3.0]]
    assert measured.channel_std.tolist() == [[1.0, 1.0]]
    assert measured.std == pytest.approx([np.std([-2, 0, -4, -2])])


# ---- prediction against measurement on layers with realistic operands


def _feature_rows(rng, channels: int, rows: int) -> np.ndarray:
    size = 24
    frequency = np.fft.fftfreq(size)
    low_pass = np.exp(-(frequency[:, None] ** 2 + frequency[None] ** 2) / (2 * 0.08**2))
    images = np.fft.ifft2(np.fft.fft2(rng.normal(size=(8, channels, size, size))) * low_pass).real
    images = np.maximum(images / images.std() + 0.5 * rng.normal(size=(1, channels, 1, 1)), 0)
    codes = np.pad(np.round(255 * images / images.max()).astype(np.int32), ((0, 0), (0, 0), (1, 1), (1, 1)))
    places = zip(rng.integers(0, 8, rows), rng.integers(0, size, rows), rng.integers(0, size, rows), strict=True)
    return np.array([codes[n, :, y : y + 3, x : x + 3].ravel() for n, y, x in places])


def _layer(rng, channels: int, *, rows: int = 256) -> LayerOperands:
    field = _feature_rows(rng, channels, rows)
    weights = rng.normal(size=(channels, field.shape[1]))
    weights = np.round(127 * weights / np.abs(weights).max(axis=1, keepdims=True))
    scale = rng.uniform(0.5, 2.0, channels) * 1e-4
    accurate = (field @ weights.T) * scale
    return replace(_operands(field, weights, output_std=float(accurate.std())), output_scale=scale)


def _truncations() -> list[Choice]:
    a, b = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    tables = {
        "truncated_3x3": (a >> 3 << 3) * (b >> 3 << 3),
        "truncated_0x4": a * (b >> 4 << 4),
        "truncated_4x0": (a >> 4 << 4) * b,
        "columns_7": sum((((a >> i) & 1) * ((b >> j) & 1)) << (i + j) for i in range(8) for j in range(8) if i + j > 6),
    }
    plain = [_circuit(table, name=name) for name, table in tables.items()]
    return [replace(choice, encoding_w=Encoding.SIGN_MAGNITUDE) for choice in plain]


@pytest.fixture(scope="module", params=[16, 32], ids=["conv3x3 of 16 channels", "conv3x3 of 32 channels"])
def layer(request) -> LayerOperands:
    return _layer(np.random.default_rng(request.param), request.param)


def test_predicted_error_matches_full_evaluation(layer: LayerOperands) -> None:
    choices = _truncations()
    predicted, measured = predict_errors(layer, choices, pairing="random"), measure_errors(layer, choices)
    assert predicted.std == pytest.approx(measured.std, rel=0.15)
    assert predicted.std_centred == pytest.approx(measured.std_centred, rel=0.15)
    assert predicted.mean == pytest.approx(measured.mean, abs=0.05 * layer.output_std)
    assert predicted.output_std == layer.output_std


def test_pairing_the_operands_at_hand_beats_independent_draws(layer: LayerOperands) -> None:
    choices = _truncations()
    measured = measure_errors(layer, choices).std_centred
    paired = predict_errors(layer, choices, pairing="random").std_centred
    independent = predict_errors(layer, choices, pairing="independent").std_centred
    assert (independent > paired).all()
    assert np.abs(paired / measured - 1).max() < 0.5 * np.abs(independent / measured - 1).max()


def test_narrow_circuit_is_judged_on_requantised_codes(layer: LayerOperands) -> None:
    narrow = _circuit(_products(6, 5), bits_a=6, bits_b=5, name="exact_6x5")
    narrow = replace(narrow, encoding_w=Encoding.SIGN_MAGNITUDE)
    wide = _circuit(_products(8, 8), name="exact_8x8")
    wide = replace(wide, encoding_w=Encoding.SIGN_MAGNITUDE)
    ranges = {"range_a": (0, 255), "range_w": (-127, 127)}
    predicted, measured = (
        predict_errors(layer, [narrow, wide], **ranges, pairing="random"),
        measure_errors(layer, [narrow, wide], **ranges),
    )
    coarse_a, coarse_w = (
        np.round(layer.rows * (63 / 255)) * (255 / 63),
        np.round(layer.weights * (15 / 127)) * (127 / 15),
    )
    errors = (coarse_a @ coarse_w.T - layer.rows @ layer.weights.T) * layer.output_scale
    assert measured.std[0] == pytest.approx(errors.std())
    assert measured.mean[0] == pytest.approx(errors.mean())
    assert predicted.std[0] == pytest.approx(errors.std(), rel=0.15)
    assert predicted.std[1] == measured.std[1] == 0.0


def test_affine_codes_on_a_signed_port_become_symmetric() -> None:
    rng = np.random.default_rng(5)
    operands = _operands(rng.integers(0, 256, (8, 6)), rng.integers(-127, 128, (3, 6)), zero_point=100)
    patterns = np.arange(256)
    values = np.where(patterns > 127, patterns - 256, patterns)
    signed = _circuit(np.outer(values, values), signed_a=True, signed_b=True)
    measured = measure_errors(operands, [signed], range_a=(0, 255))
    coarse = np.round((operands.rows - 100) * (127 / 155)) * (155 / 127)
    errors = (coarse - (operands.rows - 100)) @ operands.weights.T
    assert measured.channel_mean[0] == pytest.approx(errors.mean(axis=0))
    assert measured.channel_std[0] == pytest.approx(errors.std(axis=0))


def test_fifty_circuits_take_milliseconds_each(layer: LayerOperands) -> None:
    choices = _truncations() * 12
    started = time.process_time()
    predict_errors(layer, choices, pairing="random")
    assert time.process_time() - started < 3.0


@pytest.mark.parametrize("function", [predict_errors, measure_errors])
def test_codes_that_do_not_fit_name_layer_circuit_and_remedy(function) -> None:
    with pytest.raises(OperandRangeError, match=r"layer 'conv'.*kulkarni_2x2.*activation codes span 3..9.*0..3.*state"):
        function(_operands([[9, 3]], [[1, 1]]), [_kulkarni()])


@pytest.mark.parametrize("function", [predict_errors, measure_errors])
def test_wrong_input_is_explained(function) -> None:
    operands = _operands([[3, 3]], [[1, 1]])
    with pytest.raises(InputError, match="no circuits"):
        function(operands, [])
    with pytest.raises(InputError, match="no sampled operands"):
        function(replace(operands, rows=operands.rows[:0], row_group=operands.row_group[:0]), [_kulkarni()])
    with pytest.raises(InputError, match=r"outside the stated range 0\.\.2"):
        function(operands, [_kulkarni()], range_a=(0, 2))
    with pytest.raises(InputError, match="no negative values"):
        function(_operands([[3, 3]], [[-1, 1]]), [_kulkarni()], range_w=(-7, 7))


def test_measuring_no_rows_is_an_error() -> None:
    with pytest.raises(InputError, match="rows is 0"):
        measure_errors(_operands([[3, 3]], [[1, 1]]), [_kulkarni()], rows=0)
