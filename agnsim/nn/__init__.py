"""Quantised, noisy and emulated layers, and the conversion of networks to them."""

from agnsim.nn.arithmetic import Arithmetic, Float, Quantized
from agnsim.nn.assign import assign
from agnsim.nn.convert import convert
from agnsim.nn.emulated import Emulated
from agnsim.nn.layers import ApproxConv2d, ApproxLayer, ApproxLinear, approx_layers
from agnsim.nn.modes import evaluating, restore_quantized, set_arithmetic, set_gradient
from agnsim.nn.noisy import Noisy
from agnsim.nn.operands import sample_operands
from agnsim.nn.rebuild import describe, rebuild
from agnsim.nn.shapes import layer_shapes

__all__ = [
    "ApproxConv2d",
    "ApproxLayer",
    "ApproxLinear",
    "Arithmetic",
    "Emulated",
    "Float",
    "Noisy",
    "Quantized",
    "approx_layers",
    "assign",
    "convert",
    "describe",
    "evaluating",
    "layer_shapes",
    "rebuild",
    "restore_quantized",
    "sample_operands",
    "set_arithmetic",
    "set_gradient",
]
