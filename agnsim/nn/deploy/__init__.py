"""The deployed network: integers from the image to the logits, the same on every platform."""

from agnsim.nn.deploy.accumulator import Accumulator, SumRecord
from agnsim.nn.deploy.build import deploy
from agnsim.nn.deploy.compare import LayerDifference, compare_deployed
from agnsim.nn.deploy.network import DeployedNetwork

__all__ = ["Accumulator", "DeployedNetwork", "LayerDifference", "SumRecord", "compare_deployed", "deploy"]
