"""An atlas of a network: which pictures it needs, and what its pages say."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import dreamcli
from dreamcli.art.activation_atlas import activation_atlas, digest_of
from dreamcli.art.microscope import boosted
from dreamcli.art.photographs import squared, strongest_photographs
from dreamcli.atlas.contents import Atlas, ChannelPage, Feed, LayerPages, Row
from dreamcli.atlas.pages import write_pages
from dreamcli.engine.activations import channel_count
from dreamcli.engine.compute import Compute
from dreamcli.engine.trace import Layer
from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.plan import Task
from dreamcli.files.reading import Picture, Pixels
from dreamcli.files.record import read_record
from dreamcli.files.writing import comment_of, write_plain
from dreamcli.networks.arithmetic import arithmetic
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.layers import aliases_of_rows, parameter_total, window_text
from dreamcli.networks.network import Network
from dreamcli.networks.registry import is_own, listing
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.microscope import TILE, MicroscopeSettings

from .session import Session

AT_ONCE = 8  # channels that are drawn together


def layers_for(network: Network, wanted: Sequence[LayerSpec]) -> list[str]:
    """The layers that an atlas shows, in the order of execution.

    By default, these are the layers with parameters next to ``low``, ``mid`` and ``high``, and the outermost ones that
    contain none of those.

    Raises:
        WrongRequest: there is no such layer.
    """
    order = list(network.trace.shapes)
    if wanted:
        return sorted({network.find(spec) for spec in wanted}, key=order.index)
    parents = {layer.rpartition(".")[0] for layer in network.card.aliases.values()}
    siblings = [layer for layer in order if layer.rpartition(".")[0] in parents]
    outer = [
        layer for layer in order if "." not in layer and not any(other.startswith(f"{layer}.") for other in siblings)
    ]
    chosen = dict.fromkeys([*siblings, *outer])
    return [layer for layer in order if layer in chosen and _has_parameters(network, layer)]


def plan_atlas(
    network: Network, layers: Sequence[str], channels: Sequence[int], folder: Path, values: Mapping[str, object]
) -> list[Task]:
    """The pictures of an atlas, a task for a few channels of a layer, named ``FOLDER/LAYER/CHANNEL.jpg``.

    Args:
        channels: of every layer that has them.
        values: the other settings.

    Raises:
        WrongRequest: no layer has any of the channels.
    """
    tasks, before = [], ""
    for layer in layers:
        count = channel_count(network.trace.shapes[layer])
        numbers = [number for number in channels if number < count]
        for first in range(0, len(numbers), AT_ONCE):
            some = numbers[first : first + AT_ONCE]
            specs = tuple(LayerSpec(layer, number) for number in some)
            settings = MicroscopeSettings(layers=specs, before=before, **values)  # type: ignore[arg-type]
            name = f"{layer}:{some[0]}-{some[-1]}"
            tasks.append(Task(None, folder / layer / "channel.jpg", settings, name=name))
        before = layer
    if not tasks:
        raise WrongRequest(f"no layer of {network.card.name} has any of these channels")
    return tasks


def missing_pictures(tasks: Sequence[Task]) -> int:
    """How many pictures of an atlas are still to be made."""
    return sum(not output.exists() for task in tasks for output in task.outputs)


def write_atlas(
    session: Session,
    tasks: Sequence[Task],
    folder: Path,
    photographs: Sequence[Path],
    read: Callable[[Path], Picture],
    with_maps: bool = False,
) -> list[str]:
    """Write the pages of an atlas, and the sheets of photographs, once all its pictures are made.

    Channels that the same network drew in the folder earlier keep their pages.

    Args:
        tasks: from `plan_atlas`.
        photographs: searched for those that excite each channel most; may be empty.
        read: reads one of them.
        with_maps: whether to draw an activation atlas of each layer; one that is there already is kept.

    Returns:
        why some photographs were left out, a line each.

    Raises:
        DreamcliError: a picture isn't one of an atlas, a page can't be written, or umap-learn isn't installed.
    """
    shown: dict[str, Pixels] = {}
    problems = []
    for path in photographs:
        try:
            shown[path.name if path.name not in shown else str(path)] = squared(read(path).on_white)
        except DreamcliError as error:
            problems.append(f"{path}: {error}")
    ensemble, compute = session.ensemble(MicroscopeSettings), session.compute(MicroscopeSettings)
    write_pages(_Gathered(ensemble, folder, shown, compute, with_maps).atlas(tasks), folder)
    return problems


def _has_parameters(network: Network, layer: str) -> bool:
    return any(True for _ in network.module.get_submodule(layer).parameters())


@dataclass(frozen=True)
class _Drawing:
    """A channel's picture: its place, the layer whose channels feed it, and what its record says of it."""

    layer: str
    number: int
    path: Path
    before: str
    score: Mapping[str, Any]


