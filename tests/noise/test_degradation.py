"""The predicted rise of the loss: what the search's optimum says of it, layer by layer and channel by channel."""

import numpy as np
import pytest

from agnsim.errors import InputError
from agnsim.noise import ErrorPrediction
from agnsim.noise.degradation import Tolerance


def prediction(channel_std, channel_mean=None, *, output_std=2.0, channel_output_std=None) -> ErrorPrediction:
    """Of M circuits and C channels; the pooled figures follow."""
    std = np.array(channel_std, dtype=np.float64)
    means = np.zeros_like(std) if channel_mean is None else np.array(channel_mean, dtype=np.float64)
    within = (std**2).mean(axis=1)
    return ErrorPrediction(
        layer="conv",
        mean=means.mean(axis=1),
        std=np.sqrt(within + means.var(axis=1)),
        std_centred=np.sqrt(within),
        channel_mean=means,
        channel_std=std,
        output_std=output_std,
        channel_output_std=None if channel_output_std is None else np.array(channel_output_std),
    )


def test_slope_of_the_degradation_at_the_tolerance_is_the_reward() -> None:
    noise_weight, share, sigma = 0.3, 0.2, 0.05

    def loss(r: float) -> float:
        tolerance = Tolerance.of(prediction([[0.0]]), sigma)
        return tolerance.degradation(noise_weight * share) * float(
            tolerance.used(prediction([[r * 2.0]]), means_removed=True)[0]
        )

    step = 1e-6
    assert (loss(sigma + step) - loss(sigma - step)) / (2 * step) == pytest.approx(noise_weight * share, rel=1e-6)
    assert loss(sigma) == pytest.approx(noise_weight * share * sigma / 2)
    assert loss(3 * sigma) == pytest.approx(9 * loss(sigma))


def test_mean_square_counts_where_means_stay_and_the_spread_alone_where_they_go() -> None:
    errors = prediction([[0.3, 0.4]], [[1.0, -0.5]])
    tolerance = Tolerance.of(errors, 0.1)  # 0.2 in real units
    assert tolerance.used(errors, means_removed=True) == pytest.approx((0.09 + 0.16) / 2 / 0.04)
    assert tolerance.used(errors, means_removed=False) == pytest.approx((0.09 + 0.16 + 1.0 + 0.25) / 2 / 0.04)


@pytest.mark.parametrize("means_removed", [True, False])
def test_channels_of_equal_tolerance_are_one_layer(means_removed: bool) -> None:
    errors = prediction([[0.3, 0.4], [0.1, 0.0]], [[1.0, -0.5], [0.2, 0.1]], channel_output_std=[2.0, 2.0])
    whole, split = Tolerance.of(errors, 0.1), Tolerance.of(errors, 0.1, np.array([0.1, 0.1]))
    for name in ("used", "spread"):
        found = [getattr(each, name)(errors, means_removed=means_removed) for each in (whole, split)]
        np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
    assert whole.degradation(0.7) == pytest.approx(split.degradation(0.7))


def test_error_where_a_channel_tolerates_little_weighs_more() -> None:
    errors = prediction([[0.1, 0.0], [0.0, 0.1]], channel_output_std=[1.0, 4.0])
    tolerance = Tolerance.of(errors, 0.1, np.array([0.05, 0.2]))
    used = tolerance.used(errors, means_removed=True)
    # Half of the mean of sigma (r / sigma)^2 over the mean of sigma, 0.125.
    assert used == pytest.approx([0.05 * (0.1 / 0.05) ** 2 / 2 / 0.125, 0.2 * (0.1 / 0.8) ** 2 / 2 / 0.125])
    assert tolerance.degradation(2.0) == pytest.approx(0.125)
    np.testing.assert_allclose(tolerance.spread(errors, means_removed=True) ** 2, used * 0.2**2)


def test_channel_of_constant_output_takes_the_layers_tolerance() -> None:
    errors = prediction([[0.1, 0.2]], channel_output_std=[0.0, 3.0])
    tolerance = Tolerance.of(errors, 0.1, np.array([0.5, 0.1]))
    np.testing.assert_allclose(tolerance.sigma, [0.1, 0.1])
    np.testing.assert_allclose(tolerance.std, [0.2, 0.3])


def test_no_tolerance_bears_no_error() -> None:
    errors = prediction([[0.0, 0.0], [0.0, 0.1]], channel_output_std=[2.0, 2.0])
    assert Tolerance.of(errors, 0.0).used(errors, means_removed=True).tolist() == [0.0, np.inf]
    mixed = Tolerance.of(errors, 0.1, np.array([0.1, 0.0]))
    assert mixed.used(errors, means_removed=True).tolist() == [0.0, np.inf]


@pytest.mark.parametrize(
    ("channel_sigma", "spread", "message"),
    [
        ([0.1], [1.0, 1.0], "has 2 output channels"),
        ([0.1, -0.1], [1.0, 1.0], "finite number >= 0"),
        ([0.1, 0.1], None, "standard deviation of its channels is not known"),
    ],
    ids=["too few", "negative", "unknown spread"],
)
def test_wrong_channels_are_explained(channel_sigma: list[float], spread: list[float] | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Tolerance.of(prediction([[0.1, 0.1]], channel_output_std=spread), 0.1, np.array(channel_sigma))
