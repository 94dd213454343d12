"""Verilog circuits, read by yosys where it is installed."""

from __future__ import annotations

from pathlib import Path

from agnsim.errors import MissingDependency
from agnsim.multipliers.importers.described import found_netlist
from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path
from agnsim.multipliers.importers.files import read_text
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions
from agnsim.multipliers.importers.naming import fit_name, is_other_circuit, parse_name

_MOST = 4 * 2**20


def read_verilog_circuit(path: Path, options: ImportOptions, top: str | None = None) -> list[Found | Failure]:
    """Return the multiplier in a Verilog file.

    Args:
        path: The file.
        options: What the user says.
        top: The module; by default the one that no other module uses.

    Raises:
        SourceError: yosys is not installed, or the ports are not as wide as the user says.
        MultiplierError: The file is no combinational multiplier.
        NoCircuit: The name is that of an adder.
    """
    from agnsim.multipliers.synthesis.verilog_reader import read_verilog

    if is_other_circuit(path.stem):
        raise NoCircuit
    where = shown_path(path)
    text = read_text(path, _MOST)
    try:
        circuit = read_verilog(path, top, signed=options.signed)
    except MissingDependency as error:
        raise SourceError(
            where, None, 'Verilog is read by yosys, not installed: pip install "agnsim[synth]"'
        ) from error
    if is_other_circuit(circuit.name):
        raise NoCircuit
    name = verilog_name(circuit.name, path)
    said = options.naming(name)
    bits = circuit.netlist.bits_a, circuit.netlist.bits_b
    found = "x".join(map(str, bits))
    first, second, product = circuit.ports
    remarks = [] if (first.lower(), second.lower()) == ("a", "b") else [f"{product} = {first} * {second}"]
    if said.bits not in (None, bits):
        wanted = "x".join(map(str, said.bits))
        if options.bits:
            raise SourceError(where, None, f"has {found} ports; --bits says {wanted}")
        remarks.append(f"the ports are {found}, the name says {wanted}: taken as {found}")
    places = len(circuit.netlist.outputs)
    if places < sum(bits):
        rest = "the sign" if circuit.netlist.signed else "0"
        remarks.append(f"product has {places} bits; {sum(bits)} belong to {found}: higher bits read as {rest}")
    signs = circuit.signed_a, circuit.signed_b
    return [found_netlist(circuit.netlist, signs, path, text, options, tuple(remarks), name=name)]


def verilog_name(module: str, path: Path) -> str:
    """Return a circuit's name: its module's, except that a module such as `top` in `mul8u_x.v` is called as the file.

    Many generators call every module the same; the file then says more.
    """
    is_named = parse_name(module).bits is not None or parse_name(path.stem).bits is None
    return fit_name(path.with_stem(module) if is_named else path)


IMPORTER = Importer("Verilog circuit", lambda path: path.suffix.lower() == ".v", read_verilog_circuit)
