"""Reader of C sources that describe multipliers gate by gate, by symbolic evaluation: every C value is a row of wires.

Only a subset of C is read: integers, arrays, calls, loops and conditions that constants decide. Anything else is an
error with file, line and reason.
"""

from agnsim.multipliers.importers.c_source.netlists import c_netlist, read_c_functions
from agnsim.multipliers.importers.c_source.program import CFunction, CParameter
from agnsim.multipliers.importers.failure import SourceError

__all__ = ["CFunction", "CParameter", "SourceError", "c_netlist", "read_c_functions"]
