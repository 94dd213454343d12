"""What the registers of a MAC cost: flip-flops, their data and their clock.

Unit flip-flop: the static transmission-gate master-slave register of 24 transistors (J. M. Rabaey, A. Chandrakasan,
B. Nikolic, "Digital Integrated Circuits", 2nd edition, section 7.2). Two clock inverters (4 transistors) and four
transmission gates (8) switch at both edges of every cycle; a change of the datum turns over the other 12 once. The
clock tree is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.synthesis.liberty import Liberty


@dataclass(frozen=True)
class FlipFlop:
    """One flip-flop, in the units of its flow.

    Attributes:
        name: The cell.
        area: Its area.
        clock_energy: Energy of one clock cycle, whatever the datum.
        data_energy: Energy of one change of the datum, the clock's not included.
    """

    name: str
    area: float
    clock_energy: float
    data_energy: float


UNIT_FLIP_FLOP = FlipFlop("transmission-gate register", area=24.0, clock_energy=24.0, data_energy=12.0)


def liberty_flip_flop(liberty: Liberty) -> FlipFlop | None:
    """Return the library's smallest flip-flop, in square micrometres and picojoules; `None` where it has none."""
    cell = liberty.flip_flop
    if cell is None or cell.clock is None:
        return None
    squared = liberty.voltage**2
    clock_pins = cell.capacitance_pf.get(cell.clock, 0.0)
    data_pins = max((load for pin, load in cell.capacitance_pf.items() if pin != cell.clock), default=0.0)
    # A cycle moves the clock pin up and down: C V^2; a datum moves one way: half of that.
    return FlipFlop(
        cell.name,
        area=cell.area,
        clock_energy=clock_pins * squared + 2 * cell.clock_pj,
        data_energy=0.5 * data_pins * squared + max(cell.internal_pj.values(), default=0.0),
    )


def data_changes(patterns: NDArray[np.int64]) -> float:
    """Return the mean number of bits that change from one pattern of a stream to the next."""
    changed = (patterns ^ np.roll(patterns, -1)).astype("<u8").view(np.uint8)
    return float(np.unpackbits(changed).sum()) / len(patterns)
