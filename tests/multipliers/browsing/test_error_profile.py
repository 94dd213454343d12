"""What is said of a circuit's error equals what plain NumPy says of its whole error table."""

import numpy as np
import pytest

from agnsim.multipliers import Multiplier
from agnsim.multipliers.browsing import error_profile
from agnsim.multipliers.browsing.error_profile import conditional_errors, error_histogram, error_picture, zero_products
from agnsim.multipliers.encoding import operand_values


@pytest.fixture(params=[(4, 3, False, True), (3, 5, True, False), (6, 6, True, True)], ids=str)
def circuit(request) -> Multiplier:
    bits_a, bits_b, signed_a, signed_b = request.param
    exact = Multiplier.exact(bits_a, bits_b, signed_a=signed_a, signed_b=signed_b)
    noise = np.random.default_rng(5).integers(-70, 20, exact.table.shape)
    return Multiplier.from_table(
        "noisy", exact.table + noise, bits_a=bits_a, bits_b=bits_b, signed_a=signed_a, signed_b=signed_b
    )


@pytest.fixture(autouse=True)
def few_rows_at_once(monkeypatch) -> None:
    monkeypatch.setattr(error_profile, "_ENTRIES_AT_ONCE", 50)


def by_value(circuit: Multiplier) -> np.ndarray:
    """The error table with rows and columns in ascending order of operand values."""
    order_a = np.argsort(operand_values(circuit.bits_a, circuit.signed_a))
    order_b = np.argsort(operand_values(circuit.bits_b, circuit.signed_b))
    return circuit.error_table[np.ix_(order_a, order_b)]


def test_conditional_errors(circuit) -> None:
    given_a, given_w = conditional_errors(circuit)
    error = by_value(circuit)
    assert given_a.values.tolist() == list(range(circuit.range_a[0], circuit.range_a[1] + 1))
    assert given_w.values.tolist() == list(range(circuit.range_b[0], circuit.range_b[1] + 1))
    np.testing.assert_allclose(given_a.mean, error.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(given_w.mean, error.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(given_a.std, error.std(axis=1), atol=1e-9)
    np.testing.assert_allclose(given_w.std, error.std(axis=0), atol=1e-9)


def test_histogram_counts_every_pair(circuit) -> None:
    error = circuit.error_table
    middles, shares = error_histogram(circuit, bins=1000)
    assert shares.sum() == pytest.approx(1)
    for value, share in zip(middles, shares, strict=True):
        assert share == pytest.approx(np.mean(error == value))
    middles, shares = error_histogram(circuit, bins=7)
    assert len(middles) <= 7
    assert shares.sum() == pytest.approx(1)
    assert (middles * shares).sum() == pytest.approx(error.mean(), abs=(middles[1] - middles[0]) / 2)


def test_picture_of_a_small_table_is_the_table(circuit) -> None:
    a, w, picture = error_picture(circuit)
    assert np.array_equal(picture, by_value(circuit))
    assert (a[0], a[-1], w[0], w[-1]) == (*circuit.range_a, *circuit.range_b)


def test_picture_of_a_large_table_shows_the_largest_errors(circuit) -> None:
    a, w, picture = error_picture(circuit, side=4)
    error = by_value(circuit)
    cells = error.reshape(len(a), error.shape[0] // len(a), len(w), -1).swapaxes(1, 2).reshape(len(a), len(w), -1)
    assert picture.shape == (4, 4)
    assert np.array_equal(np.abs(picture), np.abs(cells).max(axis=2))
    assert all(picture[i, j] in cells[i, j] for i in range(4) for j in range(4))


def test_products_with_zero() -> None:
    table = np.multiply.outer(np.arange(4), np.arange(4))
    table[0, 2], table[3, 0] = -5, 2
    circuit = Multiplier.from_table("z", table, bits_a=2, bits_b=2, signed_a=False, signed_b=False)
    assert zero_products(circuit) == (5, 2)
    assert zero_products(Multiplier.exact(4, 4, signed_a=True, signed_b=False)) == (0, 0)
