"""Check a whole library: every card against its table, every netlist and generator against it, every cost of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

import numpy as np

from agnsim.errors import AgnsimError, LibraryError, MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.libraries.array_files import array_names
from agnsim.multipliers.libraries.card import read_card
from agnsim.multipliers.libraries.collection import Library
from agnsim.multipliers.libraries.factor_files import FACTORS, read_factors, read_wide_factors, stored_names
from agnsim.multipliers.libraries.library import INDEX, TABLES, find_library, load_library
from agnsim.multipliers.libraries.mac_costs import MAC_COSTS, read_mac_costs, short_digest
from agnsim.multipliers.libraries.netlist_files import NETLISTS
from agnsim.multipliers.libraries.stored_circuit import is_stored
from agnsim.multipliers.metrics import netlist_metrics
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.equality import same_products
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import FLOW, UNSYNTHESISED, unit_cost
from agnsim.multipliers.published import differences, status_of
from agnsim.multipliers.wide_factors import is_proved

_OF_THE_SYNTHESIS = ("energy_worst", "recipe")  # only synthesis tells them


@dataclass(frozen=True)
class Verification:
    """What the verification of a library, which found no lie, came to.

    Attributes:
        library: The library.
        costs_recomputed: How many costs were recomputed from netlists.
        costs_not_recomputable: How many are taken on trust: published, a user's, of a whole MAC, of other operands
            or cells, or of a circuit that has no netlist.
    """

    library: Library
    costs_recomputed: int
    costs_not_recomputable: int


def verify_library(name_or_path: str | Path, *, on_circuit: Callable[[str, int, int], None] | None = None) -> Library:
    """Return a library that was verified as `verification` does; arguments and errors are the same."""
    return verification(name_or_path, on_circuit=on_circuit).library


def verification(
    name_or_path: str | Path, *, on_circuit: Callable[[str, int, int], None] | None = None
) -> Verification:
    """Read every circuit of a library and recompute what is stated.

    Checked are digest, errors, factors, stored netlist, the family's generator, costs of the unit flow, whether
    published figures deserve their status, and whether costs of MACs belong to these circuits; those costs themselves
    only `python -m agnsim.multipliers.generate --check` makes again, as it needs yosys.

    Args:
        name_or_path: As for `load_library`.
        on_circuit: Called before each circuit with its name, its number from 1 and the number of circuits.

    Raises:
        LibraryError: There is no library, a file can't be read, or a statement is contradicted; the message lists
            the first contradiction of every circuit, with file, field, stated and found value.
    """
    path = find_library(name_or_path)
    library = load_library(path)
    problems = []
    recomputed: Counter[bool] = Counter()
    for number, entry in enumerate(library.entries, start=1):
        if on_circuit is not None:
            on_circuit(entry.name, number, len(library))
        try:
            circuit = entry.read()  # and forgotten: the library would keep every table
            check_circuit(circuit, path)
            recomputed.update(_is_recomputed(circuit, cost) for _, cost in _costs(circuit))
        except AgnsimError as error:
            problems.append(str(error))
    if (path / INDEX).is_file():
        problems += _stray_arrays(path)
        problems += _stray_macs(path, library)
    if problems:
        raise LibraryError("\n".join(problems))
    return Verification(library, recomputed[True], recomputed[False])


def check_circuit(circuit: Multiplier, path: Path) -> None:
    """Recompute what a library states of one circuit, as `verify_library` does of all.

    Args:
        circuit: The circuit, as the library reads it.
        path: The library's folder, for messages.

    Raises:
        LibraryError: Something stated is not so.
    """
    where = f"{path}: circuit {circuit.name!r}"
    _check_factors(circuit)
    _check_netlist(circuit, where)
    _check_generator(circuit, where)
    for label, cost in _costs(circuit):
        _check_cost(circuit, cost, f"{where}: {label}")
    _check_status(circuit, where)


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


def _check_netlist(circuit: Multiplier, where: str) -> None:
    netlist = circuit.stored_netlist
    if netlist is None:
        return
    if circuit.has_table:
        # A table too large to store was made from this netlist when the circuit was read.
        if is_stored(circuit.bits_a, circuit.bits_b) and not np.array_equal(netlist.table(), circuit.table):
            raise LibraryError(f"{where}: its netlist computes another table than the one stored")
    elif circuit.factors_file is not None:
        card = circuit.factors_file.parent / f"{circuit.name}.json"
        read_card(card).check_errors(netlist_metrics(netlist, circuit.signed_a, circuit.signed_b), card)


def _check_generator(circuit: Multiplier, where: str) -> None:
    try:
        netlist = circuit.generated_netlist
    except (MultiplierError, TypeError) as error:
        raise LibraryError(f"{where}: the generator of family {circuit.family!r} refuses the card ({error})") from error
    if netlist is None:
        return
    if circuit.has_table:
        agrees = np.array_equal(netlist.table(), circuit.table)
    else:
        agrees = circuit.stored_netlist in (None, netlist) or same_products(netlist, cast(Netlist, circuit.netlist))
    if not agrees:
        raise LibraryError(
            f"{where}: the generator of family {circuit.family!r} with {dict(circuit.parameters)} makes another "
            f"{'table' if circuit.has_table else 'function'} than the one stored"
        )


def _costs(circuit: Multiplier) -> Iterator[tuple[str, Cost]]:
    """Yield a circuit's costs, each behind its place on the card."""
    if circuit.cost is not None:
        yield "cost", circuit.cost
    yield from ((f"other_costs[{i}]", cost) for i, cost in enumerate(circuit.other_costs))


