"""Compiled loops that handle every element once: codes to planes and back, quantisation, requantisation."""
