"""VGG with batch norm for small images (Simonyan, Zisserman 2014): the published features and one linear layer."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

# Convolutions per stage; a stage ends with a pooling. Configurations A, B, D and E of the paper's table 1.
_STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_FACTORS = (1, 2, 4, 8, 8)


class Vgg(nn.Module):
    """3 x 3 convolutions with batch norm in five stages, global average, one linear layer.

    Args:
        depth: 11, 13, 16 or 19, counted as in the paper (with its three linear layers).
        num_classes: Outputs.
        in_channels: Channels of the input `[N, in_channels, H, W]`; any H and W.
        width: Channels of the first stage; the others have 2, 4, 8 and 8 times as many.
    """

    def __init__(self, depth: int, num_classes: int = 10, in_channels: int = 3, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for convolutions, factor in zip(_STAGES[depth], _FACTORS, strict=True):
            for _ in range(convolutions):
                convolution = nn.Conv2d(channels, factor * width, 3, padding=1)
                nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
                channels = factor * width
                layers += [convolution, nn.BatchNorm2d(channels), nn.ReLU()]
            # Rounding up keeps one pixel where an image is smaller than 32 x 32; for 32 x 32 it changes nothing.
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits float `[N, num_classes]`."""
        logits: Tensor = self.classifier(self.flatten(self.pool(self.features(x))))
        return logits


def vgg_bn(depth: int) -> Callable[..., Vgg]:
    """Return the constructor of the VGG of that depth (11, 13, 16, 19)."""

    def build(num_classes: int = 10, in_channels: int = 3, width: int = 64) -> Vgg:
        return Vgg(depth, num_classes, in_channels, width)

    return build
