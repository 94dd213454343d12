"""The layers a converted network multiplies in: PyTorch's own, with quantisers and one arithmetic object."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from agnsim.errors import ConversionError, InputError
from agnsim.nn.arithmetic import Arithmetic, Quantized
from agnsim.nn.operation import ConvOperation, LinearOperation, Operation, conv_padding
from agnsim.quantization import Quantizer, QuantizerSpec
from agnsim.quantization.versioned import Versioned

Formats = tuple[QuantizerSpec, QuantizerSpec]


class ApproxLayer(nn.Module):
    """What both layers share. Made from a float layer by `from_float`, which keeps its parameters.

    Attributes:
        arithmetic: What the layer computes with; set it to change that. Quantised at first.
        activation_quantizer: Quantiser of the input, per tensor.
        weight_quantizer: Quantiser of the weight.
        assignable: Whether a multiplier may be assigned; False for layers kept exact.
        label: Qualified name, for messages.
        weight_codes: Weight codes kept during evaluation.
    """

    weight: Tensor
    bias: Tensor | None
    arithmetic: Arithmetic
    activation_quantizer: Quantizer
    weight_quantizer: Quantizer
    assignable: bool
    label: str
    weight_codes: Versioned[Tensor | None]

    @property
    def operation(self) -> Operation:
        """The exact operation on real or integer operands."""
        raise NotImplementedError

    def new_quantizers(self, activation: QuantizerSpec, weight: QuantizerSpec) -> tuple[Quantizer, Quantizer]:
        """Return uncalibrated quantisers of these formats for this layer's input and weight, not yet installed.

        Raises:
            InputError: The activations' format is per channel.
        """
        if activation.per_channel:
            raise InputError(f"layer {self.label!r}: activations are quantised per tensor, not per channel")
        made = (
            Quantizer(activation, label=f"layer {self.label!r}, activation"),
            Quantizer(weight, self.weight.shape[0], label=f"layer {self.label!r}, weight"),
        )
        return made[0].to(self.weight.device), made[1].to(self.weight.device)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "arithmetic":
            value.to(self.weight.device)
            value.bind(self)
            value.train(self.training)
        super().__setattr__(name, value)

    def _adopt(self, module: nn.Conv2d | nn.Linear, formats: Formats, label: str) -> None:
        self.weight, self.bias = module.weight, module.bias
        self.label = label
        self.assignable = True
        self.weight_codes = Versioned()
        self.activation_quantizer, self.weight_quantizer = self.new_quantizers(*formats)
        self.train(module.training)
        self.arithmetic = Quantized()


class ApproxConv2d(ApproxLayer, nn.Conv2d):
    """2-D convolution on quantised operands: any stride, padding, dilation and groups; zeros padding only."""

    @classmethod
    def from_float(cls, module: nn.Conv2d, formats: Formats, *, label: str = "") -> Self:
        """Return the layer with the parameters of `module`, its quantisers uncalibrated.

        Args:
            module: A convolution; its parameters are shared, not copied.
            formats: Of the input, per tensor, and of the weight.
            label: Qualified name, for messages.

        Raises:
            ConversionError: The padding mode is not zeros, or the weight is parametrised, computed by a hook, not
                initialised, or of half precision.
        """
        _check_convertible(module, label)
        if module.padding_mode != "zeros":
            raise ConversionError(
                f"layer {label!r}: padding_mode {module.padding_mode!r} cannot be emulated, only 'zeros'; pad in "
                "a module of its own (nn.ReflectionPad2d and the like), or exclude the layer."
            )
        layer = cls(
            module.in_channels,
            module.out_channels,
            module.kernel_size,  # type: ignore[arg-type]
            module.stride,  # type: ignore[arg-type]
            module.padding,  # type: ignore[arg-type]
            module.dilation,  # type: ignore[arg-type]
            module.groups,
            module.bias is not None,
            device="meta",
        )
        layer._adopt(module, formats, label)
        return layer

    @property
    def operation(self) -> Operation:
        """The exact convolution."""
        padding = conv_padding(self.padding, self.kernel_size, self.dilation)
        return ConvOperation(
            (self.stride[0], self.stride[1]), padding, (self.dilation[0], self.dilation[1]), self.groups
        )

    def forward(self, input: Tensor) -> Tensor:
        """Convolve.

        Args:
            input: Real-valued `[N, C, H, W]` or `[C, H, W]`.

        Returns:
            Real-valued output of the same rank.
        """
        if input.dim() == 3:
            unbatched: Tensor = self.arithmetic(self, input.unsqueeze(0)).squeeze(0)
            return unbatched
        output: Tensor = self.arithmetic(self, input)
        return output


class ApproxLinear(ApproxLayer, nn.Linear):  # type: ignore[misc]  # nn.Linear leaves `bias` without None
    """Linear layer on quantised operands; inputs of any rank."""

    @classmethod
    def from_float(cls, module: nn.Linear, formats: Formats, *, label: str = "") -> Self:
        """Return the layer with the parameters of `module`; arguments as for `ApproxConv2d.from_float`.

        Raises:
            ConversionError: The weight is parametrised, computed by a hook, not initialised, or of half precision.
        """
        _check_convertible(module, label)
        layer = cls(module.in_features, module.out_features, module.bias is not None, device="meta")
        layer._adopt(module, formats, label)
        return layer

    @property
    def operation(self) -> Operation:
        """The exact linear operation."""
        return LinearOperation()

    def forward(self, input: Tensor) -> Tensor:
        """Multiply by the weight.

        Args:
            input: Real-valued `[..., in_features]`.

        Returns:
            Real-valued `[..., out_features]`.
        """
        output: Tensor = self.arithmetic(self, input)
        return output


def _check_convertible(module: nn.Module, label: str) -> None:
    if is_parametrized(module):
        raise ConversionError(
            f"layer {label!r}: its parameters are parametrised (weight norm, pruning mask ...), which the conversion "
            "would freeze; remove the parametrisation first (torch.nn.utils.parametrize.remove_parametrizations)."
        )
    weight = module._parameters.get("weight")
    if weight is None:
        raise ConversionError(
            f"layer {label!r}: its weight is computed by a hook (weight norm, spectral norm, pruning mask), which the "
            "conversion would freeze; remove the hook first (torch.nn.utils.remove_spectral_norm, prune.remove ...)."
        )
    if is_lazy(weight):
        raise ConversionError(f"layer {label!r}: its size is not known yet; run the model once on a batch first.")
    if weight.dtype not in (torch.float32, torch.float64):
        raise ConversionError(
            f"layer {label!r}: its weight is {weight.dtype}, which does not hold sums of products; convert a float32 "
            "model (model.float())."
        )


def approx_layers(model: nn.Module) -> dict[str, ApproxLayer]:
    """Return the emulated layers by qualified name, in the order of `named_modules`; a shared layer once."""
    return {name: module for name, module in model.named_modules() if isinstance(module, ApproxLayer)}
