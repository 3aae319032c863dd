"""dreamnet: the architecture of the bundled network, made for dreaming.

SqueezeNet's grid and fire modules (Iandola et al., 2016, arXiv:1602.07360), changed where it matters for gradients:

- the first kernel's size is a multiple of its stride (8x8, stride 2), so every pixel meets the same number of kernel
  positions and gradients carry no checkerboard;
- it is padded, so a picture's border dreams like its middle;
- deeper squeeze layers are wider, so more of what a layer saw reaches the next;
- every class gets a score at every position, and the scores are averaged, through a softplus where SqueezeNet has a
  ReLU: a class that the picture doesn't show yet still has a gradient;
- batch normalization follows every convolution but the last (and is folded away when a picture is made).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
            norm=nn.BatchNorm2d(outputs),
            relu=nn.ReLU(inplace=True),
        )
    )


class Fire(nn.Module):
    """A squeeze to few channels, then 1x1 and 3x3 expansions side by side.

    Maps ``(N, inputs, H, W)`` to ``(N, 2 * expand, H, W)``.
    """

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = _convolution(inputs, squeeze, 1)
        self.expand1x1 = _convolution(squeeze, expand, 1)
        self.expand3x3 = _convolution(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x)
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1)


class DreamNet(nn.Module):
    """The classifier: normalized RGB ``(N, 3, H, W)`` to ``(N, num_classes)`` logits.

    Takes any size from 16 x 16 pixels.
    """

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.stem = _convolution(3, 64, 8, stride=2, padding=3)
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.fire2 = Fire(64, 16, 64)
        self.fire3 = Fire(128, 16, 64)
        self.fire4 = Fire(128, 32, 128)
        self.pool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.fire5 = Fire(256, 64, 128)
        self.fire6 = Fire(256, 72, 192)
        self.fire7 = Fire(384, 72, 192)
        self.fire8 = Fire(384, 96, 256)
        self.pool8 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.fire9 = Fire(512, 192, 256)
        self.classes = nn.Conv2d(512, num_classes, 1)
        self.softplus = nn.Softplus()
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


def dreamnet(num_classes: int = 1000) -> DreamNet:
    """Build a dreamnet with random weights."""
    return DreamNet(num_classes)
