"""Programs on foreign input: limits hold, nothing of the user's surroundings reaches them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agnsim.errors import MultiplierError
from agnsim.multipliers.synthesis import process
from agnsim.multipliers.synthesis.process import run_limited


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def test_status_and_output(tmp_path: Path) -> None:
    code = "import os, sys; print('out', os.getcwd()); print('err', file=sys.stderr, flush=True); sys.exit(3)"
    status, log = run_limited(python(code), tmp_path, seconds=20, what="it")
    assert status == 3
    assert f"out {tmp_path.resolve()}" in log
    assert "err" in log


def test_the_surroundings_stay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNSIM_SECRET", "x")
    code = "import os, sys; print(sorted(os.environ)); print(repr(sys.stdin.read()), os.environ['TMPDIR'])"
    _, log = run_limited(python(code), tmp_path, seconds=20, what="it")
    assert "AGNSIM_SECRET" not in log
    assert f"'' {tmp_path}" in log


def test_time_is_limited_for_the_program_and_what_it_starts(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with pytest.raises(MultiplierError, match=r"it took more than 0\.5 s"):
        run_limited(python(code), tmp_path, seconds=0.5, what="it")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MEMORY_BYTES", 256 << 20)
    status, log = run_limited(python("print('start', flush=True); bytearray(1 << 30)"), tmp_path, seconds=20, what="it")
    assert status == 1
    assert "MemoryError" in log


def test_a_signal_is_an_error(tmp_path: Path) -> None:
    code = "import os, signal; print('last words', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(MultiplierError, match=r"SIGKILL.*last words"):
        run_limited(python(code), tmp_path, seconds=20, what="it")


def test_a_long_log_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_BYTES", 100)
    _, log = run_limited(python("print('x' * 5000)"), tmp_path, seconds=20, what="it")
    assert log == "x" * 100
