"""The art forms by the name of their command, and their settings as JSON and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from dreamcli.networks.spec import LayerSpec

from . import dream as dreams
from . import visualization
from .boost import BoostSettings, boost
from .dream import DreamSettings, dream
from .features import FeatureSettings, FilterSettings, show_features, show_filters
from .portrait import PortraitSettings, portray
from .style import SIZE as TEXTURE_SIZE
from .style import StyleSettings, stylize


@dataclass(frozen=True)
class Form:
    """An art form.

    Attributes:
        settings: the class of its settings.
        make: ``make(settings, network, inputs, compute, on_step) -> list[Artwork]``.
        size_from_noise: pixels on a side, where there is no picture to start from; 0 if it never starts from noise.
    """

    settings: type
    make: Callable[..., Any]
    size_from_noise: int = 0


FORMS = {
    "dream": Form(DreamSettings, dream, dreams.SIZE_FROM_NOISE),
    "class": Form(PortraitSettings, portray, visualization.SIZE),
    "style": Form(StyleSettings, stylize, TEXTURE_SIZE),
    "features": Form(FeatureSettings, show_features),
    "filters": Form(FilterSettings, show_filters),
    "boost": Form(BoostSettings, boost, visualization.SIZE),
}


def settings_to_json(settings: Any) -> dict[str, Any]:
    """Give an art form's settings as JSON values."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    if "layers" in values:
        values["layers"] = [str(spec) for spec in settings.layers]
    return values


def settings_from_json(command: str, values: dict[str, Any]) -> Any:
    """Rebuild an art form's settings from what `settings_to_json` gave.

    Raises:
        ValueError, TypeError, KeyError: the values are of no form that this version knows.
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    if "layers" in values:
        values["layers"] = tuple(LayerSpec.parse(text) for text in values["layers"])
    return FORMS[command].settings(**values)
