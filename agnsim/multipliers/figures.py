"""Shorthand for the errors and costs of whatever has `metrics` and a `cost`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agnsim.multipliers.cost import Cost
    from agnsim.multipliers.metrics import ErrorMetrics


class Figures:
    """Reads single figures from `metrics` and `cost`."""

    if TYPE_CHECKING:
        cost: Cost | None

        @property
        def metrics(self) -> ErrorMetrics:
            """Errors over all operand pairs."""

    @property
    def is_exact(self) -> bool:
        """Whether every product is true."""
        return self.metrics.wce == 0

    @property
    def mae(self) -> float:
        """Mean absolute error."""
        return self.metrics.mae

    @property
    def wce(self) -> int:
        """Worst-case error."""
        return self.metrics.wce

    @property
    def mre(self) -> float:
        """Mean relative error, a fraction."""
        return self.metrics.mre

    @property
    def ep(self) -> float:
        """Error probability, a fraction."""
        return self.metrics.ep

    @property
    def mse(self) -> float:
        """Mean squared error."""
        return self.metrics.mse

    @property
    def mean_error(self) -> float:
        """Mean error."""
        return self.metrics.mean_error

    @property
    def error_std(self) -> float:
        """Standard deviation of the error."""
        return self.metrics.error_std

    @property
    def power_mw(self) -> float | None:
        """Power in milliwatts, where known."""
        return self.cost.power_mw if self.cost else None

    @property
    def area_um2(self) -> float | None:
        """Area in square micrometres, where known."""
        return self.cost.area_um2 if self.cost else None

    @property
    def delay_ns(self) -> float | None:
        """Critical path in nanoseconds, where known."""
        return self.cost.delay_ns if self.cost else None

    @property
    def energy_pj(self) -> float | None:
        """Energy of one multiplication in picojoules, where known."""
        return self.cost.energy_pj if self.cost else None
