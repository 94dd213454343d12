"""The importers, in the order in which they are asked; of two files of one circuit the first one's is kept."""

from __future__ import annotations

from pathlib import Path

from agnsim.multipliers.importers import (
    binary_table,
    c_circuit,
    c_table,
    library_folder,
    numpy_table,
    text_table,
    verilog,
)
from agnsim.multipliers.importers.importer import Importer

IMPORTERS: tuple[Importer, ...] = (
    library_folder.IMPORTER,
    c_circuit.IMPORTER,
    verilog.IMPORTER,
    numpy_table.NPZ,
    numpy_table.NPY,
    c_table.IMPORTER,
    binary_table.IMPORTER,
    text_table.IMPORTER,
)


def importer_of(path: Path) -> Importer | None:
    """Return the importer that recognises a file, or `None`."""
    return next((importer for importer in IMPORTERS if importer.recognises(path)), None)
