"""Which function makes which art form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dreamcli import plugins

from .artwork import Artwork
from .caricature import caricature
from .dream import dream
from .explain import explain
from .features import show_features
from .filters import show_filters
from .invert import invert
from .microscope import show_channels
from .style import stylize
from .visualization import boost, visualize_class

# by the command's name; called with (settings, network, inputs, compute, on_step), see `dream`
RECIPES: Mapping[str, Callable[..., list[Artwork]]] = {
    "dream": dream,
    "class": visualize_class,
    "boost": boost,
    "style": stylize,
    "invert": invert,
    "caricature": caricature,
    "features": show_features,
    "explain": explain,
    "filters": show_filters,
    "microscope": show_channels,
}


def recipe(command: str) -> Callable[..., list[Artwork]]:
    """Which function makes an art form, one of these or one that another package adds.

    Raises:
        KeyError: there is no such art form.
        DreamcliError: it can't be loaded.
    """
    if command in RECIPES:
        return RECIPES[command]
    added = plugins.form(command)
    if added is None:
        raise KeyError(command)
    function: Callable[..., list[Artwork]] = plugins.part(command, added.recipe)
    return function
