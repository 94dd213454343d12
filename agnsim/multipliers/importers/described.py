"""A netlist and the header of its file: the circuit with its cost and what is published of it."""

from __future__ import annotations

from pathlib import Path

from agnsim.multipliers.importers.checkout import checkout_flow
from agnsim.multipliers.importers.header import parse_header
from agnsim.multipliers.importers.importer import Found, ImportOptions
from agnsim.multipliers.importers.naming import fit_name
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.netlist import Netlist


def found_netlist(
    netlist: Netlist,
    signs: tuple[bool, bool],
    path: Path,
    text: str,
    options: ImportOptions,
    remarks: tuple[str, ...] = (),
    *,
    name: str = "",
) -> Found:
    """Return the circuit that a netlist is.

    Args:
        netlist: Its gates.
        signs: Signs of the operands.
        path: Its file, which names it where `name` doesn't.
        text: The file's text, whose first comments may publish errors and costs.
        options: What the user says.
        remarks: What was assumed in reading it.
        name: The circuit's name.

    Raises:
        MultiplierError: A product does not fit int32.
    """
    header = parse_header(text)
    release = checkout_flow(path) if header.library == "evoapproxlib" else None
    flow = options.flow or release or header.library or options.source
    cost, other_costs = header.costs(flow)
    multiplier = Multiplier.from_netlist(
        name or fit_name(path),
        netlist,
        signed_a=signs[0],
        signed_b=signs[1],
        source=flow,
        cost=cost,
        other_costs=other_costs,
        published=header.published,
        citation=header.citation,
    )
    return Found(multiplier, remarks)
