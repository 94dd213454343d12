"""Slope tables: against the definitions written as loops, and on exact multipliers."""

import numpy as np
import pytest

from agnsim.errors import InputError, UnknownName
from agnsim.multipliers import Multiplier
from agnsim.nn.gradients import estimator, factor, gradients
from agnsim.nn.gradients.separable import MAX_RANK, TOLERANCE

EXACT = {
    "unsigned": Multiplier.exact(8, 8, signed_a=False, signed_b=False),
    "signed": Multiplier.exact(6, 5, signed_a=True, signed_b=True),
    "mixed": Multiplier.exact(2, 8, signed_a=False, signed_b=True),
    "sign_magnitude": Multiplier.exact(8, 8, signed_a=False, signed_b=False).encoded(w="sign_magnitude"),
}


def values(bits, signed):
    patterns = np.arange(1 << bits)
    return np.where(patterns >= 1 << (bits - 1), patterns - (1 << bits), patterns) if signed else patterns


def dense(factored):
    return factored.u.T @ factored.v


@pytest.mark.parametrize("name", gradients)
@pytest.mark.parametrize("circuit", EXACT.values(), ids=EXACT)
def test_an_exact_multiplier_has_the_other_operand_as_slope(name, circuit):
    slopes = estimator(name).slopes(circuit)
    a, w = values(circuit.bits_a, circuit.signed_a), values(circuit.bits_b, circuit.signed_b)
    used = np.ix_(
        *((of >= low) & (of <= high) for of, (low, high) in ((a, circuit.range_a), (w, circuit.range_b)))
    )  # a pattern that no layer holds may have any slope
    shape = circuit.table.shape
    np.testing.assert_allclose(dense(slopes.on_a)[used], np.broadcast_to(w, shape)[used], atol=1e-9)
    np.testing.assert_allclose(dense(slopes.on_w)[used], np.broadcast_to(a[:, None], shape)[used], atol=1e-9)


def test_difference_follows_its_definition(rough_unsigned):
    half_window, table = 3, rough_unsigned.table.astype(float)
    smooth = np.full_like(table, np.nan)
    for a in range(half_window, 256 - half_window):
        smooth[a] = table[a - half_window : a + half_window + 1].mean(0)
    expected = np.empty_like(table)
    for a in range(256):
        inside = half_window < a < 255 - half_window
        expected[a] = (smooth[a + 1] - smooth[a - 1]) / 2 if inside else (table[255] - table[0]) / 255
    found = estimator("difference(half_window=3)").slopes(rough_unsigned)
    best = factor(expected)
    np.testing.assert_allclose(dense(found.on_a), dense(best), atol=1e-9)
    swapped = estimator("difference(half_window=3)").slopes(rough_unsigned.swapped())
    np.testing.assert_allclose(dense(swapped.on_w).T, dense(found.on_a), atol=1e-9)


def test_local_slope_is_the_regression_line(rough_signed):
    found = estimator("local_slope").slopes(rough_signed)
    codes = values(8, True)
    assert found.on_a.u.shape == found.on_w.u.shape == (1, 256)
    for pattern in (0, 1, 100, 130, 255):
        line = np.polyfit(codes, rough_signed.table[:, pattern], 1)
        np.testing.assert_allclose(dense(found.on_a)[:, pattern], line[0])
        line = np.polyfit(codes, rough_signed.table[pattern], 1)
        np.testing.assert_allclose(dense(found.on_w)[pattern], line[0])


def test_smooth_truncation_of_a_circuit_that_drops_bits():
    """T = (a & ~7) * w: no plain difference sees a slope but at the steps; a window over a step does."""
    a, w = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    circuit = Multiplier.from_table("steps", ((a & ~7) * w).astype(np.int32), signed_a=False, signed_b=False)
    rough = dense(estimator("difference(half_window=0)").slopes(circuit).on_a)[20:230, 1:]
    smooth = dense(estimator("difference(half_window=12)").slopes(circuit).on_a)[20:230, 1:]
    assert abs(rough / w[20:230, 1:] - 1).max() > 0.9
    assert abs(smooth / w[20:230, 1:] - 1).max() < 0.5


@pytest.mark.parametrize("shape", [(4, 256), (256, 256)])
def test_factor_keeps_its_tolerance_or_its_rank(shape):
    rng = np.random.default_rng(0)
    low = rng.normal(size=(shape[0], 3)) @ rng.normal(size=(3, shape[1]))
    found = factor(low)
    assert found.u.shape == (3, shape[0])
    np.testing.assert_allclose(dense(found), low, atol=1e-9)
    noisy = low + 0.01 * rng.normal(size=shape)
    assert np.linalg.norm(dense(factor(noisy)) - noisy) <= TOLERANCE * np.linalg.norm(noisy)
    assert len(factor(rng.normal(size=shape)).u) == min(MAX_RANK, shape[0])
    assert not dense(factor(np.zeros(shape))).any()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("diference", UnknownName, "unknown gradient 'diference'. Did you mean 'difference'"),
        ("difference(half_window=-1)", InputError, "half_window: -1 is negative"),
        ("difference(window=3)", InputError, "'window=3': difference takes half_window=integer"),
        ("difference(half_window=x)", InputError, "'half_window=x': difference takes"),
        ("local_slope(half_window=3)", InputError, "local_slope takes no parameters"),
        ("difference(", InputError, "not of the form NAME"),
        ("", InputError, "not of the form NAME"),
    ],
)
def test_wrong_specifications_are_refused_by_name(text, error, message):
    with pytest.raises(error) as caught:
        estimator(text)
    assert message in str(caught.value)


def test_one_estimator_per_specification():
    assert estimator("difference( half_window = 4 )") == estimator("difference(half_window=4)")
    assert estimator("difference()") == estimator("difference")
