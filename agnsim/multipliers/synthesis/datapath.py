"""Characterise a whole MAC: multiplier, sign handling and accumulator synthesised together, and its registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.liberty_target import LibertyTarget
from agnsim.multipliers.synthesis.mac import Mac, build_mac
from agnsim.multipliers.synthesis.registers import UNIT_FLIP_FLOP, FlipFlop, data_changes, liberty_flip_flop
from agnsim.multipliers.synthesis.stimulus import Signs, Stimulus
from agnsim.multipliers.synthesis.synthesise import Synthesis, synthesise
from agnsim.multipliers.synthesis.target import Target


@dataclass(frozen=True)
class Datapath:
    """A characterised MAC. Energies are per product, in the unit of the flow.

    Attributes:
        mac: Its netlist and stream.
        encoding: Encodings of activation and weight.
        synthesis: The combinational part; its energy is that of settled values unless asked otherwise.
        flip_flop: The cell of its registers, or `None` where the library has none.
        flip_flops: How many: activation, weight and partial sum.
        clock_energy: Their clock, per cycle.
        data_energy: Changes of their data, per cycle.
    """

    mac: Mac
    encoding: tuple[str, str]
    synthesis: Synthesis
    flip_flop: FlipFlop | None
    flip_flops: int
    clock_energy: float | None
    data_energy: float | None

    @property
    def energy(self) -> float:
        """Settled energy of the combinational part."""
        return self.synthesis.cost.energy or 0.0

    @property
    def energy_with_registers(self) -> float | None:
        """The same with the registers' clock and data."""
        if self.clock_energy is None or self.data_energy is None:
            return None
        return self.energy + self.clock_energy + self.data_energy

    @property
    def area_with_registers(self) -> float | None:
        """Area of the combinational part and the registers."""
        if self.flip_flop is None:
            return None
        return (self.synthesis.cost.area or 0.0) + self.flip_flops * self.flip_flop.area


def characterise_datapath(
    multiplier: Netlist,
    signed: Signs,
    stimulus: Stimulus,
    *,
    signed_weights: bool = True,
    accumulator: int | None = None,
    glitches: bool = False,
    target: Target[Any] | None = None,
    check_all: bool = True,
    corrected_outside: bool = False,
) -> Datapath:
    """Synthesise the MAC around a multiplier and measure it under a weight-stationary stream.

    Args:
        multiplier: The multiplier.
        signed: Signs of its ports.
        stimulus: The operands.
        signed_weights: Whether weights may be negative: on an unsigned port they come in sign-magnitude.
        accumulator: Width of the sums; by default as wide as the worst case of the stimulus' fan-in needs.
        glitches: Also report the energy of all transitions.
        target: The cells; our unit cells by default.
        check_all: As `synthesise`.
        corrected_outside: As `build_mac`.

    Raises:
        MissingDependency: pyosys is not installed.
        MultiplierError: As `build_mac` and `synthesise`.
    """
    bits = multiplier.bits_a, multiplier.bits_b
    products = stimulus.products(bits, signed, signed_weights=signed_weights)
    mac = build_mac(
        multiplier,
        products,
        signed,
        fan_in=stimulus.fan_in,
        accumulator=accumulator,
        corrected_outside=corrected_outside,
    )
    # Not the width: MACs of all widths are compared, under the same operands.
    label = f"{stimulus.label or 'uniform'}:mac-of-{stimulus.fan_in}"
    synthesis = synthesise(
        mac.netlist, operands=mac.stream, label=label, glitches=glitches, target=target, check_all=check_all
    )
    cell = liberty_flip_flop(target.liberty) if isinstance(target, LibertyTarget) else UNIT_FLIP_FLOP
    count = mac.bits_a + mac.bits_w + mac.accumulator
    activation, weight_and_sum = mac.stream
    changes = data_changes(activation) + data_changes(weight_and_sum)
    return Datapath(
        mac,
        (str(products.encoding_a), str(products.encoding_w)),
        synthesis,
        cell,
        count,
        cell.clock_energy * count if cell is not None else None,
        cell.data_energy * changes if cell is not None else None,
    )
