"""The commands of `agnsim multipliers` that look at libraries and change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agnsim.cli.options import AsJson, LibraryName
from agnsim.cli.output import print_facts, print_json, print_rows

if TYPE_CHECKING:
    from agnsim.types import Json

Family = Annotated[str | None, typer.Option("--family", help="Only this family.")]
Bits = Annotated[str | None, typer.Option("--bits", metavar="8x4", help="Only these widths; 8 for both operands.")]
Signed = Annotated[bool | None, typer.Option("--signed/--unsigned", help="Only signed, or only unsigned circuits.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="mae<10", help="Only where a column compares so (< <= > >= = !=); may be repeated."
    ),
]
Operands = Annotated[
    str | None,
    typer.Option("--operands", metavar="TRACE[:LAYER]", help="Energy under the operands that `agnsim trace` wrote."),
]


def list_multipliers(
    library: LibraryName = "builtin",
    family: Family = None,
    source: Annotated[str | None, typer.Option("--source", metavar="PATTERN", help="Only from this source.")] = None,
    bits: Bits = None,
    signed: Signed = None,
    exact: Annotated[
        bool | None, typer.Option("--exact/--approximate", help="Only exact, or only approximate circuits.")
    ] = None,
    max_rank: Annotated[
        int | None, typer.Option("--max-rank", metavar="N", help="Only where the factors on file have <= N terms.")
    ] = None,
    where: Where = None,
    sort: Annotated[str | None, typer.Option("--sort", metavar="COLUMN", help="Sort by a column, ascending.")] = None,
    descending: Annotated[bool, typer.Option("--descending", help="Sort the largest first.")] = False,
    operands: Operands = None,
    as_json: AsJson = False,
) -> None:
    """List the circuits of a library with their errors and costs, as their cards state them."""
    from agnsim.multipliers import load_library
    from agnsim.multipliers.browsing.listing import COLUMNS, OPERAND_COLUMNS, circuit_rows
    from agnsim.multipliers.operands.operand_trace_files import read_trace_at
    from agnsim.progress import make_progress

    with make_progress() as progress:
        rows = circuit_rows(
            load_library(library),
            family=family,
            source=source,
            bits=bits,
            signed=signed,
            exact=exact,
            max_rank=max_rank,
            where=where or [],
            sort=sort,
            descending=descending,
            operands=read_trace_at(operands) if operands else None,
            progress=progress,
        )
    print_rows(rows, (*COLUMNS, *OPERAND_COLUMNS) if operands else COLUMNS, as_json)


def show_multiplier(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A circuit of the library.")],
    library: LibraryName = "builtin",
    operands: Annotated[
        str,
        typer.Option("--operands", metavar="DIST", help="`half-normal`, `uniform`, or a trace: TRACE[:LAYER]."),
    ] = "half-normal",
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that is known of one circuit."""
    from agnsim.multipliers import load_library
    from agnsim.multipliers.browsing.description import describe
    from agnsim.multipliers.operands.operand_distribution import distribution

    circuit = load_library(library)[name]
    description = describe(circuit, distribution(operands))
    if html is not None:
        from agnsim.report.multiplier_page import write_multiplier_page

        write_multiplier_page(circuit, description, html)
    if as_json:
        print_json(description)
    else:
        _print_description(description)
        if html is not None:
            typer.echo(f"\npage: {html}")


def pareto(
    library: LibraryName = "builtin",
    error: Annotated[str, typer.Option("--error", help="mae, error_std, wce, mre, ep or mean_error.")] = "mae",
    cost: Annotated[str | None, typer.Option("--cost", help="energy, area or delay; default: energy.")] = None,
    family: Family = None,
    bits: Bits = None,
    signed: Signed = None,
    where: Where = None,
    operands: Operands = None,
    as_json: AsJson = False,
) -> None:
    """Show the circuits that no other of their widths, signs and flow beats, and the narrower exact rivals."""
    from agnsim.analysis.library_front import library_fronts
    from agnsim.multipliers import load_library
    from agnsim.multipliers.browsing.listing import circuit_rows
    from agnsim.multipliers.operands.operand_trace_files import read_trace_at
    from agnsim.progress import make_progress

    with make_progress() as progress:
        rows = circuit_rows(
            load_library(library),
            family=family,
            signed=signed,
            where=where or [],
            operands=read_trace_at(operands) if operands else None,
            progress=progress,
        )
    column = cost or ("energy_operands" if operands else "energy")
    fronts = library_fronts(rows, error=error, cost=column, bits=bits)
    if as_json:
        print_json(fronts)
        return
    columns = ("name", "bits_a", "bits_b", "family", error, column, "rank", "status")
    for kind in fronts:
        signs = "/".join("signed" if kind[sign] else "unsigned" for sign in ("signed_a", "signed_b"))
        widths = f"{kind['bits_a']}x{kind['bits_b']}"
        typer.echo(f"\n{widths} {signs}, flow {kind['flow']}: {len(kind['front'])} of {kind['circuits']} circuits")
        print_rows(kind["front"], columns)
        if kind["narrower_exact"]:
            typer.echo("narrower exact multipliers of that flow, the rival:")
            print_rows(kind["narrower_exact"], columns)


