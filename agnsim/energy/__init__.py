"""Energy figures of a network under an assignment of multipliers."""

from agnsim.energy.multiplier_energy import multiplier_energy

__all__ = ["multiplier_energy"]
