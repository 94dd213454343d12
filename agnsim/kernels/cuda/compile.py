"""Kernel sources to machine code through NVRTC, for a given architecture; no GPU and no CUDA toolkit needed.

`cuda.bindings` and the NVRTC library come with PyTorch's CUDA builds. Sources name no header outside `kernels/`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from agnsim import _bundled
from agnsim.errors import EngineUnavailable
from agnsim.kernels.cuda.arguments import Kernel

OLDEST = 80
"""Smallest compute capability, times ten: `mma.sync` with bfloat16 and 8-bit integers."""


def nvrtc() -> ModuleType:
    """Return the bindings of NVRTC, checked to find their library.

    Raises:
        EngineUnavailable: They are not installed, or the library is not.
    """
    try:
        from cuda.bindings import nvrtc as bindings

        _checked(bindings, bindings.nvrtcVersion())
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineUnavailable(
            f"NVRTC can't be loaded ({type(error).__name__}: {str(error).splitlines()[0]}); it comes with PyTorch's "
            "CUDA builds, or pip install cuda-bindings nvidia-cuda-nvrtc"
        ) from None
    return cast(ModuleType, bindings)


def target(capability: tuple[int, int]) -> str:
    """Return the architecture to compile for: `sm_XX`, or `compute_XX` (PTX) for a GPU newer than NVRTC.

    Raises:
        EngineUnavailable: The GPU is too old, or NVRTC knows none that it is compatible with.
    """
    wanted = capability[0] * 10 + capability[1]
    bindings = nvrtc()
    known = list(_checked(bindings, bindings.nvrtcGetSupportedArchs()))
    if wanted in known and wanted >= OLDEST:
        return f"sm_{wanted}"
    older = [arch for arch in known if OLDEST <= arch < wanted]
    if wanted < OLDEST or not older:
        raise EngineUnavailable(f"NVRTC compiles for {known}, not for compute capability {wanted / 10}")
    return f"compute_{max(older)}"


def compiled(kernel: Kernel, architecture: str) -> bytes:
    """Return the kernel's cubin (`sm_XX`) or PTX (`compute_XX`), from the user's cache folder where it is there.

    Raises:
        EngineUnavailable: NVRTC is missing, or refuses the source; the message ends with its log.
    """
    bindings = nvrtc()
    folder = _bundled.folder("kernels")
    source = (folder / kernel.source).read_bytes()
    headers = {f"common/{path.name}": path.read_bytes() for path in sorted((folder / "common").glob("*.cuh"))}
    options = [f"--gpu-architecture={architecture}", "--std=c++17", *(f"-D{define}" for define in kernel.defines)]
    version = _checked(bindings, bindings.nvrtcVersion())
    key = hashlib.sha256()
    for part in (source, *(item for header in headers.items() for item in header), *options, version):
        encoded = part if isinstance(part, bytes) else str(part).encode()
        key.update(len(encoded).to_bytes(8, "little") + encoded)
    cached = cache_folder() / f"{kernel.name}-{architecture}-{key.hexdigest()}"
    try:
        return cached.read_bytes()
    except OSError:
        code = _compile(bindings, kernel, source, headers, options)
    _keep(cached, code)
    return code


def cache_folder() -> Path:
    """Return where machine code is kept: `$XDG_CACHE_HOME/agnsim/cuda`, by default under `~/.cache`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if os.path.isabs(root) else Path("~/.cache").expanduser()) / "agnsim" / "cuda"


def _compile(
    bindings: ModuleType, kernel: Kernel, source: bytes, headers: dict[str, bytes], options: list[str]
) -> bytes:
    names = [name.encode() for name in headers]
    program = _checked(
        bindings,
        bindings.nvrtcCreateProgram(source, kernel.source.encode(), len(names), list(headers.values()), names),
    )
    try:
        (status,) = bindings.nvrtcCompileProgram(program, len(options), [option.encode() for option in options])
        if status != bindings.nvrtcResult.NVRTC_SUCCESS:
            log = b" " * _checked(bindings, bindings.nvrtcGetProgramLogSize(program))
            bindings.nvrtcGetProgramLog(program, log)
            raise EngineUnavailable(
                f"NVRTC refuses {kernel.source} with {' '.join(options)}: {status.name}\n"
                + log.rstrip(b"\0 \n").decode(errors="replace")
            )
        what = "PTX" if "=compute_" in options[0] else "CUBIN"
        code: bytes = b" " * _checked(bindings, getattr(bindings, f"nvrtcGet{what}Size")(program))
        _checked(bindings, getattr(bindings, f"nvrtcGet{what}")(program, code))
        return code
    finally:
        bindings.nvrtcDestroyProgram(program)


def _checked(bindings: ModuleType, answer: tuple[Any, ...]) -> Any:
    status, *values = answer
    if status != bindings.nvrtcResult.NVRTC_SUCCESS:
        raise EngineUnavailable(f"NVRTC failed: {status.name}")
    return values[0] if len(values) == 1 else tuple(values)


def _keep(path: Path, code: bytes) -> None:
    """Write under a temporary name and rename, so that no process ever reads half a file; no folder, no cache."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            written = Path(folder) / path.name
            written.write_bytes(code)
            os.replace(written, path)
    except OSError:
        return
