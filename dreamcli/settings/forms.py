"""The art forms, by the names of their commands."""

from __future__ import annotations

from collections.abc import Mapping

from dreamcli import plugins
from dreamcli.errors import DreamcliError

from .base import Settings
from .caricature import CaricatureSettings
from .dream import DreamSettings
from .explain import ExplainSettings
from .features import FeatureSettings
from .film import FilmSettings
from .filters import FilterSettings
from .invert import InvertSettings
from .microscope import MicroscopeSettings
from .style import StyleSettings
from .visualization import BoostSettings, ClassSettings

FORMS: Mapping[str, type[Settings]] = {
    "dream": DreamSettings,
    "class": ClassSettings,
    "boost": BoostSettings,
    "style": StyleSettings,
    "invert": InvertSettings,
    "caricature": CaricatureSettings,
    "film": FilmSettings,
    "features": FeatureSettings,
    "explain": ExplainSettings,
    "filters": FilterSettings,
    "microscope": MicroscopeSettings,
}


def form_named(command: str) -> type[Settings]:
    """The settings of an art form, its own or one that another package adds.

    Raises:
        KeyError: there is no such art form.
        DreamcliError: it can't be loaded.
    """
    if command in FORMS:
        return FORMS[command]
    added = plugins.form(command)
    if added is None:
        raise KeyError(command)
    form: type[Settings] = plugins.part(command, added.settings)
    return form


def settings_from_json(command: str, values: Mapping[str, object]) -> Settings:
    """Rebuild the settings of an art form from what `Settings.to_json` returned.

    Raises:
        KeyError: there is no such art form.
        DreamcliError: it can't be loaded.
        ValueError, TypeError, WrongRequest: the values aren't its settings.
    """
    return form_named(command).from_json(completed(command, values))


def completed(command: str, values: Mapping[str, object]) -> dict[str, object]:
    """The settings of a record, with those that were added after it was written."""
    try:
        added = form_named(command).added
    except (KeyError, DreamcliError):  # of a package that isn't installed, or is broken
        added = {}
    return {**added, **values}
