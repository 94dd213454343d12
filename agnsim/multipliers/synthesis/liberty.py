"""What a Liberty file says of its cells: area, capacitance, function, internal energy, leakage.

Source of the format: Synopsys, "Liberty User Guides and Reference Manual Suite".
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agnsim.errors import MultiplierError
from agnsim.multipliers.synthesis.liberty_syntax import Group, read_groups

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SCALE = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class LibertyCell:
    """One cell.

    Attributes:
        name: Its name.
        area: Area in square micrometres.
        leakage_mw: Leakage in milliwatts.
        capacitance_pf: Capacitance of every input pin in picofarads.
        functions: Function of every output pin that has one.
        internal_pj: Mean internal energy of a change of each output pin, in picojoules.
        clock: The clock pin of a flip-flop, else `None`.
        clock_pj: Internal energy of one change of the clock pin.
    """

    name: str
    area: float
    leakage_mw: float
    capacitance_pf: Mapping[str, float]
    functions: Mapping[str, str]
    internal_pj: Mapping[str, float]
    clock: str | None
    clock_pj: float


@dataclass(frozen=True)
class Liberty:
    """A cell library.

    Attributes:
        path: The file.
        name: The library's name.
        sha256: Of the file.
        voltage: Nominal voltage in volts.
        corner: Name of the default operating conditions, or `None`.
        cells: The cells by name.
    """

    path: Path
    name: str
    sha256: str
    voltage: float
    corner: str | None
    cells: Mapping[str, LibertyCell]

    @property
    def flow(self) -> str:
        """Flow of the costs that come from this library."""
        return f"liberty:{self.name}:{self.sha256[:12]}"

    @property
    def flip_flop(self) -> LibertyCell | None:
        """The smallest flip-flop, or `None` where there is none."""
        return min((cell for cell in self.cells.values() if cell.clock), key=lambda cell: cell.area, default=None)


def read_liberty(path: str | Path) -> Liberty:
    """Return the cells of a Liberty file.

    Raises:
        MultiplierError: The file is no Liberty, has no nominal voltage, or a number in it is none.
    """
    file = Path(path)
    library = read_groups(file)
    where = f"{file}: library {library.name!r}"
    if not _NAME.fullmatch(library.name):
        raise MultiplierError(f"{where}: the library's name must be of letters, digits, '_', '-' and '.'")
    voltage = _number(library, "nom_voltage", where)
    if voltage is None or voltage == 0:
        raise MultiplierError(f"{where}: has no nom_voltage, so no energy follows from it")
    farads = _unit(library.attributes.get("capacitive_load_unit", "1,pf"), "f", where)
    leakage_unit = _unit(library.attributes.get("leakage_power_unit", "1nW"), "w", where)
    volts = _unit(library.attributes.get("voltage_unit", "1V"), "v", where)
    # Liberty: internal energy is in units of capacitance times voltage squared.
    units = _Units(farads * 1e12, farads * volts * volts * 1e12, leakage_unit * 1e3)
    cells = {group.name: _cell(group, units, f"{where}: cell {group.name!r}") for group in library.of_kind("cell")}
    corner = library.attributes.get("default_operating_conditions")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return Liberty(file, library.name, digest, voltage * volts, corner, cells)


@dataclass(frozen=True)
class _Units:
    picofarads: float
    picojoules: float
    milliwatts: float


def _cell(group: Group, units: _Units, where: str) -> LibertyCell:
    capacitance: dict[str, float] = {}
    functions: dict[str, str] = {}
    internal: dict[str, float] = {}
    flip_flops = group.of_kind("ff")
    clock = flip_flops[0].attributes.get("clocked_on", "").strip("!'() ") if flip_flops else None
    clock_energy = 0.0
    pins = [pin for bundle in (group, *group.of_kind("bundle"), *group.of_kind("bus")) for pin in bundle.of_kind("pin")]
    for pin in pins:
        energy = _internal_energy(pin, where) * units.picojoules
        if pin.attributes.get("direction") == "output":
            if "function" in pin.attributes:
                functions[pin.name] = pin.attributes["function"]
            internal[pin.name] = energy
        else:
            capacitance[pin.name] = (_number(pin, "capacitance", where) or 0.0) * units.picofarads
            if pin.name == clock:
                clock_energy = energy
    return LibertyCell(
        name=group.name,
        area=_number(group, "area", where) or 0.0,
        leakage_mw=(_number(group, "cell_leakage_power", where) or 0.0) * units.milliwatts,
        capacitance_pf=capacitance,
        functions=functions,
        internal_pj=internal,
        clock=clock or None,
        clock_pj=clock_energy,
    )


def _internal_energy(pin: Group, where: str) -> float:
    """Return the mean of all internal-power tables of a pin, rising and falling, in the library's unit."""
    means = []
    for power in pin.of_kind("internal_power"):
        tables = [group.attributes.get("values", "") for group in power.groups if group.kind.endswith("power")]
        values = [float(number) for table in tables for number in _NUMBER.findall(table)]
        if values:
            means.append(math.fsum(values) / len(values))
    mean = math.fsum(means) / len(means) if means else 0.0
    if not math.isfinite(mean):
        raise MultiplierError(f"{where}, pin {pin.name!r}: internal power is not finite")
    return mean


def _number(group: Group, attribute: str, where: str) -> float | None:
    text = group.attributes.get(attribute)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text.strip()) or not 0 <= float(text) < 1e30:
        raise MultiplierError(f"{where}: {attribute} is {text!r}; it must be a number of at least 0")
    return float(text)


def _unit(text: str, kind: str, where: str) -> float:
    """Return a unit such as `1,pf` or `1nW` in farads, watts or volts."""
    match = re.fullmatch(r"\s*([\d.]+(?:[eE][-+]?\d+)?)\s*,?\s*([fpnumk]?)" + kind + r"\s*", text, re.IGNORECASE)
    if match is None:
        raise MultiplierError(f"{where}: the unit {text!r} is not understood")
    return float(match.group(1)) * _SCALE[match.group(2).lower()]
