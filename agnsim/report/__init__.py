"""Records in, one self-contained HTML file or Markdown table out. Nothing here imports torch."""

from agnsim.report.page import write_report
from agnsim.report.record import Record, load_record
from agnsim.report.results_table import results_table

__all__ = ["Record", "load_record", "results_table", "write_report"]
