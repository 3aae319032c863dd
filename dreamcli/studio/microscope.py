"""An atlas of a network: which pictures it needs, and what its pages say."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path

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
from dreamcli.files.writing import has_comment, write_plain
from dreamcli.networks.arithmetic import arithmetic
from dreamcli.networks.catalog import is_own, listing
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.layers import parameter_total, window_text
from dreamcli.networks.network import Network
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.microscope import TILE, MicroscopeSettings

from .session import Session

AT_ONCE = 8  # channels that are drawn together


def layers_for(network: Network, wanted: Sequence[LayerSpec]) -> list[str]:
    """The layers that an atlas shows, in the order of execution.

    Those that are wanted; by default, every layer with parameters next to ``low``, ``mid`` or ``high``, or
    around no other.

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

    Args:
        tasks: from `plan_atlas`.
        photographs: pictures to look for each channel's strongest in; may be empty.
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


class _Gathered:
    """What the pages of an atlas say."""

    def __init__(
        self, ensemble: Ensemble, folder: Path, photographs: Mapping[str, Pixels], compute: Compute, with_maps: bool
    ) -> None:
        self._ensemble, self._network = ensemble, ensemble.only
        self._folder, self._photographs, self._compute = folder, photographs, compute
        self._with_maps = with_maps
        self._table = self._network.table()
        self._aliases = {layer: alias for alias, layer in self._network.card.aliases.items()}

    def atlas(self, tasks: Sequence[Task]) -> Atlas:
        network = self._network
        by_layer: dict[str, list[Task]] = {}
        for task in tasks:
            by_layer.setdefault(task.settings.layer_specs[0].layer, []).append(task)
        side = network.usual_side
        known = listing(network.card.name) if not is_own(network.card.name) else None
        return Atlas(
            network=network.card.name,
            about=f"{known.paper}, {known.year}" if known and not known.is_bundled else "",
            size=(side, side),
            tile=tasks[0].settings.size or TILE,
            parameters=parameter_total(network.card.name, network.module),
            multiply_adds=sum(row.multiply_adds for row in self._table),
            classes=len(network.card.labels),
            rows=tuple(self._row(layer, by_layer.keys()) for layer in self._table),
            layers=tuple(self._layer(name, some) for name, some in by_layer.items()),
            version=dreamcli.__version__,
        )

    def _row(self, layer: Layer, shown: Container[str]) -> Row:
        names = (layer.name, *layer.ends)
        return Row(
            name=layer.name,
            kind=layer.kind,
            shape=layer.shape,
            window=window_text(layer),
            parameters=layer.parameters,
            multiply_adds=layer.multiply_adds,
            field=layer.field,
            stride=layer.field_stride,
            alias=next((self._aliases[name] for name in names if name in self._aliases), ""),
            folder=next((name for name in names if name in shown), ""),
            arithmetic=arithmetic(layer, self._network.module.get_submodule(layer.name)),
        )

    def _layer(self, name: str, tasks: Sequence[Task]) -> LayerPages:
        inside = [row for row in self._table if row.name == name or row.name.startswith(f"{name}.")]
        last = next((row for row in self._table if row.name == name or name in row.ends), inside[-1])
        settings = tasks[0].settings
        assert isinstance(settings, MicroscopeSettings)
        return LayerPages(
            name=name,
            folder=name,
            alias=self._aliases.get(name, ""),
            shape=last.shape,
            parameters=sum(row.parameters for row in inside),
            multiply_adds=sum(row.multiply_adds for row in inside),
            field=last.field,
            stride=last.field_stride,
            map=self._map(name, settings),
            before=settings.before,
            channels=tuple(self._channels(name, tasks, settings.size or TILE)),
        )

    def _map(self, layer: str, settings: MicroscopeSettings) -> str:
        """Draw a layer's activation atlas, unless it is there; its path in the atlas, empty if there is none."""
        if not self._with_maps:
            return ""
        path = self._folder / layer / "map.jpg"
        drawn_by = boosted(settings, {"layers": (LayerSpec(layer),)})
        photographs = list(self._photographs.values())
        made_of = digest_of(photographs, self._ensemble.weights_sha256, json.dumps(drawn_by.to_json()))
        if not has_comment(path, made_of):
            with self._compute.repeatable(settings.seed):
                pixels = activation_atlas(drawn_by, self._ensemble, photographs, self._compute)
            if pixels is None:
                return ""
            write_plain(path, pixels, made_of)
        return path.relative_to(self._folder).as_posix()

    def _channels(self, layer: str, tasks: Sequence[Task], tile: int) -> Iterator[ChannelPage]:
        specs = [spec for task in tasks for spec in task.settings.layer_specs]
        pictures = [path for task in tasks for path in task.outputs]
        numbers, names = [spec.channel or 0 for spec in specs], list(self._photographs)
        sheets: Sequence[tuple[Pixels | None, list[int]]] = [(None, [])] * len(numbers)
        if names:
            photographs = list(self._photographs.values())
            with self._compute.repeatable(0):
                sheets = strongest_photographs(self._network, layer, numbers, photographs, tile, self._compute)
        for number, path, (pixels, strongest) in zip(numbers, pictures, sheets, strict=True):
            record = read_record(path)
            if record is None or not {"classes", "feeds"} <= record.score.keys():
                raise DreamcliError(f"{path} isn't a picture of an atlas")
            sheet = path.with_name(f"{path.stem}-photos.jpg")
            if pixels is not None and strongest:
                write_plain(sheet, pixels)
            yield ChannelPage(
                number=number,
                drawn=path.relative_to(self._folder).as_posix(),
                photos=sheet.relative_to(self._folder).as_posix() if strongest else "",
                photo_names=tuple(names[each] for each in strongest),
                classes=tuple((str(name), float(fall)) for name, fall in record.score["classes"]),
                feeds=tuple(Feed(int(index), float(weight)) for index, weight in record.score["feeds"]),
            )
