"""Tables of trials and circuits: cells with what they sort by."""

from __future__ import annotations

from dataclasses import dataclass

from agnsim.report.numbers import count, duration, fixed, interval, saving, significant
from agnsim.report.record import Circuit, Record, Trial
from agnsim.report.rival import dominated_by_exact


@dataclass(frozen=True)
class Column:
    """A column head; `note` stands under it."""

    title: str
    is_number: bool
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell; `key` is what it sorts by where that is not its text."""

    text: str
    key: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    cells: list[Cell]
    kind: str = ""
    is_headline: bool = False


@dataclass(frozen=True)
class Table:
    """A sortable table."""

    key: str
    caption: str
    columns: list[Column]
    rows: list[Row]


ENERGIES = (("pe_energy", "MAC energy"), ("on_chip_energy", "On-chip energy"), ("system_energy", "System energy"))


def number(value: float | None, digits: int) -> Cell:
    """A number with fixed decimals, sorted by its value."""
    return Cell(fixed(value, digits), "" if value is None else repr(float(value)))


def trial_table(record: Record, key: str) -> Table:
    """Tabulate every trial; a figure that was not computed is an empty cell."""
    computed = {name: any(getattr(trial, name) is not None for trial in record.trials) for name, _ in ENERGIES}
    columns = [
        Column("Trial", False),
        Column("Kind", False),
        Column("Method", False),
        Column("Multiplier", False),
        Column("Retrained", False),
        Column("Multiplier energy", True, "ratio"),
        Column("Saved %", True),
        Column("Top-1 %", True, "report"),
        Column("Drop pp", True, "to float"),
        Column("Interval", True, "paired 95 %"),
        Column("Dominated by", False, "exact network"),
        Column("Selection %", True, "top-1"),
        Column("All test %", True, "top-1"),
        Column("Top-5 %", True, "report"),
        *(Column(title, True, "ratio" if computed[name] else "not computed") for name, title in ENERGIES),
        Column("Distinct", True, "multipliers"),
        Column("Noise weight", True),
        Column("MACs", True, "ratio"),
        Column("Parameters", True, "ratio"),
        Column("MAC costs", False),
        Column("Graph", False, "evaluated"),
        Column("Seed", True),
        Column("Time", True),
    ]
    beaten = {point.trial.trial: by.trial for point, by in dominated_by_exact(record)}
    rows = [_trial_row(record, trial, beaten.get(trial.trial)) for trial in record.trials]
    return Table(key, "1 trial" if len(rows) == 1 else f"All {len(rows)} trials", columns, rows)


def _trial_row(record: Record, trial: Trial, beaten_by: Trial | None) -> Row:
    retrained = "" if trial.retrained is None else "yes" if trial.retrained else "no"
    noise = Cell("") if trial.noise_weight is None else Cell(f"{trial.noise_weight:g}", repr(trial.noise_weight))
    cells = [
        Cell(trial.trial),
        Cell(trial.kind.replace("_", " ")),
        Cell(trial.method or ""),
        Cell(trial.multiplier or ("per layer" if trial.layers else "")),
        Cell(retrained),
        number(trial.multiplier_energy, 4),
        number(saving(trial.multiplier_energy), 1),
        number(trial.accuracy_top1, 2),
        number(trial.accuracy_drop_pp, 2),
        Cell(
            interval(trial.drop_low_pp, trial.drop_high_pp),
            "" if trial.drop_low_pp is None else repr(trial.drop_low_pp),
        ),
        Cell(beaten_by.label.removeprefix("narrow ") if beaten_by else ""),
        number(trial.accuracy_selection, 2),
        number(trial.accuracy_top1_all, 2),
        number(trial.accuracy_top5, 2),
        *(number(getattr(trial, name), 4) for name, _ in ENERGIES),
        number(trial.distinct_multipliers, 0),
        noise,
        number(trial.macs_ratio, 3),
        number(trial.params_ratio, 3),
        Cell(trial.pe_label or ""),
        Cell(trial.graph or ""),
        Cell("" if trial.seed is None else str(trial.seed)),
        Cell(duration(trial.seconds), "" if trial.seconds is None else repr(trial.seconds)),
    ]
    return Row(cells, trial.kind, trial.trial == record.headline)


def circuit_table(record: Record, key: str) -> Table | None:
    """Tabulate the library's circuits, or nothing where the record lists none."""
    if record.library is None or not record.library.circuits:
        return None
    titles = [
        ("Circuit", False, ""), ("Family", False, ""), ("Source", False, ""), ("Operands", False, "a x w"),
        ("Energy", True, "ratio"), ("Area", True, "ratio"), ("Delay", True, "ratio"), ("MAE", True, ""),
        ("WCE", True, ""), ("MRE %", True, ""), ("EP %", True, ""), ("Mean error", True, ""), ("Error std", True, ""),
        ("Rank", True, "if factored"), ("Flow", False, ""), ("Digest", False, "table"),
    ]  # fmt: skip
    rows = [_circuit_row(circuit) for circuit in record.library.circuits]
    caption = f"{len(rows)} circuits of the library {record.library.name}"
    return Table(key, caption, [Column(*title) for title in titles], rows)


def _circuit_row(circuit: Circuit) -> Row:
    def plain(value: float | None) -> Cell:
        return Cell(significant(value), "" if value is None else repr(float(value)))

    def percent(value: float | None) -> Cell:
        return number(None if value is None else 100.0 * value, 2)

    widths = f"{_port(circuit.bits_a, circuit.signed_a)} x {_port(circuit.bits_b, circuit.signed_b)}"
    return Row(
        [
            Cell(circuit.name),
            Cell(circuit.family or ""),
            Cell(circuit.source or ""),
            Cell(widths if circuit.bits_a and circuit.bits_b else ""),
            number(circuit.energy_ratio, 3),
            number(circuit.area_ratio, 3),
            number(circuit.delay_ratio, 3),
            plain(circuit.mae),
            plain(circuit.wce),
            percent(circuit.mre),
            percent(circuit.ep),
            plain(circuit.mean_error),
            plain(circuit.error_std),
            Cell(count(circuit.rank)),
            Cell(circuit.flow or ""),
            Cell((circuit.digest or "")[:12]),
        ]
    )


def _port(bits: int | None, signed: bool | None) -> str:
    sign = "" if signed is None else "s" if signed else "u"
    return f"{sign}{bits or '?'}"
