"""A control for every setting of an art form, made from what the setting says of itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from nicegui import ui

from dreamcli.errors import WrongRequest
from dreamcli.settings.base import Setting, Settings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.typed import parse_channels


class Controls:
    """The controls of an art form's settings.

    Attributes:
        form: the class of the settings.
    """

    def __init__(self, form: type[Settings], labels: tuple[str, ...]) -> None:
        self.form = form
        self._labels = labels
        self._fields = {each.name: each for each in fields(form) if form.setting(each.name) or each.name == "classes"}
        self._made: dict[str, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that have controls."""
        return tuple(self._fields)

    def add(self, name: str) -> None:
        """Make the control of a setting here."""
        each, known = self._fields[name], self.form.setting(name)
        self._made[name] = _control(each, known) if known else self._class_control(each)

    def settings(self) -> Settings:
        """What the controls show.

        Raises:
            WrongRequest: a value is out of range or can't be read.
        """
        try:
            return self.form(**{name: _value(self._fields[name], made.value) for name, made in self._made.items()})
        except ValueError as error:
            raise WrongRequest(str(error)) from error

    def show(self, values: Mapping[str, Any]) -> None:
        """Set some of the controls."""
        for name, made in self._made.items():
            if name in values:
                made.value = _shown(name, values[name])

    def reset(self) -> None:
        """Set all controls to the defaults, except those that have none."""
        self.show({name: each.default for name, each in self._fields.items() if each.default is not MISSING})

    def offer(self, labels: tuple[str, ...]) -> None:
        """Offer other classes: those of another network."""
        if "classes" in self._made:
            self._made["classes"].set_options(dict(enumerate(labels)), value=[])

    def suggest(self, layers: tuple[str, ...]) -> None:
        """Complete the names of these layers."""
        self._made["layers"].set_autocomplete(list(layers))

    def _class_control(self, each: Field[Any]) -> Any:
        is_needed = each.default is MISSING
        label = "Classes: type to search" if is_needed else "Classes: type to search; by default, the likeliest"
        value = [self._labels.index("goldfish")] if is_needed and "goldfish" in self._labels else []
        control = ui.select(dict(enumerate(self._labels)), label=label, value=value, multiple=True, with_input=True)
        return control.props("use-chips").classes("w-full")


def _control(each: Field[Any], known: Setting) -> Any:
    default: Any = each.default
    label = "Layers" if each.name == "layers" else each.name.replace("_", " ").capitalize()
    hint = known.help + (f" By default: {known.default_help}." if known.default_help else "")
    if isinstance(default, bool):
        return ui.checkbox(label, value=default).tooltip(hint)
    if isinstance(default, float) and math.isfinite(known.high) and (known.high <= 1 or float(known.low).is_integer()):
        return _slider(label, hint, default, known)
    if known.choices:
        control: Any = ui.select(list(known.choices), label=label, value=default)
    elif isinstance(default, str | tuple):
        control = ui.input(label, value=_shown(each.name, default), placeholder=known.metavar)
    else:
        low = known.low if math.isfinite(known.low) else None
        control = ui.number(label, value=default, min=low, precision=None if isinstance(default, float) else 0)
    control.props["hint"] = hint
    return control.classes("w-full")


def _slider(label: str, hint: str, default: float, known: Setting) -> Any:
    step = 0.05 if known.high - known.low <= 1 else 1
    with ui.column().classes("w-full gap-0").tooltip(hint):
        caption = ui.label().classes("text-sm opacity-80")
        slider = ui.slider(min=known.low, max=known.high, step=step, value=default).props(f'aria-label="{label}"')
        caption.bind_text_from(slider, "value", lambda value: f"{label}: {value:g}")
    return slider


def _shown(name: str, value: Any) -> Any:
    """What a control shows for a setting, or for an option of a preset."""
    if name == "classes":
        return list(value)
    if isinstance(value, list | tuple):
        return (" " if name == "layers" else ",").join(map(str, value))
    return value


def _value(each: Field[Any], value: Any) -> Any:
    """A setting from what its control shows."""
    if each.name == "layers":
        return tuple(LayerSpec.parse(word) for word in str(value or "").split())
    if each.name == "classes":
        return tuple(value or ())
    if each.name == "channels":
        return parse_channels(value) if value else ()
    if value is None:
        if each.default is None:
            return None
        raise ValueError(f"{each.name.replace('_', ' ')} is empty")
    if isinstance(each.default, bool | str):
        return value
    return float(value) if isinstance(each.default, float) else int(value)
