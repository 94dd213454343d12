"""C circuits: EvoApproxLib, EvoApprox8b, and functions of your own, one a file, with a published header or without."""

from __future__ import annotations

import re
from pathlib import Path

from agnsim.multipliers.importers.c_source import c_netlist, read_c_functions
from agnsim.multipliers.importers.c_table import holds_table, read_c_table
from agnsim.multipliers.importers.described import found_netlist
from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path
from agnsim.multipliers.importers.files import read_text
from agnsim.multipliers.importers.header import parse_header
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions
from agnsim.multipliers.importers.naming import is_other_circuit, parse_name
from agnsim.multipliers.table_checks import checked_bits

_MOST = 4 * 2**20


def read_c_circuit(path: Path, options: ImportOptions) -> list[Found | Failure]:
    """Return the circuit that the function called like the file describes, or the tables that the file holds.

    Raises:
        SourceError: The C can't be read as a circuit, or neither name nor options say widths and sign.
        MultiplierError: An operand has no bits, or more than 16.
        NoCircuit: The name is that of an adder.
    """
    if is_other_circuit(path.stem):
        raise NoCircuit
    where = shown_path(path)
    text = read_text(path, _MOST)
    said = options.naming(path.stem)
    is_named = parse_name(path.stem).bits is not None
    if not is_named and holds_table(text):
        return read_c_table(path, options)
    signed = said.signed or False
    if said.bits is None or (said.signed is None and not is_named):
        raise SourceError(
            where,
            None,
            "neither the name (as in mul8s_x or mul8x4u_x) nor an option says widths and sign: "
            "say --bits and --signed or --unsigned",
        )
    checked_bits(*said.bits, where, tabulated=False)
    library = parse_header(text).library
    netlist = c_netlist(
        text,
        function=_function(text, path.stem, where),
        bits_a=said.bits[0],
        bits_b=said.bits[1],
        signed=signed,
        where=where,
        as_hardware=library == "evoapproxlib",
    )
    # EvoApprox8b's names, as mul8_013, have no letter for the sign.
    is_guess = said.signed is None and library != "evoapprox8b"
    remarks = ("taken as unsigned: the name says no sign",) if is_guess else ()
    return [found_netlist(netlist, (signed, signed), path, text, options, remarks)]


def _function(text: str, stem: str, where: str) -> str:
    """Return the function that is the circuit: the file's namesake, else the only one of two operands."""
    if re.search(rf"\b{re.escape(stem)}\b", text):
        return stem
    functions = [function.name for function in read_c_functions(text, where) if len(function.parameters) == 2]
    return functions[0] if len(functions) == 1 else stem


IMPORTER = Importer("C circuit", lambda path: path.suffix.lower() == ".c", read_c_circuit)
