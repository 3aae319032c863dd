"""The tab of an art form."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from nicegui import ui

from dreamcli.errors import check
from dreamcli.files.presets import Preset
from dreamcli.files.record import Record
from dreamcli.networks.model_spec import parse_models
from dreamcli.networks.registry import OURS, labels_of, layer_names
from dreamcli.settings.base import ClimbSettings, Settings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.references import References, StyleInput
from dreamcli.settings.setup import Setup
from dreamcli.studio.request import Request

from .controls import Controls
from .drops import Drop, Mask
from .layer_pictures import FOLDER, layer_pictures
from .shared import LAYERS, Shared

FIRST = ("layers", "classes", "strength", "size")  # the other settings are folded away


class FormTab:
    """The controls of an art form. Make it where they should appear.

    Args:
        form: the class of its settings.
        presets: what can be chosen from.
        folder: where a visitor's files go.
        shared: has the decoder, and room for files.
        on_photo: called with the tab after a photograph is dropped.
    """

    def __init__(
        self,
        form: type[Settings],
        presets: list[Preset],
        folder: Path,
        shared: Shared,
        on_photo: Callable[[FormTab], None],
    ) -> None:
        self.form = form
        self._folder = folder
        self._drops: dict[str, Drop] = {}
        self._mask: Mask | None = None
        self._presets = {preset.name: preset for preset in presets}

        def drop(role: str, label: str, several: bool = False, changed: Callable[[], None] = lambda: None) -> None:
            self._drops[role] = Drop(label, folder, shared, changed, several)

        if not form.shows_network:
            label = "Photograph" + (" (or nothing, for noise)" if form.size_from_noise else "")
            drop("photo", label, changed=lambda: self._photo_changed(on_photo))
        if "styles" in form.references:
            drop("styles", "Style", several=True)
        self._controls = Controls(form, labels_of(parse_models(form.model)[0].name))
        for name in (name for name in FIRST if name in self._controls.names):
            self._controls.add(name)
            if name == "layers":
                self._gallery = ui.row().classes("w-full gap-1 layers")
        with ui.expansion("More settings").classes("w-full"):
            if presets:
                options = {"": "none"} | {preset.name: f"{preset.name}: {preset.about}" for preset in presets}
                ui.select(options, label="Preset", value="", on_change=lambda event: self._apply(event.value))
            self._model = ui.select(models_for(form), label="Model", value=form.model, on_change=self._model_changed)
            self._model.classes("w-full")
            for name in (name for name in self._controls.names if name not in FIRST):
                self._controls.add(name)
        if "mask" in form.references:
            with ui.expansion("Mask: paint where the photograph may change").classes("w-full"):
                self._mask = Mask()
        if "guide" in form.references:
            with ui.expansion("Guide: move toward another picture's features").classes("w-full"):
                drop("guide", "Guide")
        if "like" in form.references:
            with ui.expansion("Like: resemble photographs").classes("w-full"):
                drop("like", "Photographs", several=True)
        self._show_layers()

    def request(self) -> Request:
        """What the controls ask for. The mask is written to the visitor's folder.

        Raises:
            WrongRequest: something is missing, or a value can't be read.
        """
        settings = self._controls.settings()
        styles = self._paths("styles")
        check(bool(styles) or "styles" not in self.form.references, "drop a picture that has the style first")
        mask = self._mask.write(self._folder / uuid.uuid4().hex / "mask.png") if self._mask else None
        guide = next(iter(self._paths("guide")), None)
        references = References(guide, mask, tuple(map(StyleInput, styles)), self._paths("like"))
        return request_for(settings, self._model.value, next(iter(self._paths("photo")), None), references)

    @property
    def photo(self) -> Path | None:
        """The photograph that was dropped."""
        return next(iter(self._paths("photo")), None)

    @property
    def record(self) -> Record | None:
        """The record in the photograph, if dreamcli made it."""
        return next((each.record for each in self._drops["photo"].dropped), None)

    def forget_photo(self) -> None:
        """Remove the photograph."""
        self._drops["photo"].clear()

    def show(self, settings: Settings, model: str) -> None:
        """Set the controls, and the model if the page has it."""
        if model in models_for(self.form):
            self._model.value = model
        self._controls.show({each.name: getattr(settings, each.name) for each in fields(settings)})

    def _paths(self, role: str) -> tuple[Path, ...]:
        return self._drops[role].paths if role in self._drops else ()

    def _photo_changed(self, on_photo: Callable[[FormTab], None]) -> None:
        if self._mask:
            self._mask.background(next(iter(self._drops["photo"].dropped), None))
        if self.photo:
            on_photo(self)

    def _apply(self, name: str) -> None:
        """Set the controls as a preset says, and the others to their defaults."""
        options = dict(self._presets[name].options[self.form.command]) if name else {}
        self._model.value = options.pop("model", self.form.model)
        self._controls.reset()
        self._controls.show_options(options)

    def _model_changed(self) -> None:
        self._controls.offer(labels_of(parse_models(self._model.value)[0].name))
        self._show_layers()

    def _show_layers(self) -> None:
        """Pictures of what the model's layers draw; a click chooses one."""
        if "layers" not in self._controls.names:
            return
        self._gallery.clear()
        networks = [spec.name for spec in parse_models(self._model.value)]
        self._controls.suggest(tuple(dict.fromkeys(name for network in networks for name in layer_names(network))))
        with self._gallery:
            for network in networks:
                pictures = layer_pictures(network)
                if pictures and len(networks) > 1:
                    ui.label(network).classes("network")
                for path, layer in pictures:
                    self._layer_button(path, f"{network}/{layer}" if len(networks) > 1 else layer)

    def _layer_button(self, path: Path, layer: str) -> None:
        choose = ui.button(on_click=lambda: self._controls.show({"layers": layer}))
        choose.props(f'flat no-caps padding=none aria-label="Layer {layer}"').classes("layer")
        with choose:
            ui.image(f"{LAYERS}/{path.relative_to(FOLDER).as_posix()}").props('alt=""')
            ui.label(layer.rpartition("/")[2]).classes("layer-name")


def request_for(settings: Settings, model: str, start: Path | None, references: References[Path]) -> Request:
    """What a visitor asks for.

    Raises:
        WrongRequest: a photograph is missing, or the networks don't come with dreamcli: others are downloaded, or run
            code.
    """
    for spec in parse_models(model):
        known = spec.name in OURS and spec.weights is None
        check(known, f"{spec.name} can't be used on this page")
    needs_photo = not (settings.size_from_noise or settings.shows_network)
    check(start is not None or not needs_photo, "drop a photograph first")
    return Request(settings=settings, setup=Setup(model=model), start=start, references=references)


def models_for(form: type[Settings]) -> list[str]:
    """The networks that the page offers for a form: those that come with dreamcli, and two together."""
    together = [DreamSettings.model] if issubclass(form, ClimbSettings) else []
    return list(dict.fromkeys([form.model, *together, *OURS]))


def is_usable(preset: Preset, form: type[Settings]) -> bool:
    """Whether a preset is for a form, and sets nothing but what the page has controls for."""
    options = preset.options.get(form.command)
    if options is None or options.get("model", form.model) not in models_for(form):
        return False
    known = {each.word for each in form.options()} | {"model"}
    return {name.replace("_", "-") for name in options} <= known
