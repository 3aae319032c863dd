"""The art forms by the name of their command, and their settings as JSON and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from dreamcli.networks.spec import LayerSpec

from .dream import DreamSettings, dream


@dataclass(frozen=True)
class Form:
    """An art form.

    Attributes:
        settings: the class of its settings.
        make: ``make(settings, network, pixels, compute, on_step) -> Artwork``.
    """

    settings: type
    make: Callable[..., Any]


FORMS = {"dream": Form(DreamSettings, dream)}


def settings_to_json(settings: Any) -> dict[str, Any]:
    """Give an art form's settings as JSON values."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return values | {"layers": [str(spec) for spec in settings.layers]}


def settings_from_json(command: str, values: dict[str, Any]) -> Any:
    """Rebuild an art form's settings from what `settings_to_json` gave.

    Raises:
        ValueError, TypeError, KeyError: the values are of no form that this version knows.
    """
    layers = tuple(LayerSpec.parse(text) for text in values["layers"])
    return FORMS[command].settings(**{**values, "layers": layers})
