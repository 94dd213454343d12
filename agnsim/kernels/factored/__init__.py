"""Tables of small integer rank as ordinary convolutions and matrix products, exactly."""

from agnsim.kernels.factored.engine import FactoredEngine

__all__ = ["FactoredEngine"]
