"""Every product of a netlist at compiled speed: tables of up to 2**24 entries, errors of up to 2**32 products.

One value of the first operand at a time: the netlist is folded for it, which halves its gates, and evaluated for all
values of the second operand, 4096 in a block.
"""

from agnsim.multipliers.netlists.exhaustive.rows import MIN_BITS_B, equals_factors, exhaustive_metrics, exhaustive_table

__all__ = ["MIN_BITS_B", "equals_factors", "exhaustive_metrics", "exhaustive_table"]
