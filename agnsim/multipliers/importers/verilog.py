"""Verilog circuits, read by yosys where it is installed."""

from __future__ import annotations

from pathlib import Path

from agnsim.errors import MissingDependency
from agnsim.multipliers.importers.described import found_netlist
from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path
from agnsim.multipliers.importers.files import read_text
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions
from agnsim.multipliers.importers.naming import is_other_circuit

_MOST = 4 * 2**20


def read_verilog_circuit(path: Path, options: ImportOptions, top: str | None = None) -> list[Found | Failure]:
    """Return the multiplier in a Verilog file.

    Args:
        path: The file.
        options: What the user says.
        top: The module; by default the one that no other module uses.

    Raises:
        SourceError: yosys is not installed, or the ports are not those that the user or the name says.
        MultiplierError: The file is no combinational multiplier.
        NoCircuit: The name is that of an adder.
    """
    from agnsim.multipliers.synthesis.verilog_reader import read_verilog

    if is_other_circuit(path.stem):
        raise NoCircuit
    where = shown_path(path)
    text = read_text(path, _MOST)
    said = options.naming(path.stem)
    try:
        circuit = read_verilog(path, top, signed=options.signed)
    except MissingDependency as error:
        raise SourceError(
            where, None, 'Verilog is read by yosys, not installed: pip install "agnsim[synth]"'
        ) from error
    bits = circuit.netlist.bits_a, circuit.netlist.bits_b
    if said.bits not in (None, bits):
        wanted, found = ("x".join(map(str, pair)) for pair in (said.bits, bits))
        says = "--bits" if options.bits else "the name"
        raise SourceError(where, None, f"has {found} ports; {says} says {wanted}")
    first, second, product = circuit.ports
    remarks = () if (first.lower(), second.lower()) == ("a", "b") else (f"{product} = {first} * {second}",)
    signs = circuit.signed_a, circuit.signed_b
    return [found_netlist(circuit.netlist, signs, path, text, options, remarks)]


IMPORTER = Importer("Verilog circuit", lambda path: path.suffix.lower() == ".v", read_verilog_circuit)