def energy(
    operands: Annotated[
        str, typer.Option("--operands", metavar="TRACE[:LAYER]", help="Operands that `agnsim trace` wrote.")
    ],
    library: LibraryName = "builtin",
    layer: Annotated[list[str] | None, typer.Option("--layer", metavar="NAME", help="May be repeated.")] = None,
    include: Annotated[
        list[str] | None, typer.Option("--include", metavar="PATTERN", help="Only such circuits; may be repeated.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="NAME", help="Exact circuit; default: the one that needs least."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what every circuit costs in every layer, on the operands that the layer really multiplies."""
    from dataclasses import asdict

    from agnsim.multipliers import load_library
    from agnsim.multipliers.operands.operand_energy import energy_under_operands
    from agnsim.multipliers.operands.operand_trace_files import read_trace_at
    from agnsim.progress import make_progress

    trace, layers = read_trace_at(operands)
    circuits = load_library(library).select([*(include or ["*"]), *([reference] if reference else [])])
    with make_progress() as progress:
        rows = energy_under_operands(circuits, trace, layers=layer or layers, reference=reference, progress=progress)
    print_rows([asdict(row) for row in rows], as_json=as_json)


def verify_multipliers(
    library: Annotated[str, typer.Argument(metavar="[LIBRARY]", help="`builtin`, or a library's folder.")] = "builtin",
    as_json: AsJson = False,
) -> None:
    """Recompute what every card states: digest, errors, factors, netlist, costs; exit 2, naming the lies."""
    from agnsim.multipliers import verify_library
    from agnsim.multipliers.libraries.netlist_files import NETLISTS, netlist_names
    from agnsim.progress import make_progress

    with make_progress() as progress, progress.track(None, f"verifying {library}") as task:
        verified = verify_library(library, on_circuit=lambda *_: task.advance())
    # From cards and lists of names: the library would keep every table that is read again.
    statuses = Counter(verified.card(name).status for name in verified)
    netlists = verified.path.glob(f"*/{NETLISTS}") if verified.path is not None else ()
    facts = {
        "library": library,
        "circuits": len(verified),
        "netlists": sum(len(netlist_names(file)) for file in netlists),
        "published_figures": statuses["verified"],
        "published_figures_that_differ": statuses["differs"],
        "verified": True,
    }
    print_facts(facts, as_json)


def diff(
    first: Annotated[str, typer.Argument(metavar="LIBRARY_A", help="`builtin`, or a library's folder.")],
    second: Annotated[str, typer.Argument(metavar="LIBRARY_B", help="The one to compare with.")],
    as_json: AsJson = False,
) -> None:
    """Compare two libraries by what their circuits compute, not by names; exit 1 where they differ."""
    from agnsim.multipliers import load_library
    from agnsim.multipliers.browsing.difference import library_difference

    found = library_difference(load_library(first), load_library(second))
    if as_json:
        print_json(found)
    else:
        for title, part in (
            ("the same function under other names", "renamed"),
            ("the same name for another function", "changed"),
            (f"only in {first}", "only_first"),
            (f"only in {second}", "only_second"),
            ("costs that differ", "costs"),
        ):
            if found[part]:
                typer.echo(f"{title}: {len(found[part])}")
                print_rows([_short_digests(row) for row in found[part]])
        typer.echo(f"the same function under the same names: {found['same']}")
    if not found["equal"]:
        raise typer.Exit(1)


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_multipliers,
    "show": show_multiplier,
    "pareto": pareto,
    "energy": energy,
    "verify": verify_multipliers,
    "diff": diff,
}


def _short_digests(row: Json) -> Json:
    return {name: value[:12] if "digest" in name and value else value for name, value in row.items()}


def _print_description(description: Json) -> None:
    """Print the facts, then each table under its title; conditional errors are for `--json` and `--html`."""
    tables = {"costs", "factorisation", "zero_behaviour", "conditional_error", "operands"}
    print_facts({name: value for name, value in description.items() if name not in tables})
    for cost in description["costs"]:
        typer.echo("\ncost")
        print_facts(cost)
    factorisation, operands = description["factorisation"], description["operands"]
    if factorisation is not None:
        typer.echo("\nfactorisation")
        print_facts({name: value for name, value in factorisation.items() if name != "terms"})
        print_rows([{"term": number, **term} for number, term in enumerate(factorisation["terms"], start=1)])
    if operands is None:
        typer.echo("\nno table: the circuit has more than 2**24 products, and only its stated figures are known")
        return
    typer.echo("\nproducts with zero")
    print_facts(description["zero_behaviour"])
    for title, part in (("orientation", "orientations"), ("encoding", "encodings")):
        typer.echo(f"\n{title}, under {operands['distribution']}")
        print_rows(operands[part])
