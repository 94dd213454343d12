"""The commands of `agnsim multipliers` that look at libraries and change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agnsim.cli.options import AsJson, LibraryName
from agnsim.cli.output import print_facts, print_json, print_rows, say

if TYPE_CHECKING:
    from agnsim.types import Json

NOTHING_FITS = "no circuit fits"

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
    typer.Option(
        "--operands", metavar="TRACE[:LAYER]", help="Energy and errors under operands that `agnsim trace` wrote."
    ),
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
    _print_circuits(rows, (*COLUMNS, *OPERAND_COLUMNS) if operands else COLUMNS, as_json)


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
    from agnsim.multipliers.browsing.listing import energy_ratios
    from agnsim.multipliers.operands.operand_distribution import distribution

    whole = load_library(library)
    circuit = whole[name]
    description = describe(circuit, distribution(operands), energy_ratio=energy_ratios(whole)[name])
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
    error: Annotated[
        str,
        typer.Option(
            "--error", help="mae, error_std, wce, mre, ep or mean_error; with --operands three of them under these."
        ),
    ] = "mae",
    cost: Annotated[
        str | None,
        typer.Option("--cost", help="energy, area or delay; default: energy, with --operands under these."),
    ] = None,
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
    from agnsim.multipliers.browsing.listing import ERROR_COLUMNS, circuit_rows
    from agnsim.multipliers.operands.operand_distribution import Traced
    from agnsim.multipliers.operands.operand_trace_files import read_trace_at
    from agnsim.multipliers.widths import parse_bits
    from agnsim.progress import make_progress

    widths, trace = parse_bits(bits), read_trace_at(operands) if operands else None
    narrow = [f"bits_{port}<={width}" for port, width in zip("ab", widths or (), strict=False)]
    with make_progress() as progress:
        rows = circuit_rows(
            load_library(library),
            family=family,
            signed=signed,
            where=narrow,
            operands=trace,
            progress=progress,
        )
    traced = Traced(*trace) if trace else None
    on_operands = f"{error}_operands"
    error = on_operands if traced and on_operands in ERROR_COLUMNS else error
    cost = cost or ("energy_operands" if traced else "energy")
    fronts = library_fronts(rows, error=error, cost=cost, bits=bits, where=where or [], operands=traced)
    if as_json:
        print_json(fronts)
        return
    if traced:
        typer.echo(f"{error} against {cost}; columns ending in _operands are on {traced.name}, others on uniform ones")
    if not fronts:
        say(NOTHING_FITS)
    columns = ("name", "bits_a", "bits_b", "family", error, cost, "energy_ratio", "rank", "status")
    for kind in fronts:
        signs = "/".join("signed" if kind[sign] else "unsigned" for sign in ("signed_a", "signed_b"))
        widths_of = f"{kind['bits_a']}x{kind['bits_b']}"
        typer.echo(f"\n{widths_of} {signs}, flow {kind['flow']}: {len(kind['front'])} of {kind['circuits']} circuits")
        _print_circuits(kind["front"], columns)
        if kind["narrower_exact"]:
            typer.echo(f"narrower exact multipliers, the rival; error: the operand bits below {widths_of} they drop")
            _print_circuits(kind["narrower_exact"], columns)


def energy(
    operands: Annotated[
        str, typer.Option("--operands", metavar="TRACE[:LAYER]", help="Operands that `agnsim trace` wrote.")
    ],
    library: LibraryName = "builtin",
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", metavar="NAME", help="Only this layer, by itself; may be repeated."),
    ] = None,
    by_layer: Annotated[bool, typer.Option("--by-layer", help="A row for each circuit and layer.")] = False,
    include: Annotated[
        list[str] | None, typer.Option("--include", metavar="PATTERN", help="Only such circuits; may be repeated.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", metavar="NAME", help="Exact circuit of the ratio; default: the library's that needs least."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what circuits cost on the operands that a network's layers really multiply, cheapest first."""
    from dataclasses import asdict

    from agnsim.multipliers import load_library
    from agnsim.multipliers.operands.operand_energy import energy_under_operands, mean_energies
    from agnsim.multipliers.operands.operand_trace_files import read_trace_at
    from agnsim.progress import make_progress

    trace, layers = read_trace_at(operands)
    layers = trace.known(layer or layers)  # before anything is computed
    whole = load_library(library)
    chosen = whole.select(include or ["*"])
    widest = [max(sizes) for sizes in zip(*((trace[name].bits_a, trace[name].bits_w) for name in layers), strict=True)]
    fitting = {e.name: whole[e.name] for e in chosen.entries if e.bits[0] <= widest[0] and e.bits[1] <= widest[1]}
    if len(fitting) < len(chosen):
        say(f"{len(chosen) - len(fitting)} circuits of operands wider than {widest[0]}x{widest[1]}: left out")
    with make_progress() as progress:
        rows = energy_under_operands(fitting, trace, layers=layers, reference=reference, whole=whole, progress=progress)
    means = sorted(
        mean_energies(rows, trace),
        key=lambda mean: (mean.energy is None, mean.flow or "", mean.energy or 0.0, mean.multiplier),
    )
    if as_json:
        print_json({"circuits": [asdict(mean) for mean in means], "layers": [asdict(row) for row in rows]})
        return
    if not rows:
        say(NOTHING_FITS)
    elif layer or by_layer:
        print_rows([asdict(row) for row in rows])
    else:
        macs = sum(trace[name].macs for name in layers)
        typer.echo(f"one multiplication, the mean over {macs:,} of {len(layers)} layers of {trace.source}")
        print_rows([asdict(mean) for mean in means])


