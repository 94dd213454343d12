"""What `agnsim multipliers characterize` does: read, characterise, write, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agnsim.errors import InputError, MultiplierError, UnknownName, did_you_mean
from agnsim.multipliers.importers.output import check_target, write_whole
from agnsim.multipliers.libraries.library import load_library
from agnsim.multipliers.libraries.stored_circuit import StoredCircuit
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.synthesis.characterise import Settings, characterise
from agnsim.multipliers.synthesis.characterise_report import report
from agnsim.multipliers.synthesis.liberty import read_liberty
from agnsim.multipliers.synthesis.liberty_target import LibertyTarget
from agnsim.multipliers.synthesis.stimulus import read_stimulus
from agnsim.multipliers.synthesis.subjects import read_subjects
from agnsim.multipliers.synthesis.tools import synthesis_tools
from agnsim.multipliers.synthesis.unit_target import UnitTarget
from agnsim.progress import Progress
from agnsim.types import Json


def make_settings(
    *,
    liberty: Path | None = None,
    clock_ns: float | None = None,
    operands: str | None = None,
    constant_bits: bool = False,
    glitches: bool = False,
    datapath: bool = False,
    fan_in: int | None = None,
    accumulator: int | None = None,
) -> Settings:
    """Return the settings that a user's options mean.

    Args:
        liberty: A Liberty file; our unit cells without it.
        clock_ns: Required time of every path, for a Liberty file.
        operands: `TRACE.npz` or `TRACE.npz:LAYER`; uniform operands without it.
        constant_bits: Tie operand bits that never change.
        glitches: Also report the energy of all transitions.
        datapath: Also characterise the MAC.
        fan_in: Products in one sum of the MAC.
        accumulator: Width of its sums.

    Raises:
        InputError: Options that don't go together, or a number out of range.
        MultiplierError: The Liberty file can't be read.
    """
    if clock_ns is not None and liberty is None:
        raise InputError("--clock-ns needs --liberty: the unit cells have no delays in nanoseconds")
    if clock_ns is not None and not 0 < clock_ns < 1e6:
        raise InputError(f"--clock-ns {clock_ns:g}: must be a positive time")
    if (fan_in is not None or accumulator is not None) and not datapath:
        raise InputError("--fan-in and --accumulator belong to --datapath")
    if fan_in is not None and not 1 <= fan_in <= 1 << 20:
        raise InputError(f"--fan-in {fan_in}: must be 1 to {1 << 20}")
    target = LibertyTarget(read_liberty(liberty), clock_ns) if liberty is not None else UnitTarget()
    return Settings(target, read_stimulus(operands, fan_in), glitches, constant_bits, datapath, accumulator)


def characterise_paths(
    paths: Sequence[str],
    settings: Settings,
    progress: Progress,
    *,
    only: Sequence[str] = (),
    reference: str | None = None,
    top: str | None = None,
    signed: bool | None = None,
    jobs: int = 1,
    out: Path | None = None,
) -> Json:
    """Characterise circuits and return the document of `characterise_report.report`.

    Args:
        paths: Verilog files, folders of them, libraries' folders, or `builtin`.
        settings: How.
        progress: Where to show how far it is.
        only: Patterns of names, of which one must match; all by default.
        reference: A circuit among them or in the built-in library that those of all widths are compared with; by
            default the exact array of the largest widths in the run.
        top: The module of every Verilog file.
        signed: Whether operands are in two's complement; by default what declaration or name says.
        jobs: How many circuits are in work at a time.
        out: Folder of a library to be written, new or an older library, or `None`.

    Raises:
        MissingDependency: pyosys is not installed.
        MultiplierError: There is no circuit to characterise, or synthesis fails.
        UnknownName: There is no such reference.
        LibraryError: A library can't be read, or the results can't be written as one.
    """
    if out is not None:
        check_target(out)  # before the work, not after it
    synthesis_tools()
    multipliers, failures, remarks = read_subjects(paths, only=only, top=top, signed=signed, jobs=jobs)
    if not multipliers:
        reasons = "\n".join(str(failure) for failure in failures[:20]) or "no Verilog file and no library there"
        raise MultiplierError(f"nothing to characterise in {', '.join(paths)}\n{reasons}")
    besides = [] if reference is None else _missing_reference(reference, multipliers)
    with progress.track(len(multipliers) + len(besides), "characterising") as task:
        results = characterise([*multipliers, *besides], settings, jobs=jobs, on_circuit=lambda _: task.advance())
    circuits = results[: len(multipliers)]
    chosen = next((result.as_reference for result in results if result.multiplier.name == reference), None)
    document = report(circuits, failures, settings, chosen, remarks)
    if out is not None:
        keep_mapped = isinstance(settings.target, UnitTarget) and not settings.tie_constant_bits
        document["library"] = str(out)
        document["replaced"] = write_whole(
            out,
            (StoredCircuit.of(circuit.characterised(keep_mapped=keep_mapped)) for circuit in circuits),
            description=f"characterised by agnsim in flow {circuits[0].cost.flow}",
            flow=circuits[0].cost.flow,
        )
    return document


def _missing_reference(name: str, multipliers: Sequence[Multiplier]) -> list[Multiplier]:
    """Return the reference where it is none of the circuits."""
    names = [multiplier.name for multiplier in multipliers]
    if name in names:
        return []
    library = load_library("builtin")
    if name not in library:
        near = did_you_mean(name, [*names, *library])
        raise UnknownName(f"--reference {name}: no circuit of the run or of the built-in library is called so.{near}")
    return [library[name]]
