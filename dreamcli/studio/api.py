"""Each art form as one function, for one picture.

Each opens a `Session` and calls its method of the same name; the options are those of both. To make several pictures,
open a session yourself: it loads the network once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from dreamcli.engine.modes import default_modes
from dreamcli.engine.trace import Layer
from dreamcli.networks import zoo
from dreamcli.networks.registry import BUNDLED

from .pictures import ImageLike, Result
from .session import Session

T = TypeVar("T")
_OF_SESSION = ("model", "weights", "mean", "std", "labels", "judge", "device", "precision")


def dream(image: ImageLike | None = None, **options: object) -> Result:
    """Dream on a photograph, or on noise: `Session.dream`."""
    return _once(Session.dream, image, options=options)


def boost(image: ImageLike | None = None, **options: object) -> list[Result]:
    """Boost a layer, a channel or a neuron: `Session.boost`."""
    return _once(Session.boost, image, options=options)


def visualize_class(*names: str | int, **options: object) -> list[Result]:
    """Draw a class: `Session.visualize_class`."""
    return _once(Session.visualize_class, *names, options=options)


def stylize(
    image: ImageLike | None, *styles: ImageLike, weights: object = None, model_weights: object = None, **options: object
) -> Result:
    """Repaint a photograph: `Session.stylize`. ``weights`` are the styles', ``model_weights`` is a state dict."""
    stylize = partial(Session.stylize, weights=weights)  # type: ignore[arg-type]
    return _once(stylize, image, *styles, options={**options, "weights": model_weights})


def invert(image: ImageLike, **options: object) -> Result:
    """Redraw a photograph from what layers remember of it: `Session.invert`."""
    return _once(Session.invert, image, options=options)


def caricature(image: ImageLike, **options: object) -> Result:
    """Exaggerate what layers see in a photograph: `Session.caricature`."""
    return _once(Session.caricature, image, options=options)


def explain(image: ImageLike, *names: str | int, **options: object) -> Result:
    """Show where the network looks: `Session.explain`."""
    return _once(Session.explain, image, *names, options=options)


def feature_maps(image: ImageLike, **options: object) -> dict[str, np.ndarray]:
    """Compute what layers see: `Session.feature_maps`."""
    return _once(Session.feature_maps, image, options=options)


@default_modes()
def layers(model: str = BUNDLED, size: int | tuple[int, int] | None = None) -> list[Layer]:
    """A network's layers: `Session.layers`, without loading its weights.

    Raises:
        WrongRequest: the model is unknown.
        DreamcliError: a picture of this size doesn't fit the network.
    """
    return zoo.skeleton(model).table(size)


def _once(method: Callable[..., T], *arguments: object, options: dict[str, Any]) -> T:
    """Open a session with its share of the options, and call one of its methods with the rest."""
    of_session = {name: options.pop(name) for name in _OF_SESSION if name in options}
    with Session(**of_session) as session:
        return method(session, *arguments, **options)
