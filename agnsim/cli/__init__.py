"""The command line: it parses, calls, prints. A user's mistake is one message and exit code 2."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agnsim.allocator import keep_freed_memory
from agnsim.cli.multipliers import multipliers_app
from agnsim.cli.options import AsJson, LibraryName, RunFolder
from agnsim.cli.output import print_facts, print_json, print_rows, say
from agnsim.errors import AgnsimError, InputError


class _Commands(TyperGroup):
    """The commands, with the errors of all of them turned into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AgnsimError as error:
            say(f"error: {error}")
            raise typer.Exit(2) from None
        except OSError as error:
            if error.filename is None:
                raise
            say(f"error: {error.filename}: {error.strerror}")
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            resumes = ctx.invoked_subcommand == "run"
            say("interrupted" + (": what is finished is kept; the same command resumes the run." if resumes else "."))
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    help="Which approximate multipliers, in which layers of a PyTorch network, and what they cost in accuracy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: faster to start, and long messages are not wrapped into a box
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(multipliers_app, name="multipliers")


def _version(asked: bool) -> None:
    if asked:
        import agnsim

        typer.echo(f"agnsim {agnsim.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A study file (YAML); `agnsim init` writes one.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The run folder; default: runs/<name of the study>.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as in search.training.epochs=2."),
    ] = None,
) -> None:
    """Run a study, or resume it, and write its report."""
    from agnsim.experiment.run import run_study
    from agnsim.progress import make_progress
    from agnsim.report import write_report

    with make_progress() as progress:
        folder = run_study(config, out=out, overrides=overrides or [], progress=progress)
    report_file = write_report([folder])
    typer.echo(f"run folder: {folder}\nreport:     {report_file}")


@app.command()
def evaluate(
    run_dir: RunFolder,
    trial: Annotated[str | None, typer.Option("--trial", metavar="ID", help="Default: the run's headline.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a trial's accuracy from its checkpoint; exit 1 where it is not the recorded one."""
    from agnsim.experiment.evaluate import evaluate_trial
    from agnsim.progress import make_progress

    with make_progress() as progress:
        result = evaluate_trial(run_dir, trial, progress=progress)
    print_facts(result, as_json)
    if not result["match"]:
        raise typer.Exit(1)


@app.command()
def report(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR...", help="One or more run folders.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: RUN_DIR/report.html.")] = None,
    as_table: Annotated[
        bool, typer.Option("--table", help="Print a Markdown table instead, a row a study over its seeds.")
    ] = False,
) -> None:
    """Write the report of one run, or of several side by side, as a single HTML file."""
    from agnsim.report import results_table, write_report

    if as_table:
        if out is not None:
            raise InputError(
                "--out names the HTML file; --table prints. Leave one of them out, or redirect the output."
            )
        typer.echo(results_table(run_dirs), nl=False)
        return
    typer.echo(f"report: {write_report(run_dirs, out)}")


@app.command()
def status(run_dir: RunFolder, as_json: AsJson = False) -> None:
    """Say how far a run has come."""
    from agnsim.experiment.status import run_status

    print_facts(run_status(run_dir), as_json)


@app.command()
def trace(
    run_dir: RunFolder,
    trial: Annotated[
        str | None, typer.Option("--trial", metavar="ID", help="Default: the quantised network, exact products.")
    ] = None,
    images: Annotated[
        int | None, typer.Option("--images", metavar="N", help="Calibration images; default: 64.")
    ] = None,
    length: Annotated[
        int, typer.Option("--length", metavar="N", help="Operand pairs in each layer's sequence.")
    ] = 16384,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default: RUN_DIR/operands-TRIAL.npz.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write what the layers of a run's network multiply: operand histograms and sequences."""
    from agnsim.experiment.trace import trace_run
    from agnsim.progress import make_progress

    with make_progress() as progress:
        traced = trace_run(run_dir, trial, images=images, length=length, out=out, progress=progress)
    if as_json:
        print_json(traced)
    else:
        print_rows(traced["layers"])
        typer.echo(f"trace: {traced['file']} ({traced['images']} images of trial {traced['trial']})")


@app.command("list")
def list_names(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="Leave it out for the kinds there are.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the names a study file may use: models, datasets, engines, ..."""
    from agnsim.experiment.catalogue import catalogue, kinds

    rows = kinds() if kind is None else catalogue(kind)
    print_rows(rows, as_json=as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check this installation: packages, engines, data; exit 1 where something needs mending."""
    from agnsim.experiment.doctor import diagnose

    diagnosis = diagnose()
    if as_json:
        print_json(diagnosis)
    else:
        print_facts(diagnosis["installation"])
        print_rows(diagnosis["packages"], ("package", "version"))
        print_rows(diagnosis["engines"])
        for problem in diagnosis["problems"]:
            say(f"problem: {problem}")
    if diagnosis["problems"]:
        raise typer.Exit(1)


@app.command()
def bench(
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", help="layers, networks, training, memory, startup, matmul or all; may be repeated."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer circuits, images and rounds: under a minute.")] = False,
    network: Annotated[
        list[str] | None, typer.Option("--network", help="resnet20, resnet18 or mobilenet_v2; may be repeated.")
    ] = None,
    multiplier: Annotated[
        list[str] | None, typer.Option("--multiplier", metavar="NAME", help="A circuit; may be repeated.")
    ] = None,
    library: LibraryName = "builtin",
    engines: Annotated[str | None, typer.Option("--engines", metavar="A,B", help="Default: all.")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    batch: Annotated[int | None, typer.Option("--batch", help="Images at once.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of PyTorch and the engines.")] = None,
    repeats: Annotated[int | None, typer.Option("--repeats", help="Rounds of measurements.")] = None,
    keep_memory: Annotated[
        bool, typer.Option("--keep-memory", help="Reuse freed memory: figures without page faults (glibc).")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the JSON document there.")] = None,
    recorded: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Show a written document; measure nothing.")
    ] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of goals as Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure how fast emulation is here, beside PyTorch's float and fake-quantised layers."""
    from agnsim import bench as benchmark
    from agnsim.progress import make_progress

    if recorded is not None:
        document = benchmark.read_document(recorded)
    else:
        with make_progress() as progress:
            document = benchmark.run(
                suite or ["all"],
                quick=quick,
                network_names=network or [],
                multipliers=multiplier or [],
                library=library,
                engine_names=[name.strip() for name in engines.split(",")] if engines is not None else [],
                device=device,
                batch=batch,
                threads=threads,
                repeats=repeats,
                keep=keep_memory,
                progress=progress,
            )
    if out is not None:
        benchmark.write_document(document, out)
    if as_json:
        print_json(document)
    elif as_markdown:
        typer.echo(benchmark.markdown(document))
    else:
        for title, rows in benchmark.tables(document):
            typer.echo(f"\n{title}")
            print_rows(rows)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the study file goes.")] = Path(),
) -> None:
    """Write a study file to start from; an existing one is never overwritten."""
    from agnsim.experiment.starter import write_starter

    path = write_starter(folder)
    typer.echo(f"wrote {path}\nnext:  agnsim run {path}")


def main() -> None:
    """Entry point of the `agnsim` command."""
    # Threads that wait by spinning make small networks up to 15 times slower as soon as another program wants a core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed_memory()
    app()
