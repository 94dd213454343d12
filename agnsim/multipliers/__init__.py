"""What a multiplier is: table, errors, cost, netlist, factors, families and libraries of circuits. NumPy only."""

from agnsim.multipliers.assignment import Assignment
from agnsim.multipliers.choice import Choice, choices
from agnsim.multipliers.cost import Cost, area_ratio, delay_ratio, energy_ratio
from agnsim.multipliers.encoding import Encoding
from agnsim.multipliers.factors import Factors, factorise
from agnsim.multipliers.libraries.card import Card
from agnsim.multipliers.libraries.collection import Library
from agnsim.multipliers.libraries.library import load_library, write_library
from agnsim.multipliers.libraries.verify import verify_library
from agnsim.multipliers.metrics import ErrorMetrics, error_metrics
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.netlist import Netlist

__all__ = [
    "Assignment",
    "Card",
    "Choice",
    "Cost",
    "Encoding",
    "ErrorMetrics",
    "Factors",
    "Library",
    "Multiplier",
    "Netlist",
    "area_ratio",
    "choices",
    "delay_ratio",
    "energy_ratio",
    "error_metrics",
    "factorise",
    "load_library",
    "verify_library",
    "write_library",
]
