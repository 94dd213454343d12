"""`agnsim multipliers`: the circuits of a library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agnsim.cli.browse import COMMANDS
from agnsim.cli.characterize import COMMANDS as SYNTHESIS_COMMANDS
from agnsim.cli.options import AsJson
from agnsim.cli.output import print_json

multipliers_app = typer.Typer(
    help="The circuits of a library: browse and compare them, verify, import, characterize and export them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


for _name, _command in (COMMANDS | SYNTHESIS_COMMANDS).items():
    multipliers_app.command(_name)(_command)


@multipliers_app.command("import")
def import_multipliers(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A checkout of EvoApproxLib, a folder, or a file of circuits.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the library to be written.")],
    bits: Annotated[
        str | None, typer.Option("--bits", metavar="8x4", help="Operand widths, where neither name nor size says them.")
    ] = None,
    signed: Annotated[
        bool | None, typer.Option("--signed/--unsigned", help="Sign of the operands, where no name says it.")
    ] = None,
    costs: Annotated[
        Path | None, typer.Option("--costs", metavar="FILE.csv", help="Your own costs, by circuit name or digest.")
    ] = None,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="NAME", help="Flow of published costs, where it can't be told.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=0, help="Processes; 0: one a core.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Import circuits and check them against what is published; exit 2 where none can be imported."""
    from agnsim.multipliers.importers import ImportOptions, import_circuits
    from agnsim.multipliers.importers.summary import document, lines
    from agnsim.multipliers.widths import parse_bits
    from agnsim.progress import make_progress

    options = ImportOptions(bits=parse_bits(bits), signed=signed, flow=flow)
    with make_progress() as progress:
        result = import_circuits(path, out, options=options, costs=costs, jobs=jobs, progress=progress)
    if as_json:
        print_json(document(result))
    else:
        typer.echo("\n".join(lines(result)))
    if not result.imported:
        raise typer.Exit(2)
