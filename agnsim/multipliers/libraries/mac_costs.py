"""What the MACs around a library's circuits cost: one table beside the cards, a line for every way to use a circuit.

All of them come from one flow and one operand stream, so any two may be compared. They can't be recomputed without
yosys: the mapped MACs are not stored.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from agnsim import _bundled
from agnsim.errors import LibraryError
from agnsim.multipliers.choice import Choice
from agnsim.multipliers.encoding import Encoding

MAC_COSTS = "mac_costs.csv"
EXACT_BITS = (8, 8)
_DIGEST_DIGITS = 16


@dataclass(frozen=True)
class MacCost:
    """The MAC around one circuit, used in one way. Energies are per product, in transistor-weighted toggles.

    Attributes:
        circuit: The physical circuit's name.
        digest: First 16 digits of its table's digest.
        swapped: Whether activations go to its second port.
        encoding_a: Encoding of the activations.
        encoding_w: Encoding of the weights.
        signed: Whether its ports are in two's complement.
        bits_a: Width of the activation, sign included.
        bits_w: Width of the weight, sign included.
        exact: Whether the circuit is exact.
        accumulator: Width of the partial sums.
        flip_flops: Of activation, weight and partial sum together.
        recipe: Synthesis recipe of the lowest energy.
        energy: Multiplier, sign handling and adder, settled values.
        energy_worst: The same of the recipe of the highest energy.
        glitch_energy: The same as `energy` with all transitions.
        clock_energy: Clock of the flip-flops, without its tree.
        data_energy: Changes of what the flip-flops hold.
        area: With flip-flops, in transistors.
        delay: In unit gate delays, from registers to register.
        multiplier_energy: The multiplier alone under the MAC's operands; given for the exact 8x8 ones.
    """

    circuit: str
    digest: str
    swapped: bool
    encoding_a: Encoding
    encoding_w: Encoding
    signed: bool
    bits_a: int
    bits_w: int
    exact: bool
    accumulator: int
    flip_flops: int
    recipe: str
    energy: float
    energy_worst: float
    glitch_energy: float
    clock_energy: float
    data_energy: float
    area: float
    delay: float
    multiplier_energy: float | None = None

    @property
    def energy_with_registers(self) -> float:
        """Energy of the combinational part and the flip-flops."""
        return self.energy + self.clock_energy + self.data_energy

    @property
    def use(self) -> tuple[str, str, bool, Encoding, Encoding]:
        """What tells it from the others: circuit, orientation and encodings."""
        return self.circuit, self.digest, self.swapped, self.encoding_a, self.encoding_w


class MacCosts:
    """The MACs of a library.

    Args:
        macs: Their costs.

    Raises:
        LibraryError: Two are of the same use of one circuit.
    """

    def __init__(self, macs: Iterable[MacCost]) -> None:
        self._macs = tuple(macs)
        self._by_use = {mac.use: mac for mac in self._macs}
        if len(self._by_use) < len(self._macs):
            raise LibraryError("two MACs of the same circuit, orientation and encodings")

    def find(self, choice: Choice) -> MacCost | None:
        """Return the MAC around a circuit as a layer uses it, `None` where there is none of that table."""
        circuit = choice.multiplier
        if not circuit.has_table:
            return None
        encodings = choice.effective.encoding_a, choice.effective.encoding_w
        return self._by_use.get((circuit.name, short_digest(circuit.digest), choice.swapped, *encodings))

    def cheapest_exact(
        self, bits: tuple[int, int], *, signed: bool, encoding_a: Encoding, encoding_w: Encoding
    ) -> MacCost | None:
        """Return the exact MAC of the lowest energy, registers included, whatever the architecture.

        Args:
            bits: Widths of activation and weight.
            signed: Whether the ports are in two's complement.
            encoding_a: Encoding of the activations.
            encoding_w: Encoding of the weights.
        """
        wanted = bits, signed, encoding_a, encoding_w
        exact = [
            mac
            for mac in self._macs
            if mac.exact and ((mac.bits_a, mac.bits_w), mac.signed, mac.encoding_a, mac.encoding_w) == wanted
        ]
        return min(exact, key=lambda mac: mac.energy_with_registers, default=None)

    def narrow(self, bits_a: int, bits_w: int) -> MacCost | None:
        """Return the cheapest exact MAC of unsigned activations and signed weights of these widths.

        Weights are in sign-magnitude: ports in two's complement would leave the activations a bit less.
        """
        return self.cheapest_exact(
            (bits_a, bits_w), signed=False, encoding_a=Encoding.UNSIGNED, encoding_w=Encoding.SIGN_MAGNITUDE
        )

    @property
    def reference(self) -> MacCost:
        """The cheapest exact MAC of 8-bit activations and weights: what ratios are to.

        Raises:
            LibraryError: There is none.
        """
        reference = self.narrow(*EXACT_BITS)
        if reference is None:
            raise LibraryError("among the MACs is no exact one of 8-bit activations and weights")
        return reference

    def __len__(self) -> int:
        return len(self._macs)

    def __iter__(self) -> Iterator[MacCost]:
        return iter(self._macs)


@cache
def builtin_mac_costs() -> MacCosts:
    """Return the MACs of the built-in library.

    Raises:
        LibraryError: Its file is damaged.
    """
    return read_mac_costs(_bundled.folder("multipliers") / "builtin" / MAC_COSTS)


def short_digest(digest: str) -> str:
    """Return the digits of a table's digest that tell the circuits of a library apart."""
    return digest[:_DIGEST_DIGITS]


def write_mac_costs(path: Path, macs: Iterable[MacCost]) -> None:
    """Write the MACs as CSV, byte for byte the same for the same ones."""
    lines = [",".join(_COLUMNS)]
    lines += [",".join(_text(getattr(mac, column)) for column in _COLUMNS) for mac in macs]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_mac_costs(path: Path) -> MacCosts:
    """Return the MACs in a file.

    Raises:
        LibraryError: The file can't be read, or a line is no MAC.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(f"{path}: the costs of MACs can't be read ({error})") from error
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise LibraryError(f"{path}: the first line must name the columns {', '.join(_COLUMNS)}")
    macs = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            macs.append(MacCost(*(_READ[column](text) for column, text in zip(_COLUMNS, row, strict=True))))  # type: ignore[arg-type]
        except ValueError as error:
            raise LibraryError(f"{path}, line {number}: is no MAC ({error})") from error
    try:
        return MacCosts(macs)
    except LibraryError as error:
        raise LibraryError(f"{path}: {error}") from None


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is neither 0 nor 1")
    return text == "1"


def _number(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e300:
        raise ValueError(f"{text!r} is no energy, area or delay")
    return value


def _optional(text: str) -> float | None:
    return _number(text) if text else None


_COLUMNS = tuple(field.name for field in fields(MacCost))
_READ: dict[str, Callable[[str], object]] = dict.fromkeys(_COLUMNS, _number)
_READ |= dict.fromkeys(("circuit", "digest", "recipe"), str)
_READ |= dict.fromkeys(("swapped", "signed", "exact"), _flag)
_READ |= dict.fromkeys(("encoding_a", "encoding_w"), Encoding)
_READ |= dict.fromkeys(("bits_a", "bits_w", "accumulator", "flip_flops"), int)
_READ["multiplier_energy"] = _optional
