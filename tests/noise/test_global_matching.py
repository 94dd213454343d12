"""The integer program finds what trying every assignment finds, and says what cannot be kept."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from agnsim.errors import InputError
from agnsim.multipliers import Choice, Multiplier
from agnsim.noise import Candidate, ErrorPrediction, match_globally, match_layers
from agnsim.noise.integer_program import MIP_GAP

OPERANDS = np.arange(16)


def circuit(number: int) -> Multiplier:
    """Circuit 0 is exact, the others are not, nor are they symmetric."""
    table = np.multiply.outer(OPERANDS, OPERANDS).astype(np.int32)
    table[number, 0] += number
    return Multiplier.from_table(f"c{number}", table, bits_a=4, bits_b=4, signed_a=False, signed_b=False)


@dataclass
class Instance:
    """A random network: layers of different size and tolerance, circuits in two orientations."""

    sigma: dict[str, float]
    predictions: dict[str, ErrorPrediction]
    candidates: dict[str, list[Candidate]]
    shares: dict[str, float]

    @classmethod
    def random(cls, seed: int, *, layers: int = 4, circuits: int = 5) -> "Instance":
        random = np.random.default_rng(seed)
        energy = np.concatenate([[1.0], np.sort(random.uniform(0.05, 1.0, circuits - 1))[::-1]])
        area, delay = random.uniform(0.3, 1.0, circuits), random.uniform(0.5, 1.5, circuits)
        delay[0] = 1.0
        options = [
            Candidate(Choice(circuit(i), swapped), float(energy[i]), float(delay[i]), float(area[i]))
            for i in range(circuits)
            for swapped in (False, True)
        ]
        options.sort(key=lambda option: option.energy_ratio)
        exact = np.array([option.choice.multiplier.name == "c0" for option in options])
        names = [f"conv{i}" for i in range(layers)]
        macs = random.uniform(1, 5, layers)
        predictions = {}
        for name in names:
            size = np.array([(1.05 - option.energy_ratio) * random.lognormal(0, 0.5) for option in options])
            std, mean = np.where(exact, 0.0, size), np.where(exact, 0.0, size * random.normal(0, 0.3, len(size)))
            channels = np.stack([std, std], 1)
            predictions[name] = ErrorPrediction(name, mean, std, std, np.stack([mean, mean], 1), channels, 2.0)
        return cls(
            dict(zip(names, random.uniform(0.05, 0.4, layers).tolist(), strict=True)),
            predictions,
            dict.fromkeys(names, options),
            dict(zip(names, (macs / macs.sum()).tolist(), strict=True)),
        )

    def match(self, **limits: Any) -> Any:
        return match_globally(self.sigma, self.predictions, self.candidates, self.shares, **limits)

    def greedy(self, **options: Any) -> Any:
        return match_layers(self.sigma, self.predictions, self.candidates, shares=self.shares, **options)

    def energy(self, matching: Any) -> float:
        return sum(self.shares[layer] * ratio for layer, ratio in matching.energy_ratios.items())

    def every_assignment(
        self,
        *,
        scale: float = 1.0,
        noise_weight: float = 1.0,
        means_removed: bool = True,
        max_distinct: int = 99,
        max_delay: float = 99.0,
        max_area: float = 99.0,
        shared: tuple[tuple[str, ...], ...] = (),
    ) -> Iterator[tuple[float, float]]:
        """Yield energy and degradation over budget of every assignment within the limits, the hard way."""
        names = list(self.sigma)
        budget = scale**2 * sum(noise_weight * self.shares[n] * self.sigma[n] / 2 for n in names)
        for picked in itertools.product(*(range(len(self.candidates[name])) for name in names)):
            used = [self.candidates[name][index] for name, index in zip(names, picked, strict=True)]
            areas = {option.choice.multiplier: option.area_ratio for option in used}
            if len(areas) > max_distinct or sum(areas.values()) > max_area:
                continue
            if any(option.delay_ratio > max_delay for option in used):
                continue
            if any(len({picked[names.index(name)] for name in group}) > 1 for group in shared):
                continue
            degradation = 0.0
            for name, index in zip(names, picked, strict=True):
                errors = self.predictions[name]
                square = errors.std[index] ** 2 + (0.0 if means_removed else errors.mean[index] ** 2)
                weight = noise_weight * self.shares[name] * self.sigma[name] / 2
                degradation += weight * square / (self.sigma[name] * 2.0) ** 2
            energy = sum(self.shares[name] * option.energy_ratio for name, option in zip(names, used, strict=True))
            yield energy, degradation / budget


LIMITS: dict[str, dict[str, Any]] = {
    "budget alone": {},
    "scaled": {"scale": 0.6, "noise_weight": 0.3},
    "means stay": {"means_removed": False},
    "one circuit": {"max_distinct": 1, "scale": 1.5},
    "two circuits": {"max_distinct": 2},
    "delay": {"max_delay": 1.0},
    "area": {"max_area": 1.3},
    "area and circuits": {"max_area": 1.9, "max_distinct": 2},
    "shared": {"shared": (("conv0", "conv2"),)},
    "everything": {
        "scale": 1.5,
        "max_distinct": 2,
        "max_delay": 1.2,
        "max_area": 1.8,
        "shared": (("conv3", "conv0"), ("conv1", "conv2")),
    },
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("seed", range(4))
def test_no_assignment_within_the_limits_takes_less_energy(seed: int, limits: dict[str, Any]) -> None:
    instance = Instance.random(seed, circuits=4)
    feasible = [energy for energy, used in instance.every_assignment(**limits) if used <= 1]
    if not feasible:
        with pytest.raises(InputError, match="cannot be kept"):
            instance.match(**limits)
        return
    matching = instance.match(**limits)
    assert instance.energy(matching) == pytest.approx(min(feasible), rel=2 * MIP_GAP)
    assert matching.degradation <= matching.budget * (1 + 1e-6)
    assert matching.proven_optimal
    assert matching.assignment.distinct_multipliers <= limits.get("max_distinct", 99)
    for group in limits.get("shared", ()):
        assert len({matching.assignment[layer] for layer in group}) == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_greedy_stays_within_the_budget_and_never_takes_less_energy(seed: int, scale: float) -> None:
    instance = Instance.random(seed)
    greedy, best = (each(scale=scale, noise_weight=0.3) for each in (instance.greedy, instance.match))
    assert greedy.budget == best.budget
    assert greedy.degradation <= greedy.budget
    assert instance.energy(best) <= instance.energy(greedy) * (1 + MIP_GAP)
    assert greedy.proven_optimal is None


def test_noise_weight_is_the_unit_and_cancels() -> None:
    instance = Instance.random(0)
    found = {weight: instance.match(noise_weight=weight) for weight in (None, 0.0, 0.2)}
    assert len({tuple(matching.chosen.items()) for matching in found.values()}) == 1
    assert found[0.0].degradation == found[None].degradation
    assert found[0.2].degradation == pytest.approx(0.2 * found[None].degradation)
    assert found[0.2].budget == pytest.approx(
        0.2 * sum(instance.shares[layer] * sigma / 2 for layer, sigma in instance.sigma.items())
    )
    assert sum(row["predicted_degradation"] for row in found[0.2].rows) == pytest.approx(found[0.2].degradation)
    assert [row["layer"] for row in found[0.2].rows] == list(instance.sigma)


def test_orientations_of_a_circuit_are_one_circuit() -> None:
    instance = Instance.random(1)
    matching = instance.match(max_distinct=1, scale=3.0)
    assert matching.assignment.distinct_multipliers == 1
    assert {choice.swapped for choice in matching.assignment.values()} == {False, True}


def suggested(message: str, limit: str) -> float:
    found = re.search(rf"{limit} ([0-9.e+-]+)", message.split("would do")[1])
    assert found, message
    return float(found[1])


def without_exact(instance: Instance) -> Instance:
    keep = [i for i, o in enumerate(instance.candidates["conv0"]) if o.choice.multiplier.name != "c0"]
    options = [instance.candidates["conv0"][i] for i in keep]
    return replace(
        instance,
        predictions={name: errors.of(keep) for name, errors in instance.predictions.items()},
        candidates=dict.fromkeys(instance.candidates, options),
    )


def test_budget_that_nothing_keeps_is_refused_with_the_scale_that_does() -> None:
    instance = without_exact(Instance.random(2))
    with pytest.raises(InputError, match="no assignment degrades less than") as refusal:
        instance.match(scale=0.01)
    found = re.search(r"raise the scale from 0.01 to ([0-9.e+-]+)", str(refusal.value))
    assert found
    instance.match(scale=float(found[1]))
    with pytest.raises(InputError):
        instance.match(scale=0.99 * float(found[1]))


def test_limits_on_circuits_that_nothing_keeps_are_refused_with_the_nearest_that_can_be() -> None:
    instance = without_exact(Instance.random(16, layers=4, circuits=7))
    least = min(used for _, used in instance.every_assignment()) ** 0.5
    scale = 1.02 * least  # hardly more than the best circuit of each layer
    with pytest.raises(InputError, match="max_distinct 1 cannot be kept within the budget") as refusal:
        instance.match(scale=scale, max_distinct=1)
    message = str(refusal.value)
    fewest, enough = int(suggested(message, "max_distinct")), suggested(message, "scale")
    assert instance.match(scale=scale, max_distinct=fewest).assignment.distinct_multipliers == fewest > 1
    assert instance.match(scale=enough, max_distinct=1).assignment.distinct_multipliers == 1
    for almost in ({"scale": scale, "max_distinct": fewest - 1}, {"scale": 0.995 * enough, "max_distinct": 1}):
        with pytest.raises(InputError, match="max_distinct"):
            instance.match(**almost)


def test_the_fewest_circuits_named_are_the_fewest_though_each_layer_has_a_better_one() -> None:
    instance = Instance.random(0, layers=3, circuits=3)
    instance.sigma = dict.fromkeys(instance.sigma, 0.3)
    instance.shares = dict.fromkeys(instance.sigma, 1 / 3)
    options = [Candidate(Choice(circuit(i + 1)), 0.5) for i in range(3)]
    instance.candidates = dict.fromkeys(instance.sigma, options)
    for layer, errors in zip(instance.sigma, ([0.01, 5, 5], [0.5, 0.01, 5], [5, 0.4, 0.01]), strict=True):
        std, none = np.array(errors, dtype=float), np.zeros(3)
        instance.predictions[layer] = ErrorPrediction(
            layer, none, std, std, np.stack([none, none], 1), np.stack([std, std], 1), 2.0
        )
    with pytest.raises(InputError, match=r"max_distinct 1 cannot be kept.*, max_distinct 2$"):
        instance.match(max_distinct=1)
    assert instance.match(max_distinct=2).assignment.distinct_multipliers == 2


def test_area_that_nothing_keeps_is_refused_with_the_least_that_can_be() -> None:
    instance = without_exact(Instance.random(3, layers=4, circuits=7))
    scale = 1.02 * min(used for _, used in instance.every_assignment()) ** 0.5
    with pytest.raises(InputError, match=r"max_distinct 9 and max_area 0\.01 cannot be kept") as refusal:
        instance.match(scale=scale, max_distinct=9, max_area=0.01)
    message = str(refusal.value)
    assert "scale" not in message.split("would do")[1]  # no circuit is as small as that
    area = suggested(message, "max_area")
    instance.match(scale=scale, max_area=area)
    with pytest.raises(InputError, match="max_area"):
        instance.match(scale=scale, max_area=0.99 * area)


@pytest.mark.parametrize("method", ["greedy", "match"])
def test_slow_circuits_are_left_out(method: str) -> None:
    instance = Instance.random(0)
    matching = getattr(instance, method)(scale=3.0)
    used = {choice.multiplier.name for choice in matching.assignment.values()}
    slow = [
        replace(option, delay_ratio=2.0 if option.choice.multiplier.name in used else 1.0)
        for option in instance.candidates["conv0"]
    ]
    instance = replace(instance, candidates=dict.fromkeys(instance.candidates, slow))
    fast = getattr(instance, method)(scale=3.0, max_delay=1.5)
    assert used.isdisjoint(choice.multiplier.name for choice in fast.assignment.values())
    with pytest.raises(
        InputError, match=r"max_delay is 0.5, but the fastest circuit for layer 'conv0', c\d, takes 1 of"
    ):
        getattr(instance, method)(max_delay=0.5)


@pytest.mark.parametrize("method", ["greedy", "match"])
def test_the_delay_that_is_named_is_enough(method: str) -> None:
    instance = Instance.random(0)
    options = [replace(option, delay_ratio=1.00004) for option in instance.candidates["conv0"]]
    instance = replace(instance, candidates=dict.fromkeys(instance.candidates, options))
    with pytest.raises(InputError, match=r"takes ([0-9.]+) of its reference's delay") as refusal:
        getattr(instance, method)(max_delay=1.0)
    found = re.search(r"takes ([0-9.]+) of", str(refusal.value))
    assert found
    getattr(instance, method)(max_delay=float(found[1]))


def test_unknown_costs_are_named_where_a_limit_needs_them() -> None:
    instance = Instance.random(0)
    options = [replace(option, delay_ratio=None, area_ratio=None) for option in instance.candidates["conv0"]]
    instance = replace(instance, candidates=dict.fromkeys(instance.candidates, options))
    instance.match()
    with pytest.raises(InputError, match=r"the area of c\d is not known"):
        instance.match(max_area=2.0)
    for match in (instance.match, instance.greedy):
        with pytest.raises(InputError, match=r"the delay of c\d is not known"):
            match(max_delay=2.0)


@pytest.mark.parametrize(
    ("shared", "message"),
    [
        ([["conv0", "conv9"]], "names the layer 'conv9'"),
        ([["conv0", "conv1"], ["conv1", "conv2"]], "'conv1' is in two shared groups"),
    ],
    ids=["unknown", "twice"],
)
def test_wrong_groups_are_explained(shared: list[list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Instance.random(0).match(shared=shared)


def test_layers_that_have_nothing_in_common_cannot_share() -> None:
    instance = Instance.random(0)
    plain = [i for i, option in enumerate(instance.candidates["conv0"]) if not option.choice.swapped]
    turned = [i for i, option in enumerate(instance.candidates["conv0"]) if option.choice.swapped]
    for layer, keep in (("conv0", plain), ("conv1", turned)):
        instance.candidates[layer] = [instance.candidates[layer][i] for i in keep]
        instance.predictions[layer] = instance.predictions[layer].of(keep)
    instance.match(shared=[["conv2", "conv1"]])
    with pytest.raises(InputError, match="all of the layers conv0, conv1"):
        instance.match(shared=[["conv0", "conv1"]])


def test_layer_without_tolerance_stays_exact() -> None:
    instance = Instance.random(0)
    instance.sigma["conv1"] = 0.0
    assert instance.match().assignment["conv1"].multiplier.name == "c0"
    with pytest.raises(InputError, match="every candidate errs in conv1"):
        without_exact(instance).match()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": -1.0}, "scale is -1.0"),
        ({"noise_weight": -0.1}, "noise_weight is -0.1"),
        ({"max_distinct": 0}, "is 0"),
    ],
    ids=["scale", "noise weight", "no circuit"],
)
def test_wrong_settings_are_explained(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Instance.random(0).match(**options)


def test_missing_share_is_explained() -> None:
    instance = Instance.random(0)
    del instance.shares["conv2"]
    with pytest.raises(InputError, match="'conv2' has no positive share"):
        instance.match()


def test_tolerances_per_channel_move_errors_to_where_they_hurt_less() -> None:
    instance = Instance.random(0, layers=2, circuits=3)
    wide, narrow = {}, {}
    for layer, errors in instance.predictions.items():
        std = np.stack([errors.std * 2**0.5, np.zeros_like(errors.std)], axis=1)
        instance.predictions[layer] = replace(errors, channel_std=std, channel_output_std=np.array([2.0, 2.0]))
        wide[layer], narrow[layer] = [0.4, 0.01], [0.01, 0.4]
    for match in (instance.match, instance.greedy):
        tolerant, intolerant = (instance.energy(match(channel_sigma=sigma)) for sigma in (wide, narrow))
        assert tolerant < intolerant


@pytest.mark.slow
def test_a_large_library_and_a_deep_network_are_solved_in_seconds() -> None:
    instance = Instance.random(0, layers=54, circuits=15)
    for limits in ({}, {"max_distinct": 3}, {"max_area": 1.5}):
        assert instance.match(time_limit=20.0, **limits).proven_optimal
