"""LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition"), with ReLU, max pooling."""

from __future__ import annotations

from torch import Tensor, nn


class LeNet5(nn.Module):
    """Two convolutions and three linear layers on 32 x 32 images; any other size is scaled to that first.

    Scaling is by the nearest pixel, so that it invents no values, and does nothing to a 32 x 32 image.

    Args:
        num_classes: Outputs.
        in_channels: Channels of the input `[N, in_channels, H, W]`.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.resize = nn.Upsample(size=(32, 32), mode="nearest")
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.linear1 = nn.Linear(16 * 5 * 5, 120)
        self.relu3 = nn.ReLU()
        self.linear2 = nn.Linear(120, 84)
        self.relu4 = nn.ReLU()
        self.linear3 = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits float `[N, num_classes]`."""
        x = self.pool1(self.relu1(self.conv1(self.resize(x))))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu4(self.linear2(self.relu3(self.linear1(self.flatten(x)))))
        logits: Tensor = self.linear3(x)
        return logits


def lenet5(num_classes: int = 10, in_channels: int = 1) -> LeNet5:
    """LeNet-5 with ReLU and max pooling; images are scaled to 32 x 32."""
    return LeNet5(num_classes, in_channels)
