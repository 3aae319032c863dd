"""Which function makes which art form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .artwork import Artwork
from .dream import dream
from .features import show_features
from .filters import show_filters
from .style import stylize
from .visualization import boost, visualize_class

# by the command's name; called with (settings, network, inputs, compute, on_step), see `dream`
RECIPES: Mapping[str, Callable[..., list[Artwork]]] = {
    "dream": dream,
    "class": visualize_class,
    "boost": boost,
    "style": stylize,
    "features": show_features,
    "filters": show_filters,
}
