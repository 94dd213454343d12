"""Networks: by name, with given weights."""

from agnsim.models.build import build_model as build_model
from agnsim.models.build import models as models
from agnsim.models.lenet import LeNet5 as LeNet5
from agnsim.models.mobilenet import InvertedResidual as InvertedResidual
from agnsim.models.mobilenet import MobileNetV2 as MobileNetV2
from agnsim.models.resnet import BasicBlock as BasicBlock
from agnsim.models.resnet import CifarResNet as CifarResNet
from agnsim.models.resnet import PaddedShortcut as PaddedShortcut
from agnsim.models.vgg import Vgg as Vgg
from agnsim.models.weights import load_weights as load_weights
from agnsim.models.weights import save_tensors as save_tensors
from agnsim.models.weights import save_weights as save_weights

__all__ = [
    "BasicBlock",
    "CifarResNet",
    "InvertedResidual",
    "LeNet5",
    "MobileNetV2",
    "PaddedShortcut",
    "Vgg",
    "build_model",
    "load_weights",
    "models",
    "save_tensors",
    "save_weights",
]
