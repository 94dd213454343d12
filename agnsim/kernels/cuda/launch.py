"""Kernels on a GPU: loaded once per device, launched on PyTorch's current stream."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from agnsim.errors import EngineUnavailable
from agnsim.kernels.cuda.arguments import THREADS, Argument, Kernel, pointers
from agnsim.kernels.cuda.compile import OLDEST, compiled, nvrtc, target

_WITHOUT_ASKING = 48 << 10  # bytes of shared memory that a launch gets without raising the function's limit


class Launcher(Protocol):
    """What runs kernels. The driver's is `DriverLauncher`; tests run the same sources on a CPU."""

    def unavailable(self, device: torch.device) -> str | None:
        """Say why no kernel can run on the device, or `None`."""
        ...

    def shared_limit(self, device: torch.device) -> int:
        """Return the most bytes of shared memory that a block can ask for."""
        ...

    def launch(
        self, kernel: Kernel, device: torch.device, grid: int, shared: int, arguments: Sequence[Argument]
    ) -> None:
        """Start the kernel, `grid` blocks of `THREADS` threads with `shared` bytes of shared memory each.

        Raises:
            EngineUnavailable: It can't be compiled, loaded or started.
        """
        ...


class DriverLauncher:
    """Launches through the CUDA driver, in the primary context that PyTorch uses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[int, Any] = {}
        self._functions: dict[tuple[int, Kernel], Any] = {}
        self._granted: dict[tuple[int, Kernel], int] = {}

    def unavailable(self, device: torch.device) -> str | None:
        """See `Launcher.unavailable`."""
        if device.type != "cuda":
            return f"it runs on CUDA devices, the operands are on {device}"
        if torch.version.hip is not None:
            return "this PyTorch is a ROCm build; the kernels are for NVIDIA GPUs"
        if not torch.cuda.is_available():
            return "PyTorch finds no CUDA device"
        major, minor = torch.cuda.get_device_capability(device)
        if major * 10 + minor < OLDEST:
            return f"compute capability {major}.{minor} is below {OLDEST // 10}.{OLDEST % 10}"
        try:
            nvrtc()
        except EngineUnavailable as refusal:
            return str(refusal)
        return None

    def shared_limit(self, device: torch.device) -> int:
        """See `Launcher.shared_limit`."""
        from cuda.bindings import driver

        index = torch.cuda.current_device() if device.index is None else device.index
        attribute = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        with self._lock:
            self._context(driver, index)  # initialises the driver
            return int(_check(driver.cuDeviceGetAttribute(attribute, _check(driver.cuDeviceGet(index)))))

    def launch(
        self, kernel: Kernel, device: torch.device, grid: int, shared: int, arguments: Sequence[Argument]
    ) -> None:
        """See `Launcher.launch`."""
        from cuda.bindings import driver

        index = torch.cuda.current_device() if device.index is None else device.index
        stream = torch.cuda.current_stream(index).cuda_stream
        array, kept = pointers(arguments)
        with self._lock:
            # A thread that has not used PyTorch on this device yet has another context current, or none.
            _check(driver.cuCtxPushCurrent(self._context(driver, index)))
            try:
                function = self._function(driver, index, kernel)
                if shared > self._granted.get((index, kernel), _WITHOUT_ASKING):
                    attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
                    _check(driver.cuFuncSetAttribute(function, attribute, shared))
                    self._granted[index, kernel] = shared
                sizes = (grid, 1, 1, THREADS, 1, 1, shared)
                _check(driver.cuLaunchKernel(function, *sizes, stream, ctypes.addressof(array), 0))
            finally:
                driver.cuCtxPopCurrent()
        del kept

    def _context(self, driver: Any, index: int) -> Any:
        if index not in self._contexts:
            _check(driver.cuInit(0))
            handle = _check(driver.cuDeviceGet(index))
            self._contexts[index] = _check(driver.cuDevicePrimaryCtxRetain(handle))
        return self._contexts[index]

    def _function(self, driver: Any, index: int, kernel: Kernel) -> Any:
        if (index, kernel) not in self._functions:
            code = compiled(kernel, target(torch.cuda.get_device_capability(index)))
            module = _check(driver.cuModuleLoadData(code))
            self._functions[index, kernel] = _check(driver.cuModuleGetFunction(module, kernel.name.encode()))
        return self._functions[index, kernel]


def _check(answer: tuple[Any, ...]) -> Any:
    status, *values = answer
    if status.value != 0:
        raise EngineUnavailable(f"the CUDA driver answers {status.name}")
    return values[0] if values else None
