"""`agnsim multipliers characterize` and `export`: circuits through synthesis, and out as Verilog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from agnsim.cli.options import AsJson, LibraryName
from agnsim.cli.output import print_json, print_rows, say


def characterize(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Verilog files, folders of them, a library's folder, or `builtin`."),
    ],
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="PATTERN", help="Names such as 'mul8u_*'; may be repeated.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="NAME",
            help="Compare circuits of all widths with this one, of the run or built in; default: the widest exact one.",
        ),
    ] = None,
    top: Annotated[
        str | None, typer.Option("--top", metavar="NAME", help="The module, where there are several.")
    ] = None,
    signed: Annotated[
        bool | None,
        typer.Option("--signed/--unsigned", help="Sign of Verilog's operands, where nothing there says it."),
    ] = None,
    liberty: Annotated[
        Path | None, typer.Option("--liberty", metavar="FILE", help="Your cell library; default: agnsim's unit cells.")
    ] = None,
    clock_ns: Annotated[
        float | None, typer.Option("--clock-ns", metavar="T", help="Required time of every path, with --liberty.")
    ] = None,
    operands: Annotated[
        str | None,
        typer.Option("--operands", metavar="TRACE.npz[:LAYER]", help="Operands of `agnsim trace`; default: uniform."),
    ] = None,
    constant_bits: Annotated[
        bool, typer.Option("--constant-bits", help="Tie operand bits that never change, on both sides of every ratio.")
    ] = False,
    glitches: Annotated[bool, typer.Option("--glitches", help="Also the energy of all transitions.")] = False,
    datapath: Annotated[
        bool, typer.Option("--datapath", help="Also the whole MAC: sign handling, accumulator, registers.")
    ] = False,
    fan_in: Annotated[
        int | None, typer.Option("--fan-in", metavar="N", help="Products in one sum; default: the trace's, or 256.")
    ] = None,
    accumulator: Annotated[
        int | None, typer.Option("--accumulator", metavar="BITS", help="Width of the sums; default: the worst case's.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Circuits in work at a time.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the circuits with these costs as a library.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Synthesise circuits and report errors, area, delay and energy beside the exact multiplier's; needs pyosys."""
    from agnsim.multipliers.synthesis.characterise_report import summary, table_rows
    from agnsim.multipliers.synthesis.run import characterise_paths, make_settings
    from agnsim.progress import make_progress

    settings = make_settings(
        liberty=liberty,
        clock_ns=clock_ns,
        operands=operands,
        constant_bits=constant_bits,
        glitches=glitches,
        datapath=datapath,
        fan_in=fan_in,
        accumulator=accumulator,
    )
    with make_progress() as progress:
        document = characterise_paths(
            paths, settings, progress, only=only or [], reference=reference, top=top, signed=signed, jobs=jobs, out=out
        )
    if as_json:
        print_json(document)
        return
    print_rows(*table_rows(document))
    typer.echo("\n".join(summary(document)))
    for failure in document["failed"]:
        place = failure["file"] if failure["line"] is None else f"{failure['file']}:{failure['line']}"
        say(f"not read: {place}: {failure['reason']}")


def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A circuit of the library that has a netlist.")],
    library: LibraryName = "builtin",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.v", help="Default: standard output.")] = None,
) -> None:
    """Write a circuit as Verilog, ports A, B and O."""
    from agnsim.multipliers import load_library
    from agnsim.multipliers.synthesis.verilog_export import multiplier_verilog

    text = multiplier_verilog(load_library(library)[name])
    if out is None:
        typer.echo(text, nl=False)
    else:
        from agnsim.report.templates import write_page

        write_page(out, text)
        typer.echo(f"wrote {out}")


COMMANDS: dict[str, Callable[..., None]] = {"characterize": characterize, "export": export}
