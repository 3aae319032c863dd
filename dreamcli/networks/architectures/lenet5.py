"""LeNet-5, the convolutional network that every course starts with.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998. It differs from the
paper in three ways: C3 is connected to all six maps of S2 (the paper omits most of these connections), S2 and S4 are
plain averages (the paper's have a weight and a bias for each map, and a tanh), and the output is linear (the paper's
is radial).
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

SIZE = 32  # pixels


class LeNet5(nn.Module):
    """Classifies digits: normalized ``(N, 3, 32, 32)``, of which only brightness counts, to ``(N, num_classes)``."""

    image_size = SIZE
    is_grey = True

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(1, 6, 5),
                tanh1=nn.Tanh(),
                s2=nn.AvgPool2d(2),
                c3=nn.Conv2d(6, 16, 5),
                tanh3=nn.Tanh(),
                s4=nn.AvgPool2d(2),
                c5=nn.Conv2d(16, 120, 5),
                tanh5=nn.Tanh(),
            )
        )
        self.flatten = nn.Flatten()
        self.f6 = nn.Linear(120, 84)
        self.tanh6 = nn.Tanh()
        self.output = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maps(x.mean(1, keepdim=True))
        logits: Tensor = self.output(self.tanh6(self.f6(self.flatten(x))))
        return logits


def lenet5(num_classes: int = 10) -> LeNet5:
    """Build a LeNet-5 with random weights."""
    return LeNet5(num_classes)
