"""The activations of several networks for one image."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .activations import Activations


class JointActivations:
    """Called with an image, runs it through several networks, so that one backward pass goes through all of them.

    Each network gets the image in its own input format.

    Args:
        parts: each network's activations, by the prefix for its layers' names, such as ``NETWORK/``.
    """

    def __init__(self, parts: Mapping[str, Activations]) -> None:
        self.parts = dict(parts)
        self.compute = next(iter(self.parts.values())).compute

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Return ``{prefix + layer: activation}``; see `Activations`."""
        return {
            prefix + layer: activation
            for prefix, part in self.parts.items()
            for layer, activation in part(image).items()
        }


AnyActivations = Activations | JointActivations
