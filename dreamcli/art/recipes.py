"""Which function makes which art form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
