"""The one table of art forms: dreamcli's own, and those that other packages add.

An art form consists of its settings, its recipe and its command. Each is imported only when it is needed, so the
command line starts without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import plugins
from .errors import DreamcliError
from .plugins import FORM_GROUP, ArtForm

if TYPE_CHECKING:
    import click

    from .settings.base import Settings

Recipe = Callable[..., list[Any]]  # of `dreamcli.art.artwork.Artwork`, which takes torch


def _form(about: str, settings: str, recipe: str, command: str) -> ArtForm:
    return ArtForm(
        settings=f"dreamcli.settings.{settings}",
        recipe=f"dreamcli.art.{recipe}",
        command=f"dreamcli.cli.{command}",
        about=about,
    )


# by the names of their commands, in the order in which --help lists them
FORMS: Mapping[str, ArtForm] = {
    "dream": _form("Dream on photographs (DeepDream).", "dream:DreamSettings", "dream:dream", "dream:dream"),
    "class": _form("Draw classes.", "visualization:ClassSettings", "visualization:visualize_class", "class_:class_"),
    "boost": _form(
        "Boost layers, channels or neurons.", "visualization:BoostSettings", "visualization:boost", "boost:boost"
    ),
    "style": _form(
        "Repaint photographs in the style of a picture.", "style:StyleSettings", "style:stylize", "style:style"
    ),
    "invert": _form(
        "Show what a layer remembers of a photograph.", "invert:InvertSettings", "invert:invert", "invert:invert"
    ),
    "caricature": _form(
        "Exaggerate what a layer sees in a photograph.",
        "caricature:CaricatureSettings", "caricature:caricature", "caricature:caricature",
    ),
    "film": _form(
        "Film a zoom into a picture while dreaming on it.", "film:FilmSettings", "film:next_frame", "film:film"
    ),
    "features": _form(
        "Show what layers see in pictures.", "features:FeatureSettings", "features:show_features", "features:features"
    ),
    "explain": _form("Show where a network looks.", "explain:ExplainSettings", "explain:explain", "explain:explain"),
    "filters": _form(
        "Show a network's filters, or apply a classic one.",
        "filters:FilterSettings", "filters:show_filters", "filters:filters",
    ),
    "microscope": _form(
        "Write an atlas of a network's channels.",
        "microscope:MicroscopeSettings", "microscope:show_channels", "microscope:microscope",
    ),
}  # fmt: skip


def form_names() -> list[str]:
    """The names of all art forms: dreamcli's own, and those of other packages, of which nothing is imported."""
    return list(dict.fromkeys([*FORMS, *plugins.names(FORM_GROUP)]))


def settings_class(name: str) -> type[Settings]:
    """The class of an art form's settings.

    Raises:
        KeyError: there is no such art form.
        DreamcliError: it can't be loaded; likewise for the functions below.
    """
    found: type[Settings] = plugins.part(name, _named(name).settings)
    return found


def recipe(name: str) -> Recipe:
    """The function that makes an art form's pictures; see `dreamcli.art.dream.dream` for its arguments."""
    found: Recipe = plugins.part(name, _named(name).recipe)
    return found


def command(name: str) -> click.Command:
    """An art form's command."""
    found: click.Command = plugins.part(name, _named(name).command)
    return found


def settings_classes(names: Iterable[str] = FORMS) -> dict[str, type[Settings]]:
    """The settings of several art forms, by their names; by default, of dreamcli's own."""
    return {name: settings_class(name) for name in names}


def settings_from_json(name: str, values: Mapping[str, Any]) -> Settings:
    """Rebuild the settings of an art form from what `Settings.to_json` returned.

    Raises:
        KeyError, DreamcliError: see `settings_class`.
        ValueError, TypeError, WrongRequest: the values aren't its settings.
    """
    return settings_class(name).from_json(completed(name, values))


def completed(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a record, with those that were added after it was written."""
    try:
        before = settings_class(name).of_older_records()
    except (KeyError, DreamcliError):  # of a package that isn't installed, or is broken
        before = {}
    return {**before, **values}


def _named(name: str) -> ArtForm:
    found = FORMS.get(name) or plugins.form(name)
    if found is None:
        raise KeyError(name)
    return found
