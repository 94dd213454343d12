"""Records in, one self-contained HTML file out. Nothing here imports torch."""

from agnsim.report.page import write_report
from agnsim.report.record import Record, load_record

__all__ = ["Record", "load_record", "write_report"]
