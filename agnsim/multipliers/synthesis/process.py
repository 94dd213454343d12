"""Run a program on foreign input: in its own folder, with limits on time, memory and what it says."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from agnsim.errors import MultiplierError

MEMORY_BYTES = 4 << 30
FILE_BYTES = 1 << 30
LOG_BYTES = 1 << 20

# The shell sets the limits and becomes the program: `preexec_fn` is not safe in a process with threads. Where a system
# knows no limit of address space (macOS), the limits of time remain.
_LIMITED = 'ulimit -v "$1" 2>/dev/null; ulimit -t "$2"; ulimit -c 0; ulimit -f "$3"; shift 3; exec "$@"'


def run_limited(arguments: Sequence[str], folder: Path, *, seconds: float, what: str) -> tuple[int, str]:
    """Run a program and return its exit status and what it printed (the first `LOG_BYTES`).

    Its working, home and temporary folder is `folder`; it sees no other variable of this environment than the library
    search path, and reads no input.

    Args:
        arguments: Program and arguments.
        folder: An existing private folder.
        seconds: Limit of time on the clock; processor time has the same.
        what: What is being done, for messages.

    Raises:
        MultiplierError: The time is up, or the program was killed by a signal (it ran out of memory, say).
    """
    log = folder / "log.txt"
    limits = (str(MEMORY_BYTES >> 10), str(int(seconds) + 1), str(FILE_BYTES >> 9))
    with log.open("wb") as sink:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _LIMITED, "sh", *limits, *arguments],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait(seconds)
        except BaseException as error:
            _end(child)
            if isinstance(error, subprocess.TimeoutExpired):
                raise MultiplierError(
                    f"{what} took more than {seconds:g} s and was stopped; no multiplier should need that"
                ) from None
            raise
    with log.open("rb") as source:
        text = source.read(LOG_BYTES).decode("utf-8", errors="replace")
    if status < 0:
        raise MultiplierError(
            f"{what} was ended by {signal.Signals(-status).name} (out of memory or processor time?); it may use "
            f"{MEMORY_BYTES >> 30} GiB and {seconds:g} s. It said last: {last_words(text)}"
        )
    return status, text


def last_words(log: str) -> str:
    """Return the last line of a log that is not empty, shortened to fit a message."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "(nothing)"


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C"}


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and what it started; it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
