"""Ends a training when it has stopped paying, and keeps its best epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from agnsim.errors import InputError
from agnsim.models import save_tensors
from agnsim.training.loop import History


class BestEpoch:
    """Measures a network after every epoch of `fit`, says when to stop, and brings the best epoch back.

    What it decides follows from the history alone, so that a resumed training ends as one that was not interrupted.

    Args:
        model: The network that is trained.
        measure: Returns the accuracy in percent, on images that are neither trained on nor reported.
        patience: Epochs in a row without a new best after which the training ends.
        file: Where the best epoch's tensors are kept meanwhile.

    Raises:
        InputError: `patience` is less than 1.
    """

    def __init__(self, model: nn.Module, measure: Callable[[], float], patience: int, file: Path) -> None:
        if patience < 1:
            raise InputError(f"patience is {patience}; a training that stops must be given at least 1 epoch")
        self.model = model
        self.measure = measure
        self.patience = patience
        self.file = file
        self._best = float("-inf")

    def on_epoch(self, epoch: int, row: dict[str, Any]) -> None:
        """Note the accuracy as the row's `selection`; for `fit(on_epoch=...)`."""
        row["selection"] = self.measure()
        if row["selection"] > self._best:
            self._best = row["selection"]
            save_tensors(self.model.state_dict(), self.file)

    def stop(self, history: History) -> bool:
        """Return whether the last epochs have brought no new best; for `fit(stop=...)`."""
        best = self.best(history)
        self._best = max(self._best, history[best]["selection"])
        return len(history) - 1 - best >= self.patience

    def best(self, history: History) -> int:
        """Return the place of the best epoch in the history, the first of equals."""
        return max(range(len(history)), key=lambda i: (history[i]["selection"], -i))

    def restore(self, history: History) -> int:
        """Load the best epoch's tensors into the model and return the epoch's number (from 1); the file stays."""
        self.model.load_state_dict(load_file(self.file))
        return self.best(history) + 1
