"""Several networks that look at one image together."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .activations import Activations


class JointActivations:
    """The activations of several networks for one image: an ensemble, as far as the engine knows.

    Every network is fed the image in its own format, and all of them are part of one graph.

    Args:
        parts: each network's activations, by the prefix that its layers' names get, such as ``NETWORK/``.
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
