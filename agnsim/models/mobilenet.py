"""MobileNetV2 for 32 x 32 images (Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018)."""

from __future__ import annotations

from torch import Tensor, nn

# Expansion, output channels, blocks, stride of the first block: table 2 of the paper. The stem and the second
# stage keep the resolution, which the paper halves: a CIFAR image would be down to one pixel.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """Expand by 1 x 1, convolve each channel by 3 x 3, project by 1 x 1 without an activation.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Of the depthwise convolution.
        expansion: Hidden channels per input channel; 1 has no expanding convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.is_residual = stride == 1 and in_channels == out_channels
        self.expand = _conv_bn(in_channels, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _conv_bn(hidden, hidden, 3, stride=stride, groups=hidden)
        self.project = nn.Sequential(nn.Conv2d(hidden, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return `[N, out_channels, ceil(H / stride), ceil(W / stride)]`."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


class MobileNetV2(nn.Module):
    """Seven stages of inverted residuals between a 3 x 3 stem and a 1 x 1 head.

    Args:
        num_classes: Outputs.
        in_channels: Channels of the input `[N, in_channels, H, W]`; any H and W.
        width_multiplier: Scales every channel count (to a multiple of 8), as in the paper.
        dropout: Probability before the last linear layer.
    """

    def __init__(
        self, num_classes: int = 10, in_channels: int = 3, width_multiplier: float = 1.0, dropout: float = 0.2
    ) -> None:
        super().__init__()
        channels = _scaled(32, width_multiplier)
        self.stem = _conv_bn(in_channels, channels, 3)
        blocks: list[nn.Module] = []
        for expansion, base, count, first_stride in _STAGES:
            out_channels = _scaled(base, width_multiplier)
            for index in range(count):
                blocks.append(InvertedResidual(channels, out_channels, first_stride if index == 0 else 1, expansion))
                channels = out_channels
        self.blocks = nn.Sequential(*blocks)
        last = _scaled(1280, max(1.0, width_multiplier))
        self.head = _conv_bn(channels, last, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(last, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        """Return logits float `[N, num_classes]`."""
        x = self.head(self.blocks(self.stem(x)))
        logits: Tensor = self.classifier(self.dropout(self.flatten(self.pool(x))))
        return logits


def _conv_bn(in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(
        in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU6())


def _scaled(channels: int, factor: float) -> int:
    """Return the nearest multiple of 8 that takes away at most a tenth, as the authors do."""
    nearest = max(8, int(channels * factor + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels * factor else nearest


def mobilenet_v2(
    num_classes: int = 10, in_channels: int = 3, width_multiplier: float = 1.0, dropout: float = 0.2
) -> MobileNetV2:
    """MobileNetV2 for 32 x 32 images; `width_multiplier` scales the channels."""
    return MobileNetV2(num_classes, in_channels, width_multiplier, dropout)
