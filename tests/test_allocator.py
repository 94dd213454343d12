"""The allocator is told in a process of its own: the setting cannot be taken back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import resource, torch
from agnsim.allocator import {call}
told = {call}()
fault = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    kept = [torch.ones(1 << 20) for _ in range(8)]
    del kept
before = fault()
for _ in range(3):
    kept = [torch.ones(1 << 20) for _ in range(8)]
    del kept
print(told, fault() - before)
"""


def _run(call: str = "keep_freed_memory", **environment: str) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(call=call)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told, faults = done.stdout.split()
    return told, int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_tensors_are_reused() -> None:
    told, faults = _run()
    if told == "False":
        pytest.skip("the C library is not glibc")
    assert faults < 100, "24 tensors of 4 MB are 24,576 pages when mapped anew"


def test_the_users_own_setting_is_respected() -> None:
    assert _run(MALLOC_TRIM_THRESHOLD_="200000")[0] == "False"