def _is_recomputed(circuit: Multiplier, cost: Cost) -> bool:
    return cost.flow in (FLOW, UNSYNTHESISED) and circuit.netlist is not None


def _check_cost(circuit: Multiplier, cost: Cost, where: str) -> None:
    energy = cost.energy
    if energy is not None and cost.energy_worst is not None and cost.energy_worst < energy:
        raise LibraryError(f"{where}.energy_worst: stated {cost.energy_worst}, which is below the energy, {energy}")
    netlist = circuit.netlist
    if netlist is None or not _is_recomputed(circuit, cost):
        return
    found = unit_cost(netlist, flow=cost.flow, glitches=cost.glitch_energy is not None)
    # What the flow doesn't give is a lie, too: other figures are preferred to its own.
    for field in fields(Cost):
        stated, true = (getattr(of, field.name) for of in (cost, found))
        if field.name not in _OF_THE_SYNTHESIS and stated != true:
            raise LibraryError(f"{where}.{field.name}: stated {stated}, that of its netlist is {true}")


def _check_status(circuit: Multiplier, where: str) -> None:
    wrong = differences(circuit)
    found = status_of(circuit.published, wrong)
    if circuit.status not in (None, found):
        raise LibraryError(
            f"{where}: status: stated {circuit.status!r}, but its published figures are "
            f"{found!r}: {'; '.join(map(str, wrong)) or 'they agree with its own'}"
        )


def _stray_arrays(path: Path) -> list[str]:
    problems = []
    for what, file in (("table", TABLES), ("netlist", NETLISTS), ("factors", FACTORS)):
        for arrays in sorted(path.glob(f"*/{file}")):
            try:
                names = array_names(arrays)
            except LibraryError as error:
                problems.append(str(error))
                continue
            cards = {card.stem for card in arrays.parent.glob("*.json")}
            known = {f"{card}.{part}" for card in cards for part in "uv"} if file == FACTORS else cards
            problems += [f"{arrays}: {what} {name!r} has no card" for name in names if name not in known]
            problems += [f"{arrays}: {what} {name!r} is there {n} times" for name, n in Counter(names).items() if n > 1]
    return problems


def _stray_macs(path: Path, library: Library) -> list[str]:
    file = path / MAC_COSTS
    if not file.is_file():
        return []
    try:
        macs = read_mac_costs(file)
    except LibraryError as error:
        return [str(error)]
    digests = {entry.name: entry.digest for entry in library.entries}
    stray = dict.fromkeys(mac.circuit for mac in macs if mac.digest != short_digest(digests.get(mac.circuit) or ""))
    return [f"{file}: the MAC of {name!r} is of no circuit of the library" for name in stray]
