"""A control for every setting of an art form, generated from its definition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from nicegui import ui

from dreamcli.errors import WrongRequest
from dreamcli.settings.base import Option, Setting, Settings


class Controls:
    """The controls of an art form's settings.

    Attributes:
        form: the class of the settings.
    """

    def __init__(self, form: type[Settings], labels: tuple[str, ...]) -> None:
        self.form = form
        self._labels = labels
        self._options = {each.name: each for each in form.options() if not each.setting.by_command}
        self._classes = next((each for each in fields(form) if each.name == "classes"), None)
        self._made: dict[str, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that have controls."""
        return (*self._options, *(["classes"] if self._classes else []))

    def add(self, name: str) -> None:
        """Make the control of a setting here."""
        if name == "classes" and self._classes:
            self._made[name] = self._class_control(self._classes)
        else:
            self._made[name] = _control(self._options[name])

    def settings(self) -> Settings:
        """What the controls show.

        Raises:
            WrongRequest: a value is out of range or can't be read.
        """
        try:
            values = {name: self._value(name, made.value) for name, made in self._made.items()}
            return self.form(**values)
        except ValueError as error:
            raise WrongRequest(str(error)) from error

    def show(self, values: Mapping[str, Any]) -> None:
        """Set some of the controls, by the names of their settings."""
        for name, made in self._made.items():
            if name in values:
                made.value = list(values[name]) if name == "classes" else _shown(self._options[name], values[name])

    def show_options(self, options: Mapping[str, Any]) -> None:
        """Set the controls that a preset has options for."""
        names = {each.word: name for name, each in self._options.items()}
        self.show({names[word.replace("_", "-")]: value for word, value in options.items()})

    def reset(self) -> None:
        """Set all controls to the defaults, except those that have none."""
        defaults = {name: each.default for name, each in self._options.items() if each.default is not MISSING}
        if self._classes and self._classes.default is not MISSING:
            defaults["classes"] = self._classes.default
        self.show(defaults)

    def offer(self, labels: tuple[str, ...]) -> None:
        """Offer other classes: those of another network."""
        if "classes" in self._made:
            self._made["classes"].set_options(dict(enumerate(labels)), value=[])

    def suggest(self, layers: tuple[str, ...]) -> None:
        """Complete the names of these layers."""
        self._made["layers"].set_autocomplete(list(layers))

    def _class_control(self, classes: Field[Any]) -> Any:
        is_needed = classes.default is MISSING
        label = "Classes: type to search" if is_needed else "Classes: type to search; by default, the likeliest"
        value = [self._labels.index("goldfish")] if is_needed and "goldfish" in self._labels else []
        control = ui.select(dict(enumerate(self._labels)), label=label, value=value, multiple=True, with_input=True)
        return control.props("use-chips").classes("w-full")

    def _value(self, name: str, value: Any) -> Any:
        """A setting from what its control shows."""
        if name == "classes":
            return tuple(value or ())
        option = self._options[name]
        if option.spelling.is_list:
            return tuple(map(option.spelling.parse, str(value or "").split()))
        if isinstance(option.default, tuple):
            return option.spelling.parse(value) if value else ()
        if value is None:
            if option.default is None:
                return None
            raise ValueError(f"{name.replace('_', ' ')} is empty")
        if isinstance(option.default, bool | str):
            return value
        return float(value) if isinstance(option.default, float) else int(value)


def _control(option: Option) -> Any:
    known, default = option.setting, option.default
    label = "Layers" if option.name == "layers" else option.name.replace("_", " ").capitalize()
    hint = known.help + (f" By default: {known.default_help}." if known.default_help else "")
    if isinstance(default, bool):
        return ui.checkbox(label, value=default).tooltip(hint)
    if isinstance(default, float) and (known.high <= 1 or known.metavar == "DEGREES"):
        return _slider(label, hint, default, known)
    if known.choices:
        control: Any = ui.select(list(known.choices), label=label, value=default)
    elif isinstance(default, str | tuple):
        control = ui.input(label, value=_shown(option, default), placeholder=known.metavar)
    else:
        low = known.low if math.isfinite(known.low) else None
        control = ui.number(label, value=default, min=low, precision=None if isinstance(default, float) else 0)
    control.props["hint"] = hint
    return control.classes("w-full")


def _slider(label: str, hint: str, default: float, known: Setting) -> Any:
    step = 1 if known.metavar else 0.05
    with ui.column().classes("w-full gap-0").tooltip(hint):
        caption = ui.label().classes("text-sm opacity-80")
        slider = ui.slider(min=known.low, max=known.high, step=step, value=default).props(f'aria-label="{label}"')
        caption.bind_text_from(slider, "value", lambda value: f"{label}: {value:g}")
    return slider


def _shown(option: Option, value: Any) -> Any:
    """What a control shows for a setting's value, or for the text or list that a preset has."""
    written = option.spelling.written(value)
    return " ".join(map(str, written)) if isinstance(written, list) else written
