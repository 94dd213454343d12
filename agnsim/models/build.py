"""Networks by name: agnsim's own, torchvision's, and the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from agnsim.errors import InputError, UnknownName, did_you_mean
from agnsim.foreign import call, import_callable, import_optional
from agnsim.models.lenet import lenet5
from agnsim.models.mobilenet import mobilenet_v2
from agnsim.models.resnet import cifar_resnet
from agnsim.models.vgg import vgg_bn
from agnsim.registry import Registry

models: Registry[Callable[..., nn.Module]] = Registry("model")
models.add("lenet5", lenet5)
for _depth in (8, 14, 20, 32, 44, 56):
    models.add(f"resnet{_depth}", cifar_resnet(_depth), f"CIFAR ResNet-{_depth} with option-A shortcuts.")
for _depth in (11, 13, 16, 19):
    models.add(f"vgg{_depth}_bn", vgg_bn(_depth), f"VGG-{_depth} with batch norm for small images.")
models.add("mobilenet_v2", mobilenet_v2)

_TORCHVISION = "torchvision:"


def build_model(name: str, *, num_classes: int = 10, in_channels: int = 3, **options: Any) -> nn.Module:
    """Return a freshly initialised network.

    Args:
        name: A name of the registry `models`; `torchvision:NAME` (untrained unless `weights` is among the options;
            three input channels); or `module:callable`, which returns a network and is given those of
            `num_classes` and `in_channels` that it takes.
        num_classes: Outputs.
        in_channels: Channels of the images.
        **options: Further keywords of that network (`width` of a ResNet, say).

    Raises:
        UnknownName: No such network, module or attribute.
        MissingDependency: torchvision, or something that the user's module imports, is not there.
        InputError: An option is unknown or wrong, or the callable does not return a `torch.nn.Module`.
    """
    for key, value in (("num_classes", num_classes), ("in_channels", in_channels), *options.items()):
        if key in ("num_classes", "in_channels", "width") and not (isinstance(value, int) and value >= 1):
            raise InputError(f"model {name!r}: {key} is {value!r}; it must be a positive integer")
    place = f"model {name!r}"
    if name.startswith(_TORCHVISION):
        return _torchvision_model(name.removeprefix(_TORCHVISION), num_classes, in_channels, options)
    sizes = {"num_classes": num_classes, "in_channels": in_channels}
    if ":" in name:
        model = call(import_callable(name), place, options, sizes)
    elif name in models:
        model = call(models[name], place, sizes | options)
    else:
        raise UnknownName(
            f"unknown model {name!r}.{did_you_mean(name, models)} "
            "Also allowed: 'torchvision:NAME' and your own 'module:callable'."
        )
    if not isinstance(model, nn.Module):
        raise InputError(f"{place} returned a {type(model).__name__}; it must return a torch.nn.Module")
    return model


def _torchvision_model(name: str, num_classes: int, in_channels: int, options: dict[str, Any]) -> nn.Module:
    place = f"model '{_TORCHVISION}{name}'"
    zoo = import_optional("torchvision.models", place)
    known = zoo.list_models(module=zoo)
    if name not in known:
        raise UnknownName(f"{place}: torchvision has no such model.{did_you_mean(name, known)}")
    if in_channels != 3:
        raise InputError(f"{place} takes images of 3 channels, these have {in_channels}")

    def build(**keywords: Any) -> Any:
        return zoo.get_model(name, **keywords)

    model: nn.Module = call(build, place, {"weights": None, "num_classes": num_classes} | options)
    return model
