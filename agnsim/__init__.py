"""Which approximate multipliers, in which layers of a PyTorch network, and what they cost in accuracy.

The names below are imported on first use: `import agnsim` costs milliseconds and does not load PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agnsim import kernels as kernels
    from agnsim.errors import AgnsimError as AgnsimError
    from agnsim.multipliers import Assignment as Assignment
    from agnsim.multipliers import Choice as Choice
    from agnsim.multipliers import Encoding as Encoding
    from agnsim.multipliers import Library as Library
    from agnsim.multipliers import Multiplier as Multiplier
    from agnsim.multipliers import load_library as load_library
    from agnsim.nn.convert import convert as convert
    from agnsim.nn.deploy import deploy as deploy
    from agnsim.quantization import Quantization as Quantization

    __version__: str

_HOME = {
    "AgnsimError": "agnsim.errors",
    "Assignment": "agnsim.multipliers",
    "Choice": "agnsim.multipliers",
    "Encoding": "agnsim.multipliers",
    "Library": "agnsim.multipliers",
    "Multiplier": "agnsim.multipliers",
    "Quantization": "agnsim.quantization",
    "convert": "agnsim.nn",
    "deploy": "agnsim.nn.deploy",
    "load_library": "agnsim.multipliers",
}
_SUBMODULES = ("kernels",)

__all__ = [
    "AgnsimError",
    "Assignment",
    "Choice",
    "Encoding",
    "Library",
    "Multiplier",
    "Quantization",
    "__version__",
    "convert",
    "deploy",
    "kernels",
    "load_library",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name in _SUBMODULES:
        return importlib.import_module(f"agnsim.{name}")
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name == "__version__":
        value = _version()
    else:
        raise AttributeError(f"module 'agnsim' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("agnsim")
    except PackageNotFoundError:  # the source tree on sys.path without an installation
        return "0+unknown"
