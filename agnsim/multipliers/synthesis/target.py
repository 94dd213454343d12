"""What a circuit is mapped to: cells, recipes, and how the result is costed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from agnsim.errors import MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import Operands
from agnsim.multipliers.synthesis.blif import MappedBlif


class Candidate(Protocol):
    """What one recipe makes of a circuit."""

    @property
    def netlist(self) -> Netlist:
        """The mapped circuit as gates."""
        ...


C = TypeVar("C", bound=Candidate)


class Target(Protocol[C]):
    """A cell library with its recipes."""

    @property
    def flow(self) -> str:
        """Flow of the costs."""
        ...

    def map(self, netlist: Netlist) -> Mapping[str, C]:
        """Return what every recipe makes of a circuit, by the recipe's name.

        Raises:
            MultiplierError: ABC failed.
            MissingDependency: ABC is not installed.
        """
        ...

    def cost(self, candidate: C, operands: Operands | None, *, glitches: bool) -> Cost:
        """Return the cost of a mapped circuit under an operand stream, uniform operands by default."""
        ...


def driver(mapped: MappedBlif, wires: Mapping[str, int], net: str) -> int:
    """Return the wire that carries a net.

    Raises:
        MultiplierError: Nothing drives it before it is read.
    """
    seen = set()
    while net in mapped.aliases and net not in seen:
        seen.add(net)
        net = mapped.aliases[net]
    if net not in wires:
        raise MultiplierError(f"ABC wrote the net {net!r} without anything that drives it before it is read")
    return wires[net]
