"""Read a multiplier from Verilog: yosys elaborates it to simple gates, the ports are found by name or order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agnsim.errors import MultiplierError, UnknownName, did_you_mean
from agnsim.multipliers.importers.failure import SourceError, shown_path
from agnsim.multipliers.importers.naming import parse_name
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.cell_models import cell_models
from agnsim.multipliers.synthesis.json_netlist import netlist_from_json
from agnsim.multipliers.synthesis.verilog_scan import module_names, read_source
from agnsim.multipliers.synthesis.yosys import yosys_json

_SOURCE, _MODELS = "source.v", "models.v"
_OPERANDS = (("a", "b"), ("x", "y"), ("in_a", "in_b"), ("in1", "in2"), ("in0", "in1"), ("op1", "op2"), ("op_a", "op_b"))
_IDENTIFIER = re.compile(r"[A-Za-z_][\w$]*")
_MOST_NAMES = 8
_ELABORATE = (
    "proc",
    "flatten",
    "opt_clean",  # a wire that only dead gates read may stay without a driver
    "check",
    "tribuf",
    "opt -full",
    "synth -noabc -run coarse",
    "opt -full",
    "techmap",
    "opt",
    "clean -purge",
)


@dataclass(frozen=True)
class VerilogCircuit:
    """A multiplier read from Verilog.

    Attributes:
        name: The top module's name.
        path: The file.
        netlist: Its gates, simplified; operand order as `ports`.
        signed_a: Whether the first operand is in two's complement.
        signed_b: The same of the second operand.
        ports: Names of the first operand, the second operand and the product.
    """

    name: str
    path: Path
    netlist: Netlist
    signed_a: bool
    signed_b: bool
    ports: tuple[str, str, str]


def read_verilog(path: str | Path, top: str | None = None, *, signed: bool | None = None) -> VerilogCircuit:
    """Return the multiplier in a Verilog file. Nothing in the file can read, write or run anything.

    The two inputs called `a` and `b` (or `x` and `y`, `in1` and `in2`, ... in any case) are the operands, others are
    taken in the order of declaration; the one output is the product.

    Args:
        path: The file. Standard cells of EvoApproxLib's mapped netlists need no definition.
        top: The module; by default the one called as the file is, else the one that no other module mentions.
        signed: Whether operands and product are in two's complement; by default what the ports' declaration says, or
            a name such as `mul8s_...`, else unsigned.

    Raises:
        MissingDependency: pyosys is not installed.
        MultiplierError: The file is refused or no combinational two-operand multiplier, or yosys reports an error.
        UnknownName: There is no module `top`.
    """
    file = Path(path)
    where = shown_path(file)
    source = read_source(file)
    modules = module_names(source)
    if not modules:
        raise SourceError(where, None, "holds no Verilog module")
    if top is not None and top not in modules:
        raise UnknownName(f"{where}: has no module {top!r}.{did_you_mean(top, modules)}")
    name = top if top is not None else _choose_top(source, modules, file.stem, where)
    if not _IDENTIFIER.fullmatch(name):
        raise SourceError(where, None, f"the module's name is {name!r}; use letters, digits and '_'")
    commands = [f"read_verilog {_MODELS}", f"read_verilog {_SOURCE}", f"hierarchy -check -top {name}", *_ELABORATE]
    sources = {_MODELS: cell_models(modules), _SOURCE: source}
    design, undriven = yosys_json(sources, commands, where={_SOURCE: where, _MODELS: "the standard cells"})
    module = design["modules"][name]
    where = f"{where}: module {name!r}"
    port_names = _port_names(module["ports"], where)
    a, b, product = (module["ports"][port] for port in port_names)
    signs = _signs((a, b), product, name, file, signed)
    if undriven:  # optimisation takes such a bit as whatever makes the circuit smaller
        names = ", ".join(undriven[:_MOST_NAMES])
        raise MultiplierError(f"{where}: reads wires that nothing drives: {names}")
    netlist = netlist_from_json(module["cells"], a["bits"], b["bits"], product["bits"], signed=any(signs), where=where)
    return VerilogCircuit(name, file, netlist, *signs, port_names)


def _choose_top(source: str, modules: Sequence[str], stem: str, where: str) -> str:
    """Return the module that is the multiplier: called as its file, else the one that no other module mentions.

    Yosys' own choice would be any of the modules that instantiate nothing, cells that are defined and not used among
    them.
    """
    if stem in modules:
        return stem
    mentions = Counter(_IDENTIFIER.findall(source))
    unused = [name for name in modules if mentions[name] == 1]
    named = [name for name in unused if stem.startswith(name)]
    for choice in (unused, named):
        if len(choice) == 1:
            return choice[0]
    shown = ", ".join(unused or modules)
    raise SourceError(where, None, f"which of the modules {shown} is the multiplier? Name it: --top NAME")


def _port_names(ports: Mapping[str, Any], where: str) -> tuple[str, str, str]:
    inputs = [name for name, port in ports.items() if port["direction"] == "input"]
    outputs = [name for name, port in ports.items() if port["direction"] == "output"]
    if len(inputs) != 2 or len(outputs) != 1 or len(ports) != 3:
        shown = [", ".join(names) or "(none)" for names in (inputs, outputs)]
        raise MultiplierError(
            f"{where}: has the inputs {shown[0]} and the outputs {shown[1]}; a multiplier has two inputs, its "
            "operands, and one output, the product"
        )
    by_name = {name.lower(): name for name in inputs}
    for first, second in _OPERANDS:
        if {first, second} == set(by_name):
            return by_name[first], by_name[second], outputs[0]
    return inputs[0], inputs[1], outputs[0]


def _signs(
    operands: tuple[Mapping[str, Any], Mapping[str, Any]],
    product: Mapping[str, Any],
    name: str,
    file: Path,
    asked: bool | None,
) -> tuple[bool, bool]:
    if asked is not None:
        return asked, asked
    declared = bool(operands[0].get("signed")), bool(operands[1].get("signed"))
    if any(declared) or product.get("signed"):
        return declared
    for text in (name, file.stem):
        if (said := parse_name(text.lower()).signed) is not None:
            return said, said
    return False, False
