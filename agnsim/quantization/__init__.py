"""Uniform quantisers of 2 to 8 bits: formats, calibration, straight-through gradients."""

from agnsim.quantization.calibration import Calibrator
from agnsim.quantization.quantizer import Quantizer
from agnsim.quantization.spec import Quantization, QuantizerSpec

__all__ = ["Calibrator", "Quantization", "Quantizer", "QuantizerSpec"]
