"""The launcher's calls, through the real bindings, to a driver library that only writes them down."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agnsim.errors import EngineUnavailable
from agnsim.kernels.cuda import compile as compilation

from .conftest import COMPILER, SHIM

SCRIPT = """
import os

import torch
from agnsim.errors import EngineUnavailable
from agnsim.kernels.cuda.arguments import Kernel
from agnsim.kernels.cuda.launch import DriverLauncher

class Stream:
    cuda_stream = 0x40

torch.cuda.current_stream = lambda index: Stream
torch.cuda.get_device_capability = lambda index: (9, 0)
launcher, device, kernel = DriverLauncher(), torch.device("cuda", 1), Kernel("depthwise/depthwise.cu", "depthwise")
print("limit", launcher.shared_limit(device), flush=True)
arguments = (5, torch.tensor([7], dtype=torch.int32))
for shared in (0, 60_000, 50_000):
    launcher.launch(kernel, device, 12, shared, arguments)
for call in ("cuModuleLoadData", "cuFuncSetAttribute", "cuLaunchKernel"):
    os.environ["FAILING_CALL"] = call
    try:
        DriverLauncher().launch(kernel, device, 12, 60_000, arguments)
    except EngineUnavailable as refusal:
        print(refusal, flush=True)
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the script prints, and the library with it."""
    if COMPILER is None:
        pytest.skip("no C++ compiler (g++ or clang++) to build a driver library with")
    try:
        compilation.nvrtc()
    except EngineUnavailable as refusal:
        pytest.skip(str(refusal))
    folder = tmp_path_factory.mktemp("driver")
    source, library = SHIM / "driver_on_cpu.cpp", folder / "libcuda.so.1"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-w", str(source), "-o", str(library)], check=True)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder), "XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, "-c", SCRIPT]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_kernels_are_loaded_once_and_launched_on_the_current_stream(calls: list[str]) -> None:
    assert calls[:18] == [
        "cuInit",
        "cuDeviceGet",
        "cuDevicePrimaryCtxRetain",
        "cuDeviceGet",
        "cuDeviceGetAttribute",
        "limit 101376",
        "0x10 cuCtxPushCurrent",
        "ELF cuModuleLoadData",
        "depthwise cuModuleGetFunction",
        "12,1,1 256,1,1 0 0x40 5 7 cuLaunchKernel",
        "cuCtxPopCurrent",
        "0x10 cuCtxPushCurrent",
        "8 60000 cuFuncSetAttribute",  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        "12,1,1 256,1,1 60000 0x40 5 7 cuLaunchKernel",
        "cuCtxPopCurrent",
        "0x10 cuCtxPushCurrent",
        "12,1,1 256,1,1 50000 0x40 5 7 cuLaunchKernel",
        "cuCtxPopCurrent",
    ]


@pytest.mark.parametrize("call", ["cuModuleLoadData", "cuFuncSetAttribute", "cuLaunchKernel"])
def test_a_failing_call_is_a_refusal_and_leaves_no_context_behind(call: str, calls: list[str]) -> None:
    (at,) = (number for number, line in enumerate(calls) if line.endswith(f"{call} fails"))
    assert calls[at + 1 : at + 3] == ["cuCtxPopCurrent", "the CUDA driver answers CUDA_ERROR_OUT_OF_MEMORY"]
