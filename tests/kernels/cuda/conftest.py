"""Run the engine's kernels on a CPU: the same sources, compiled by the C++ compiler at hand."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from agnsim import _bundled
from agnsim.kernels.cuda import CudaEngine
from agnsim.kernels.cuda.arguments import THREADS, Argument, Kernel, pointers

COMPILER = shutil.which("g++") or shutil.which("clang++")
SHIM = Path(__file__).parent / "shim"


class CpuLauncher:
    """Runs kernels through `shim/cuda_on_cpu.hpp`, blocks one after the other, threads as fibers.

    Attributes:
        launched: Kernels that ran.
        descending: Whether a block's threads run from the last to the first between barriers.
        limit: Bytes of shared memory of a block.
    """

    def __init__(self, folder: Path) -> None:
        self.launched: list[Kernel] = []
        self.descending = False
        self.limit = 99 << 10  # of compute capability 8.6 and 8.9, the least
        self._folder = folder
        self._libraries: dict[Kernel, ctypes.CDLL] = {}

    def unavailable(self, device: torch.device) -> str | None:
        return None if device.type == "cpu" else "only on the CPU"

    def shared_limit(self, device: torch.device) -> int:
        return self.limit

    def launch(
        self, kernel: Kernel, device: torch.device, grid: int, shared: int, arguments: Sequence[Argument]
    ) -> None:
        assert 0 < grid < 1 << 31
        assert 0 <= shared <= self.limit
        if kernel not in self._libraries:
            self._libraries[kernel] = self._build(kernel)
        array, kept = pointers(arguments)
        self._libraries[kernel].shim_run(grid, THREADS, shared, self.descending, array)
        assert len(kept) == len(arguments)
        self.launched.append(kernel)

    def _build(self, kernel: Kernel) -> ctypes.CDLL:
        assert COMPILER is not None
        kernels = _bundled.folder("kernels")
        name = "-".join([kernel.name, *kernel.defines]).replace("=", "_")
        unit, library = self._folder / f"{name}.cpp", self._folder / f"{name}.so"
        unit.write_text(
            f'#include "cuda_on_cpu.hpp"\n#include "{kernels / kernel.source}"\nSHIM_ENTRY({kernel.name})\n'
        )
        options = ["-std=c++17", "-O1", "-shared", "-fPIC", "-w", f"-I{SHIM}", f"-I{kernels}"]
        options += [f"-D{define}" for define in kernel.defines]
        subprocess.run([COMPILER, *options, str(unit), "-o", str(library)], check=True)
        return ctypes.CDLL(str(library))


@pytest.fixture(scope="session")
def _launcher(tmp_path_factory: pytest.TempPathFactory) -> CpuLauncher:
    if COMPILER is None:
        pytest.skip("no C++ compiler (g++ or clang++) to run the kernels on the CPU with")
    return CpuLauncher(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def launcher(_launcher: CpuLauncher) -> CpuLauncher:
    """The launcher, with compiled kernels of earlier tests and nothing else."""
    _launcher.launched, _launcher.descending, _launcher.limit = [], False, 99 << 10
    return _launcher


@pytest.fixture
def engine(launcher: CpuLauncher) -> CudaEngine:
    """The engine, its kernels on the CPU."""
    return CudaEngine(launcher)


@pytest.fixture
def kernel_names(launcher: CpuLauncher) -> Callable[[], set[str]]:
    """Names of the kernels that ran, packing aside."""
    return lambda: {kernel.name for kernel in launcher.launched if not kernel.name.startswith("pack")}
