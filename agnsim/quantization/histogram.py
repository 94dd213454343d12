"""A histogram per channel whose range grows with the data, in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor

_BINS = 1 << 14
"""Bins on each side of zero for one channel; several channels share eight times as many."""
_MIN_BINS = 1 << 9


class GrowingHistogram:
    """Counts values over `[-limit, limit]`, one limit per channel.

    When a larger value comes, the limit doubles and neighbouring bins merge, so that no count is ever smeared.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        bins = _BINS if channels == 1 else max(_MIN_BINS, min(_BINS, 8 * _BINS // channels))
        self._side = 1 << (bins.bit_length() - 1)
        self._limit = torch.zeros(channels, dtype=torch.float64)
        self._counts = torch.zeros(channels, 2 * self._side, dtype=torch.float64)

    def add(self, values: Tensor, extreme: Tensor) -> None:
        """Count finite values `[channels, N]`; `extreme` float64 `[channels]` is the largest magnitude so far."""
        self._limit = torch.where(self._limit > 0, self._limit, extreme)
        while bool((small := self._limit < extreme).any()):
            self._double(small)
        width = torch.where(self._limit > 0, self._limit, 1.0) / self._side
        index = torch.div(values, width.to(values.device, torch.float64).unsqueeze(1)).floor_().to(torch.int64)
        index = index.add_(self._side).clamp_(0, 2 * self._side - 1)
        index += torch.arange(len(values), device=index.device).unsqueeze(1) * (2 * self._side)
        counts = torch.bincount(index.flatten(), minlength=self._counts.numel())
        self._counts += counts.cpu().reshape(self._counts.shape)

    def _double(self, channels: Tensor) -> None:
        """Double the limit of the channels marked: pairs of bins merge towards zero."""
        wide = torch.zeros_like(self._counts[channels])
        wide[:, self._side // 2 : self._side // 2 + self._side] = (
            self._counts[channels].reshape(-1, self._side, 2).sum(2)
        )
        self._counts[channels] = wide
        self._limit = torch.where(channels, self._limit * 2, self._limit)

    def counts_and_values(self, *, outer: bool = False) -> tuple[Tensor, Tensor]:
        """Return float64 `[channels, bins]` counts and the ascending values that stand for the bins.

        Args:
            outer: Bins are represented by their edge away from zero instead of their middle. The bin that begins at
                zero always stands for 0: after a ReLU most of its values are.
        """
        position = torch.arange(-self._side, self._side, dtype=torch.float64) + 0.5
        if outer:
            position += 0.5 * position.sign()
        position[self._side] = 0.0
        values = position * (self._limit.unsqueeze(1) / self._side)
        if len(values) > 1:
            return self._counts, values
        used = self._counts[0] > 0
        return self._counts[:, used], values[:, used]
