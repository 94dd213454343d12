"""How fast emulation is on this machine, beside PyTorch's own layers: `agnsim bench`."""

from agnsim.bench.benchmark import run
from agnsim.bench.context import suites
from agnsim.bench.document import read_document, write_document
from agnsim.bench.tables import markdown, tables

__all__ = ["markdown", "read_document", "run", "suites", "tables", "write_document"]
