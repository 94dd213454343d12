"""Check a whole library: every card against its table, every netlist and generator against it, every cost of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from agnsim.errors import AgnsimError, LibraryError
from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.libraries.card import read_card
from agnsim.multipliers.libraries.collection import Library
from agnsim.multipliers.libraries.factor_files import read_factors, read_wide_factors, stored_names
from agnsim.multipliers.libraries.library import INDEX, TABLES, find_library, load_library
from agnsim.multipliers.libraries.stored_circuit import is_stored
from agnsim.multipliers.libraries.tables import table_names
from agnsim.multipliers.metrics import netlist_metrics
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.netlist_cost import FLOW, UNSYNTHESISED, unit_cost
from agnsim.multipliers.published import differences, status_of
from agnsim.multipliers.wide_factors import is_proved


def verify_library(name_or_path: str | Path, *, on_circuit: Callable[[str, int, int], None] | None = None) -> Library:
    """Read every circuit of a library and recompute what is stated; return the library.

    Checked are digest, errors, factors, stored netlist, the family's generator, costs of the unit flow, and whether
    published figures deserve their status.

    Args:
        name_or_path: As for `load_library`.
        on_circuit: Called before each circuit with its name, its number from 1 and the number of circuits.

    Raises:
        LibraryError: There is no library, a file can't be read, or a statement is contradicted; the message lists
            every contradiction with file, field, stated and found value.
    """
    path = find_library(name_or_path)
    library = load_library(path)
    problems = []
    for number, entry in enumerate(library.entries, start=1):
        if on_circuit is not None:
            on_circuit(entry.name, number, len(library))
        try:
            circuit = entry.read()  # and forgotten: the library would keep every table
            _check_factors(circuit)
            _check_netlist(circuit, path)
            _check_generator(circuit, path)
            _check_cost(circuit, path)
            _check_status(circuit, path)
        except AgnsimError as error:
            problems.append(str(error))
    if (path / INDEX).is_file():
        problems += _stray_tables(path)
    if problems:
        raise LibraryError("\n".join(problems))
    return library


def _check_factors(circuit: Multiplier) -> None:
    file = circuit.factors_file
    if file is None or circuit.name not in stored_names(file):
        return
    wrong = LibraryError(f"{file}: the factors of {circuit.name!r} are not those of its table; delete the file")
    if not circuit.has_table:
        netlist = circuit.netlist
        factors = read_wide_factors(file, circuit.name, netlist) if netlist is not None else None
        if factors is None or netlist is None or not is_proved(factors, netlist):
            raise wrong
        return
    operands = [
        operand_values(bits, signed)
        for bits, signed in ((circuit.bits_a, circuit.signed_a), (circuit.bits_b, circuit.signed_b))
    ]
    if read_factors(file, circuit.name, circuit.table, (operands[0], operands[1])) is None:
        raise wrong


def _check_netlist(circuit: Multiplier, path: Path) -> None:
    netlist = circuit.stored_netlist
    if netlist is None:
        return
    if circuit.has_table:
        # A table too large to store was made from this netlist when the circuit was read.
        if is_stored(circuit.bits_a, circuit.bits_b) and not np.array_equal(netlist.table(), circuit.table):
            raise LibraryError(
                f"{path}: circuit {circuit.name!r}: its netlist computes another table than the one stored"
            )
    else:
        card = path / (circuit.family or "custom") / f"{circuit.name}.json"
        read_card(card).check_errors(netlist_metrics(netlist, circuit.signed_a, circuit.signed_b), card)


def _check_generator(circuit: Multiplier, path: Path) -> None:
    netlist = circuit.generated_netlist
    if netlist is None:
        return
    if circuit.has_table and not np.array_equal(netlist.table(), circuit.table):
        raise LibraryError(
            f"{path}: circuit {circuit.name!r}: the generator of family {circuit.family!r} with "
            f"{dict(circuit.parameters)} makes another table than the one stored"
        )


def _check_cost(circuit: Multiplier, path: Path) -> None:
    netlist = circuit.stored_netlist or circuit.generated_netlist
    if netlist is None or circuit.cost is None or circuit.cost.flow not in (FLOW, UNSYNTHESISED):
        return
    found = unit_cost(netlist, glitches=circuit.cost.glitch_energy is not None)
    for figure in ("relative_energy", "relative_area", "relative_delay", "glitch_energy"):
        if getattr(circuit.cost, figure) != getattr(found, figure):
            raise LibraryError(
                f"{path}: circuit {circuit.name!r}: cost.{figure}: stated {getattr(circuit.cost, figure)}, that of its "
                f"netlist is {getattr(found, figure)}"
            )


def _check_status(circuit: Multiplier, path: Path) -> None:
    found = status_of(circuit.published, differences(circuit))
    if circuit.status not in (None, found):
        raise LibraryError(
            f"{path}: circuit {circuit.name!r}: status: stated {circuit.status!r}, but its published figures are "
            f"{found!r}: {'; '.join(map(str, differences(circuit))) or 'they agree with its own'}"
        )


def _stray_tables(path: Path) -> list[str]:
    problems = []
    for tables in sorted(path.glob(f"*/{TABLES}")):
        try:
            names = table_names(tables)
        except LibraryError as error:
            problems.append(str(error))
            continue
        cards = {card.stem for card in tables.parent.glob("*.json")}
        problems += [f"{tables}: table {name!r} has no card" for name in names if name not in cards]
    return problems
