"""Which orientation and encoding a circuit is used in, and whose mean error joins the bias."""

from dataclasses import replace

import numpy as np
import pytest

from agnsim.errors import ConfigError
from agnsim.experiment.error_table import ErrorTable
from agnsim.multipliers import Choice, load_library
from agnsim.noise import Candidate, ErrorPrediction


def errors(layer: str, mean: list[float], std_centred: list[float]) -> ErrorPrediction:
    centred, means = np.array(std_centred), np.array(mean)
    channel_mean = np.stack([means - 1, means + 1], axis=1)
    std = np.sqrt(centred**2 + channel_mean.var(axis=1))
    return ErrorPrediction(layer, means, std, centred, channel_mean, np.stack([centred, centred], axis=1), 10.0)


@pytest.fixture
def table() -> ErrorTable:
    circuit = load_library("builtin")["mul8u_column_truncation_k7"]
    choices = [Choice(circuit, False, "unsigned", encoding) for encoding in ("sign_magnitude", "offset")]
    predicted = {"conv": errors("conv", [0.5, -8.0], [2.0, 1.0])}
    return ErrorTable(
        {"conv": [Candidate(choice, 0.5) for choice in choices]},
        predicted,
        {"conv": errors("conv", [0.25, -4.0], [2.0, 1.0])},
        None,
        lambda layer, index: errors(layer, [3.0], [1.0]),
    )


@pytest.mark.parametrize(("means_removed", "best"), [(True, 1), (False, 0)], ids=["spread alone", "mean and spread"])
def test_best_uniform_counts_the_mean_only_where_it_stays(table: ErrorTable, means_removed: bool, best: int) -> None:
    chosen = table.best_uniform("mul8u_column_truncation_k7", means_removed=means_removed)
    assert chosen == {"conv": best}
    assert table.choices(chosen)["conv"] is table.candidates["conv"][best].choice


@pytest.mark.parametrize(
    ("source", "means"), [("none", {}), ("predicted", {"conv": [-9.0, -7.0]}), ("measured", {"conv": [2.0, 4.0]})]
)
def test_means_are_those_of_the_source(table: ErrorTable, source: str, means: dict[str, list[float]]) -> None:
    found = table.means({"conv": 1}, source)
    assert {layer: list(values) for layer, values in found.items()} == means


def test_rows_state_the_spread_that_matching_compares(table: ErrorTable) -> None:
    removed, kept = (table.rows(means_removed=flag) for flag in (True, False))
    assert [row["predicted_std"] for row in removed] == [2.0, 1.0]
    assert [row["predicted_std"] for row in kept] == pytest.approx([5**0.5, 2**0.5], rel=1e-5)
    assert [(row["predicted_mean"], row["measured_mean"]) for row in kept] == [(0.5, 0.25), (-8.0, -4.0)]
    assert [row["encoding_w"] for row in kept] == ["sign_magnitude", "offset"]


def test_part_of_the_circuits_is_measured_as_itself(table: ErrorTable) -> None:
    circuits = load_library("builtin")
    every = replace(
        table,
        candidates={"conv": [*table.candidates["conv"], Candidate(Choice(circuits["mul8u_array"]), 1.0)]},
        predicted={"conv": errors("conv", [0.5, -8.0, 0.0], [2.0, 1.0, 0.0])},
        measured=None,
        stretches={"conv": [(1.0, 2.0), (1.0, 1.0), (1.25, 1.0)]},
        measure=lambda layer, index: errors(layer, [float(index)], [1.0]),
    )
    part = every.only(["*"], ["*_k7"], place="here")
    assert [option.choice.multiplier.name for option in part.candidates["conv"]] == ["mul8u_array"]
    assert part.predicted["conv"].std_centred.tolist() == [0.0]
    assert part.predicted["conv"].channel_mean.tolist() == [[-1.0, 1.0]]
    assert part.measured is None
    assert part.ranges({"conv": 0}) == {"conv": (1.25, 1.0)}
    assert part.means({"conv": 0}, "measured")["conv"].tolist() == [1.0, 3.0]
    with pytest.raises(ConfigError, match=r"here: no circuit that layer conv can hold matches include \['mul4.*"):
        every.only(["mul4*"], [], place="here")


def test_choices_without_an_energy_are_left_out_and_a_layer_that_has_no_other_is_named(table: ErrorTable) -> None:
    priced = table.costed(lambda choice: 0.7 if choice.effective.encoding_w.value == "offset" else None, place="here")
    (left,) = priced.candidates["conv"]
    assert (left.energy_ratio, left.choice) == (0.7, table.candidates["conv"][1].choice)
    assert priced.predicted["conv"].mean == pytest.approx([-8.0])
    with pytest.raises(ConfigError, match="here: the MAC energy of none of the circuits that layer conv can hold"):
        table.costed(lambda choice: None, place="here")