def verify_multipliers(
    library: Annotated[str, typer.Argument(metavar="[LIBRARY]", help="`builtin`, or a library's folder.")] = "builtin",
    as_json: AsJson = False,
) -> None:
    """Recompute what every card states: digest, errors, factors, netlist, costs; exit 2, naming the lies."""
    from agnsim.multipliers.libraries.netlist_files import NETLISTS, netlist_names
    from agnsim.multipliers.libraries.verify import verification
    from agnsim.progress import make_progress

    with make_progress() as progress, progress.track(None, f"verifying {library}") as task:
        found = verification(library, on_circuit=lambda *_: task.advance())
    verified, trusted = found.library, found.costs_not_recomputable
    # From cards and lists of names: the library would keep every table that is read again.
    statuses = Counter(verified.card(name).status for name in verified)
    netlists = verified.path.glob(f"*/{NETLISTS}") if verified.path is not None else ()
    facts = {
        "library": library,
        "circuits": len(verified),
        "netlists": sum(len(netlist_names(file)) for file in netlists),
        "published_figures": statuses["verified"],
        "published_figures_that_differ": statuses["differs"],
        "costs_recomputed": found.costs_recomputed,
        "costs_not_recomputable": trusted,
        "verified": True,
    }
    if trusted and not as_json:
        facts["verified"] = f"yes; costs taken on trust, which can't be recomputed here: {trusted}"
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
            (f"costs only in {first}", "costs_only_first"),
            (f"costs only in {second}", "costs_only_second"),
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


def _print_circuits(rows: Sequence[Json], columns: Iterable[str], as_json: bool = False) -> None:
    """Print rows of a listing, in a table with widths and signs in one column each and without the source."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        say(NOTHING_FITS)
        return
    folded = {"bits_a": "bits", "bits_b": "bits", "signed_a": "signed", "signed_b": "signed"}
    shown = dict.fromkeys(folded.get(column, column) for column in columns if column != "source")
    signs = {(False, False): "no", (True, True): "yes", (True, False): "a", (False, True): "b"}
    print_rows(
        [
            {
                **row,
                "bits": f"{row['bits_a']}x{row['bits_b']}",
                "signed": signs[row["signed_a"], row["signed_b"]],
            }
            for row in rows
        ],
        shown,
    )


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
