"""A training that stops when it has stopped paying keeps its best epoch, whether or not it was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.training import BestEpoch, History, fit

ACCURACIES = [50.0, 60.0, 55.0, 60.0, 58.0, 99.0]


def _training(
    folder: Path, epochs: int, *, patience: int = 3, measured: list[float] | None = None
) -> tuple[nn.Module, BestEpoch, History]:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    generator = torch.Generator().manual_seed(1)
    batches: list[tuple[Tensor, Tensor]] = [(torch.randn(8, 4, generator=generator), torch.arange(8) % 2)]
    accuracies = iter(ACCURACIES if measured is None else measured)
    best = BestEpoch(model, lambda: next(accuracies), patience, folder / "best.safetensors")
    history = fit(
        model,
        batches,
        epochs=epochs,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        on_epoch=best.on_epoch,
        stop=best.stop,
        resume=folder / "unfinished.safetensors",
    )
    return model, best, history


def test_it_stops_after_the_patience_and_restores_the_first_best_epoch(tmp_path: Path) -> None:
    model, best, history = _training(tmp_path, 6)
    assert [row["selection"] for row in history] == ACCURACIES[:5]
    after_two, _, _ = _training(tmp_path / "two", 2)
    assert not torch.equal(model.weight, after_two.weight)
    assert best.restore(history) == 2
    assert torch.equal(model.weight, after_two.weight)


def test_an_interrupted_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole, best, history = _training(tmp_path / "whole", 6)
    best.restore(history)
    for lost in (1, 3, 4):
        folder = tmp_path / str(lost)
        with pytest.raises(StopIteration):  # the measurements end: killed in an epoch
            _training(folder, 6, measured=ACCURACIES[:lost])
        model, again, resumed = _training(folder, 6, measured=ACCURACIES[lost:])
        assert [row["selection"] for row in resumed] == ACCURACIES[:5]
        assert again.restore(resumed) == 2
        assert torch.equal(model.weight, whole.weight)


def test_a_training_without_patience_left_is_no_training(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="patience is 0"):
        BestEpoch(nn.Linear(1, 1), lambda: 0.0, 0, tmp_path / "best")
