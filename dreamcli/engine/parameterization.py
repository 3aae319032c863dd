"""What is climbed: the tensors behind an image."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Parameterization(ABC):
    """Owns the leaf tensors that are climbed, and renders them to an image."""

    leaves: list[Tensor]

    @abstractmethod
    def render(self) -> Tensor:
        """The image, ``(N, 3, H, W)`` in [0, 1]; gradients flow back to the leaves."""

    @abstractmethod
    def project(self) -> None:
        """Bring the leaves back to where they render to a valid image; called after every step."""


class Pixels(Parameterization):
    """The image itself.

    Args:
        image: ``(N, 3, H, W)`` in [0, 1]; copied.
    """

    def __init__(self, image: Tensor) -> None:
        leaf = image.detach().clone(memory_format=torch.channels_last)
        self.leaves = [leaf.requires_grad_()]

    def render(self) -> Tensor:
        return self.leaves[0]

    def project(self) -> None:
        # clipped after the step and not inside render(), where clipped pixels would get no gradient
        with torch.no_grad():
            self.leaves[0].clamp_(0, 1)
