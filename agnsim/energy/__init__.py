"""Energy figures of a network under an assignment of multipliers."""

from agnsim.energy.multiplier_energy import multiplier_energy
from agnsim.energy.pe_energy import MacRatio, mac_energy_ratio, narrow_mac_ratio, pe_energy

__all__ = ["MacRatio", "mac_energy_ratio", "multiplier_energy", "narrow_mac_ratio", "pe_energy"]
