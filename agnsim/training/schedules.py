"""Learning-rate schedules: what share of the learning rate holds at which point of the training.

A schedule is a pure function of the training's progress, so that a resumed training goes on exactly where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torch.optim import Optimizer

from agnsim.errors import InputError
from agnsim.foreign import call
from agnsim.registry import Registry

Factor = Callable[[float], float]
"""From the share of the training that is done, 0 to 1, to the factor of the learning rate."""

schedules: Registry[Callable[..., Factor]] = Registry("schedule")


@schedules.register("constant")
def constant() -> Factor:
    """The same learning rate throughout."""
    return lambda done: 1.0


@schedules.register("step")
def step(milestones: Sequence[float] = (0.5, 0.75), gamma: float = 0.1) -> Factor:
    """Multiply by `gamma` when each milestone, a share of the training, is reached (He et al. 2015: 0.5, 0.75)."""
    if not all(0 < m < 1 for m in milestones):
        raise InputError(f"milestones are {list(milestones)}; each is a share of the training, between 0 and 1")
    return lambda done: float(gamma ** sum(done >= m for m in milestones))


@schedules.register("cosine")
def cosine(final: float = 0.0) -> Factor:
    """Half a cosine from the full learning rate down to `final` times it (Loshchilov, Hutter 2016)."""
    return lambda done: final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done))


class Schedule:
    """Sets an optimiser's learning rates, step by step; each group keeps its own full rate.

    Args:
        optimizer: Its rates at this moment are the full rates.
        factor: As a registered schedule returns it.
        total_steps: Optimiser steps of the whole training.
        warmup: Share of the training over which the rate first rises linearly.

    Raises:
        InputError: `total_steps` or `warmup` is out of range.
    """

    def __init__(self, optimizer: Optimizer, factor: Factor, total_steps: int, *, warmup: float = 0.0) -> None:
        if total_steps < 1:
            raise InputError(f"total_steps is {total_steps}; a schedule needs at least 1")
        if not 0 <= warmup < 1:
            raise InputError(f"warmup is {warmup}; it is a share of the training, 0 to below 1")
        self.optimizer = optimizer
        self.factor = factor
        self.total_steps = total_steps
        self.warmup = warmup
        self.full_rates = [float(group["lr"]) for group in optimizer.param_groups]
        self.seek(0)

    def seek(self, steps: int) -> None:
        """Set the rates that hold after `steps` optimiser steps."""
        self.steps = steps
        done = min(1.0, steps / self.total_steps)
        # The first warm step is not at rate 0, which would waste it.
        rise = min(1.0, (steps + 1) / (self.warmup * self.total_steps)) if self.warmup else 1.0
        for group, full in zip(self.optimizer.param_groups, self.full_rates, strict=True):
            group["lr"] = full * rise * self.factor(done)

    def step(self) -> None:
        """Go on by one optimiser step."""
        self.seek(self.steps + 1)


def make_schedule(
    name: str, optimizer: Optimizer, total_steps: int, *, warmup: float = 0.0, **options: object
) -> Schedule:
    """Return the schedule of that name over `total_steps` optimiser steps.

    Args:
        name: A name of the registry `schedules`.
        optimizer: Whose learning rates it sets.
        total_steps: Of the whole training.
        warmup: Share of the training over which the rate first rises linearly.
        **options: Of that schedule: `milestones`, `gamma` (step); `final` (cosine).

    Raises:
        UnknownName: No such schedule.
        InputError: An option is unknown or out of range.
    """
    factor: Factor = call(schedules[name], f"schedule {name!r}", options)
    return Schedule(optimizer, factor, total_steps, warmup=warmup)
