"""Class portraits: climb the score of a class until the picture shows it.

Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2013 (arXiv:1312.6034): the gradient of
the logit (not of the softmax, which would rather push the other classes down) is followed back to the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dreamcli.errors import check

from .visualization import Visualization, Wish, visualize

if TYPE_CHECKING:
    from dreamcli.engine.activations import Captured
    from dreamcli.engine.compute import Compute
    from dreamcli.engine.objectives import Objective
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, Inputs, OnStep


@dataclass(frozen=True, kw_only=True)
class PortraitSettings(Visualization):
    """How to draw a class.

    Attributes:
        classes: the classes' indices: one, or several that the picture shall show all of (on a sheet: one each).
    """

    classes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check(len(self.classes) > 0, "name one class at least")
        check(min(self.classes) >= 0, f"a class's index must be at least 0, not {min(self.classes)}")


def portray(
    settings: PortraitSettings, network: Network, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Draw a class, or several.

    Args:
        settings: which, and how.
        network: that knows them.
        inputs: the picture to start from, if any, and the judge.
        compute: on what device, at what precision.
        on_step: called after every step.

    Returns:
        ``settings.count`` pictures, or one contact sheet.

    Raises:
        WrongRequest: the network has no such class.
    """
    labels = network.card.labels
    check(max(settings.classes) < len(labels), f"{network.card.name} has {len(labels)} classes, from 0")
    if inputs.judge and settings.best_of > 1:
        missing = {labels[index] for index in settings.classes} - set(inputs.judge.card.labels)
        check(not missing, f"the judge {inputs.judge.card.name} knows no class {', '.join(sorted(missing))}")
    groups = [(index,) for index in settings.classes] if settings.sheet else [settings.classes]
    return visualize([_wish(group, network) for group in groups], settings, network, inputs, compute, on_step)


def _wish(classes: tuple[int, ...], network: Network) -> Wish:
    def objective(_seen: Captured) -> Objective:
        from dreamcli.engine.objectives import Channel

        terms: Objective = sum((Channel(network.output, index) for index in classes), start=0)  # type: ignore[assignment]
        return terms * (1 / len(classes))

    names = tuple(network.card.labels[index] for index in classes)
    return Wish(" + ".join(names), (network.output,), objective, names)
