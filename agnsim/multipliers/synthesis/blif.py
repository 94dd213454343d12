"""Netlists as BLIF, which ABC reads, and mapped BLIF, which it writes.

Source of the format: University of California, Berkeley, "Berkeley Logic Interchange Format (BLIF)", 1992.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.gates import NO_WIRE, Op
from agnsim.multipliers.netlists.netlist import Netlist

_COVERS: Mapping[Op, str] = {
    Op.CONST0: "",
    Op.CONST1: "1\n",
    Op.BUF: "1 1\n",
    Op.NOT: "0 1\n",
    Op.AND: "11 1\n",
    Op.OR: "1- 1\n-1 1\n",
    Op.XOR: "10 1\n01 1\n",
    Op.NAND: "0- 1\n-0 1\n",
    Op.NOR: "00 1\n",
    Op.XNOR: "11 1\n00 1\n",
}

_CONSTANTS = {"_const0_": False, "_const1_": True}
"""Cells that ABC makes up for libraries without constants."""


class Instance(NamedTuple):
    """One cell of a mapped circuit.

    Attributes:
        cell: Name of the cell.
        pins: Net of every pin by its name, output included.
    """

    cell: str
    pins: Mapping[str, str]


@dataclass(frozen=True)
class MappedBlif:
    """A mapped circuit as ABC writes it, its cells in topological order.

    Attributes:
        instances: The cells.
        aliases: Nets that are only other names of a net: output, source.
        constants: Nets that are constant, with their value.
    """

    instances: tuple[Instance, ...]
    aliases: Mapping[str, str]
    constants: Mapping[str, bool]


def input_names(netlist: Netlist) -> list[str]:
    """Return the names of the input wires in BLIF: `a0 ..`, `b0 ..`."""
    return [f"a{place}" for place in range(netlist.bits_a)] + [f"b{place}" for place in range(netlist.bits_b)]


def output_names(netlist: Netlist) -> list[str]:
    """Return the names of the product's bits in BLIF: `o0 ..`."""
    return [f"o{place}" for place in range(len(netlist.outputs))]


def to_blif(netlist: Netlist) -> str:
    """Return the netlist as BLIF, a node for each gate."""
    wires = input_names(netlist) + [f"n{number}" for number in range(len(netlist.gates))]
    inputs, outputs = " ".join(wires[: netlist.inputs]), output_names(netlist)
    lines = [f".model circuit\n.inputs {inputs}\n.outputs {' '.join(outputs)}\n"]
    for gate, wire in zip(netlist.gates, wires[netlist.inputs :], strict=True):
        read = [wires[pin] for pin in (gate.x, gate.y) if pin != NO_WIRE]
        lines.append(f".names {' '.join([*read, wire])}\n{_COVERS[gate.op]}")
    for name, driver in zip(outputs, netlist.outputs, strict=True):
        lines.append(f".names {wires[driver]} {name}\n{_COVERS[Op.BUF]}")
    return "".join(lines) + ".end\n"


def read_mapped_blif(text: str) -> MappedBlif:
    """Return the cells of a mapped circuit.

    Raises:
        MultiplierError: The text holds more than cells, constants and renamed nets.
    """
    instances: list[Instance] = []
    aliases: dict[str, str] = {}
    constants: dict[str, bool] = {}
    lines = list(_logical_lines(text))
    for number, words in enumerate(lines):
        if words[0] == ".gate":
            pins = dict(word.split("=", 1) for word in words[2:])
            if words[1] in _CONSTANTS:
                constants |= dict.fromkeys(pins.values(), _CONSTANTS[words[1]])
            else:
                instances.append(Instance(words[1], pins))
        elif words[0] == ".names":
            cover = lines[number + 1] if number + 1 < len(lines) and not lines[number + 1][0].startswith(".") else []
            if len(words) == 2:
                constants[words[1]] = cover == ["1"]
            elif len(words) == 3 and cover == ["1", "1"]:
                aliases[words[2]] = words[1]
            else:
                raise MultiplierError(f"ABC left logic unmapped: {' '.join(words)}")
        elif words[0].startswith(".") and words[0] not in (".model", ".inputs", ".outputs", ".end"):
            raise MultiplierError(f"ABC wrote {words[0]!r}, which no combinational circuit has")
    return MappedBlif(tuple(instances), aliases, constants)


def _logical_lines(text: str) -> Iterator[list[str]]:
    """Yield the words of every line, continued lines joined, comments and empty lines left out."""
    for line in text.replace("\\\n", " ").splitlines():
        words = line.partition("#")[0].split()
        if words:
            yield words