class _Gathered:
    """What the pages of an atlas say."""

    def __init__(
        self, ensemble: Ensemble, folder: Path, photographs: Mapping[str, Pixels], compute: Compute, with_maps: bool
    ) -> None:
        self._ensemble, self._network = ensemble, ensemble.only
        self._folder, self._photographs, self._compute = folder, photographs, compute
        self._with_maps = with_maps
        self._table: list[Layer] = []
        self._aliases: list[str] = []

    def atlas(self, tasks: Sequence[Task]) -> Atlas:
        network = self._network
        by_layer: dict[str, list[Task]] = {}
        for task in tasks:
            by_layer.setdefault(task.settings.layer_specs[0].layer, []).append(task)
        drawn = self._drawn(tasks)
        self._table = network.table(blocks=drawn)
        self._aliases = aliases_of_rows(self._table, network.card.aliases)
        side = network.usual_side
        known = listing(network.card.name) if not is_own(network.card.name) else None
        return Atlas(
            network=network.card.name,
            about=f"{known.entry.paper}, {known.entry.year}" if known and not known.is_bundled else "",
            size=(side, side),
            tile=tasks[0].settings.size or TILE,
            parameters=parameter_total(network.card.name, network.module),
            multiply_adds=sum(row.multiply_adds for row in self._table),
            classes=len(network.card.labels),
            rows=tuple(self._row(layer, alias, drawn) for layer, alias in zip(self._table, self._aliases, strict=True)),
            layers=tuple(self._layer(name, some, by_layer.get(name, [])) for name, some in drawn.items()),
            version=dreamcli.__version__,
        )

    def _drawn(self, tasks: Sequence[Task]) -> dict[str, list[_Drawing]]:
        """The drawings in the folder by their layers, in the order of execution, those of earlier runs among them."""
        wanted = [path for task in tasks for path in task.outputs]
        drawings = {path: self._drawing(path) for path in {*wanted, *self._folder.glob("*/*.jpg")}}
        for path in wanted:
            if drawings[path] is None:
                raise DreamcliError(f"{path} isn't a picture of an atlas")
        order = list(self._network.trace.shapes)
        found = [drawing for drawing in drawings.values() if drawing]
        found.sort(key=lambda drawing: (order.index(drawing.layer), drawing.number))
        return {layer: list(some) for layer, some in groupby(found, lambda drawing: drawing.layer)}

    def _drawing(self, path: Path) -> _Drawing | None:
        """A channel's drawing, if it is one that this network made."""
        if path.parent.name not in self._network.trace.shapes or not path.stem.isdecimal():
            return None
        try:
            record = read_record(path)
            settings = record.provenance.form_settings() if record else None
        except DreamcliError:
            return None
        if record is None or not isinstance(settings, MicroscopeSettings):
            return None
        if not {"classes", "feeds"} <= record.score.keys():  # it was interrupted
            return None
        made_by = {"name": self._ensemble.name, "sha256": self._ensemble.weights_sha256}
        spec = settings.layers[settings.index]
        if record.provenance.network != made_by or (spec.layer, str(spec.channel)) != (path.parent.name, path.stem):
            return None
        return _Drawing(spec.layer, spec.channel or 0, path, settings.before, record.score)

    def _row(self, layer: Layer, alias: str, shown: Container[str]) -> Row:
        return Row(
            layer,
            window_text(layer),
            alias,
            layer.name if layer.name in shown else "",
            arithmetic(layer, self._network.module.get_submodule(layer.name)),
        )

    def _layer(self, name: str, drawings: Sequence[_Drawing], tasks: Sequence[Task]) -> LayerPages:
        number = max(number for number, row in enumerate(self._table) if row.name == name)  # its last run
        row, module = self._table[number], self._network.module.get_submodule(name)
        inside = [each for each in self._table if each.name == name or each.name.startswith(f"{name}.")]
        return LayerPages(
            name=name,
            folder=name,
            alias=self._aliases[number],
            shape=row.shape,
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            multiply_adds=sum(each.multiply_adds for each in inside),
            field=row.field,
            stride=row.field_stride,
            map=self._map(name, tasks),
            channels=tuple(self._channels(name, drawings, tasks)),
        )

    def _map(self, layer: str, tasks: Sequence[Task]) -> str:
        """Draw a layer's activation atlas, unless it is there; its path in the atlas, empty if there is none."""
        path = self._folder / layer / "map.jpg"
        shown = path.relative_to(self._folder).as_posix()
        if not self._with_maps or not tasks:
            return shown if path.is_file() else ""  # an earlier run drew it
        settings = tasks[0].settings
        assert isinstance(settings, MicroscopeSettings)
        drawn_by = boosted(settings, {"layers": (LayerSpec(layer),)})
        photographs = list(self._photographs.values())
        made_of = digest_of(photographs, self._ensemble.weights_sha256, json.dumps(drawn_by.to_json()))
        if comment_of(path) != made_of:
            with self._compute.repeatable(settings.seed):
                pixels = activation_atlas(drawn_by, self._ensemble, photographs, self._compute)
            if pixels is None:
                return ""
            write_plain(path, pixels, made_of)
        return shown

    def _channels(self, layer: str, drawings: Sequence[_Drawing], tasks: Sequence[Task]) -> Iterator[ChannelPage]:
        numbers = [spec.channel or 0 for task in tasks for spec in task.settings.layer_specs]
        if numbers and self._photographs:
            self._write_sheets(layer, numbers, tasks[0].settings.size or TILE)
        for drawing in drawings:
            sheet = _sheet(self._folder, layer, drawing.number)
            yield ChannelPage(
                number=drawing.number,
                drawn=drawing.path.relative_to(self._folder).as_posix(),
                photos=sheet.relative_to(self._folder).as_posix() if sheet.is_file() else "",
                photo_names=_names(sheet),
                classes=tuple((str(name), float(fall)) for name, fall in drawing.score["classes"]),
                feeds=tuple(Feed(int(index), float(weight)) for index, weight in drawing.score["feeds"]),
                before=drawing.before,
            )

    def _write_sheets(self, layer: str, numbers: Sequence[int], tile: int) -> None:
        """Write the sheets of the strongest photographs of some channels, with the photographs' names inside."""
        names, photographs = list(self._photographs), list(self._photographs.values())
        with self._compute.repeatable(0):
            sheets = strongest_photographs(self._network, layer, numbers, photographs, tile, self._compute)
        for number, (pixels, strongest) in zip(numbers, sheets, strict=True):
            path = _sheet(self._folder, layer, number)
            if strongest:
                write_plain(path, pixels, json.dumps([names[each] for each in strongest]))
            else:
                path.unlink(missing_ok=True)  # an earlier run's


def _sheet(folder: Path, layer: str, number: int) -> Path:
    return folder / layer / f"{number}-photos.jpg"


def _names(sheet: Path) -> tuple[str, ...]:
    """The names of the photographs in a sheet; empty if there is none."""
    try:
        return tuple(map(str, json.loads(comment_of(sheet) or "[]")))
    except (ValueError, TypeError):
        return ()
