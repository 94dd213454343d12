"""Progress of long work: bars with the time left on a terminal, plain lines elsewhere, nothing for the API.

    with make_progress() as progress, progress.stage("retraining"):
        with progress.track(total=len(batches), description="epoch 1") as task:
            for x, y in batches:
                ...
                task.advance(1, loss=loss)

Everything goes to standard error, so that standard output stays free for `--json`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

Clock = Callable[[], float]
Kind = type[BaseException] | None
Error = BaseException | None
Trace = TracebackType | None


class Task(Protocol):
    """A counted piece of work; use it as a context, whose end closes it."""

    def advance(self, n: int = 1, **metrics: float) -> None:
        """Count `n` more steps as done and show the given metrics."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: Kind, error: Error, trace: Trace) -> None: ...


class Progress(Protocol):
    """Where long work reports to; use it as a context."""

    def stage(self, title: str) -> AbstractContextManager[None]:
        """Return a context that shows `title` at its start and its duration at its end."""

    def track(self, total: int | None, description: str) -> Task:
        """Begin a task of `total` steps (`None`: unknown)."""

    def message(self, text: str) -> None:
        """Show one line."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: Kind, error: Error, trace: Trace) -> None: ...


class _Context:
    """Does nothing at its start and its end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Kind, error: Error, trace: Trace) -> None:
        return None


class _SilentTask(_Context):
    def advance(self, n: int = 1, **metrics: float) -> None:
        return None


class SilentProgress(_Context):
    """Shows nothing: the default of every function of the API."""

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Show nothing."""
        yield

    def track(self, total: int | None, description: str) -> Task:
        """Return a task that shows nothing."""
        return _SilentTask()

    def message(self, text: str) -> None:
        """Show nothing."""


def duration(seconds: float) -> str:
    """Return seconds for a reader: `4.2 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _shown(metrics: dict[str, float]) -> str:
    return "".join(f", {name} {value:.4g}" for name, value in metrics.items())


class PlainProgress(_Context):
    """Plain lines: at the start and the end of a stage, and one each `interval_s` within a task that takes so long.

    Args:
        stream: Where the lines go; standard error by default.
        interval_s: Seconds between two lines of one task.
        clock: Seconds since some instant; tests pass their own.
    """

    def __init__(self, stream: TextIO | None = None, *, interval_s: float = 10.0, clock: Clock = time.monotonic):
        self._stream = sys.stderr if stream is None else stream
        self.interval_s = interval_s
        self.clock = clock

    def message(self, text: str) -> None:
        """Write one line."""
        print(text, file=self._stream, flush=True)

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Write the title, and at the end the duration."""
        started = self.clock()
        self.message(f"{title} ...")
        ended = "stopped"
        try:
            yield
            ended = "done"
        finally:
            self.message(f"{title}: {ended} after {duration(self.clock() - started)}")

    def track(self, total: int | None, description: str) -> Task:
        """Begin a task; its lines give steps, share, time left and the latest metrics. A short task has none."""
        return _PlainTask(self, total, description)


class _PlainTask(_Context):
    def __init__(self, progress: PlainProgress, total: int | None, description: str):
        self._progress, self._total, self._description = progress, total, description
        self._done = 0
        self._metrics: dict[str, float] = {}
        self._started = self._spoken = progress.clock()

    def advance(self, n: int = 1, **metrics: float) -> None:
        self._done += n
        self._metrics.update(metrics)
        now = self._progress.clock()
        if now - self._spoken >= self._progress.interval_s:
            self._spoken = now
            self._progress.message(f"{self._description}: {self._position(now)}{_shown(self._metrics)}")

    def _position(self, now: float | None = None) -> str:
        if not self._total:
            return f"{self._done} steps"
        share = f"{self._done}/{self._total} ({100 * self._done // self._total} %)"
        if now is None or not 0 < self._done < self._total:
            return share
        left = (now - self._started) / self._done * (self._total - self._done)
        return f"{share}, {duration(left)} left"

    def __exit__(self, kind: Kind, error: Error, trace: Trace) -> None:
        elapsed = self._progress.clock() - self._started
        if kind is None and elapsed < self._progress.interval_s:
            return
        ended = "done" if kind is None else f"stopped at {self._position()}"
        took = duration(elapsed)
        self._progress.message(f"{self._description}: {ended} after {took}{_shown(self._metrics)}")


class TerminalProgress(_Context):
    """Bars with the time left, which vanish when their work ends; stages and long tasks leave a line with the duration.

    Args:
        stream: The terminal; standard error by default.
        interval_s: Seconds from which on a task leaves a line.
    """

    def __init__(self, stream: TextIO | None = None, *, interval_s: float = 10.0):
        from rich import progress as bars
        from rich.console import Console

        self._console = Console(file=sys.stderr if stream is None else stream, highlight=False)
        self._bars = bars.Progress(
            bars.SpinnerColumn(),
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=24),
            bars.TaskProgressColumn(),
            bars.TimeElapsedColumn(),
            bars.TimeRemainingColumn(),
            bars.TextColumn("{task.fields[metrics]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._open = 0
        self.interval_s = interval_s

    def message(self, text: str) -> None:
        """Show one line above the bars."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Show a moving bar, and at the end the title with its duration."""
        with _TerminalTask(self, None, title, leaves_from_s=0.0):
            yield

    def track(self, total: int | None, description: str) -> Task:
        """Begin a task with a bar of its own."""
        return _TerminalTask(self, total, description, leaves_from_s=self.interval_s)

    def begin(self, total: int | None, description: str) -> Any:
        """Add a bar and return its id; the display runs while at least one bar is open."""
        if self._open == 0:
            self._bars.start()
        self._open += 1
        return self._bars.add_task(description, total=total, metrics="")

    def step(self, task_id: Any, n: int, metrics: dict[str, float]) -> None:
        """Move one bar."""
        self._bars.update(task_id, advance=n, metrics=_shown(metrics).lstrip(", "))

    def end(self, task_id: Any) -> None:
        """Remove one bar."""
        self._bars.remove_task(task_id)
        self._open -= 1
        if self._open == 0:
            self._bars.stop()


class _TerminalTask(_Context):
    def __init__(self, progress: TerminalProgress, total: int | None, description: str, *, leaves_from_s: float):
        self._progress, self._description, self._leaves_from_s = progress, description, leaves_from_s
        self._metrics: dict[str, float] = {}
        self._started = time.monotonic()
        self._id = progress.begin(total, description)

    def advance(self, n: int = 1, **metrics: float) -> None:
        self._metrics.update(metrics)
        self._progress.step(self._id, n, self._metrics)

    def __exit__(self, kind: Kind, error: Error, trace: Trace) -> None:
        self._progress.end(self._id)
        elapsed = time.monotonic() - self._started
        if kind is None and elapsed < self._leaves_from_s:
            return
        ended = "done" if kind is None else "stopped"
        took = duration(elapsed)
        self._progress.message(f"{self._description}: {ended} after {took}{_shown(self._metrics)}")


def make_progress(quiet: bool = False, stream: TextIO | None = None) -> Progress:
    """Return what suits the stream: nothing if `quiet`, bars on a terminal, plain lines elsewhere.

    Args:
        quiet: Show nothing.
        stream: Standard error by default.
    """
    if quiet:
        return SilentProgress()
    target = sys.stderr if stream is None else stream
    if target.isatty() and os.environ.get("TERM") != "dumb":
        return TerminalProgress(target)
    return PlainProgress(target)
