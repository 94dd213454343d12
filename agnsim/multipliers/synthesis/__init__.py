"""Synthesis and characterisation: Verilog or netlists onto cells, and what they cost there."""

from agnsim.multipliers.synthesis.synthesise import Synthesis, synthesise, synthesise_many
from agnsim.multipliers.synthesis.tools import unavailable
from agnsim.multipliers.synthesis.verilog_export import to_verilog
from agnsim.multipliers.synthesis.verilog_reader import VerilogCircuit, read_verilog

__all__ = [
    "Synthesis",
    "VerilogCircuit",
    "read_verilog",
    "synthesise",
    "synthesise_many",
    "to_verilog",
    "unavailable",
]
