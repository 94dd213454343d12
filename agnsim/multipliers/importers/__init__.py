"""Readers of circuits that others publish. Nothing they read is compiled or executed."""

from agnsim.multipliers.importers.failure import Failure
from agnsim.multipliers.importers.importer import ImportOptions
from agnsim.multipliers.importers.run import ImportResult, import_circuits

__all__ = ["Failure", "ImportOptions", "ImportResult", "import_circuits"]
