"""``dreamcli features``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.art.features import COLORMAPS, SCALES, FeatureSettings
from dreamcli.errors import WrongRequest

from .options import ChannelsParam, LayerParam, Shared, images_argument, setting_option, shared_options, size_option

if TYPE_CHECKING:
    from dreamcli.batch import Outcome
    from dreamcli.files.plan import Task
    from dreamcli.studio import Studio

DEFAULTS = FeatureSettings()


@click.command()
@images_argument(required=True)
@click.option(
    "--layer", "layers", type=LayerParam(), multiple=True, default=[str(spec) for spec in DEFAULTS.layers],
    show_default=True, metavar="LAYER[:CHANNEL]",
    help="Whose maps: low, mid, high or a layer's name, or one channel of it. Repeat it for several.",
)  # fmt: skip
@click.option(
    "--channels",
    type=ChannelsParam(),
    metavar="0-15",
    default=(),
    help="Show these channels of every layer, instead of the most active.",
)
@setting_option("--top", DEFAULTS, "Show so many of the most active channels; 0 for all.")
@setting_option(
    "--scale", DEFAULTS, "Each map spans the whole colormap, or they share one over the layer.", choices=SCALES
)
@setting_option(
    "--colormap", DEFAULTS, "How values become colours, from dark (low) to bright (high).", choices=COLORMAPS
)
@click.option("--overlay", is_flag=True, help="Lay the maps over the picture.")
@click.option(
    "--raw",
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="Write the numbers, too: an array (channels, rows, columns) for each layer. For one IMAGE.",
)
@size_option("Pixels on the longer side of what the network is shown.")
@shared_options(
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-features.png; for a folder ./FOLDER-features/]",
    climbs=False,
)  # fmt: skip
def features(images: tuple[str, ...], raw: Path | None, **options: Any) -> int:
    """Show what layers see in pictures: their feature maps, on a captioned sheet from first layer to last.

    IMAGE is a file, a folder (walked recursively) or a glob.

    \b
    dreamcli features photo.jpg
    dreamcli features photo.jpg --layer fire6 --channels 0-31 --overlay
    dreamcli features photo.jpg --layer high --raw high.npz
    """
    from .runner import open_studio, plan_on_pictures, run_tasks

    shared, rest = Shared.split(options)
    settings = FeatureSettings(**rest)
    tasks = plan_on_pictures("features", images, shared)
    commissions = [(task, settings) for task in tasks]
    if raw:
        _check_raw(raw, tasks, shared)
    if not raw or shared.dry_run:
        return run_tasks("features", commissions, shared)
    studio = open_studio("features", settings, shared)

    def also(outcome: Outcome) -> Outcome:
        if outcome.status not in ("done", "skipped"):
            return outcome
        _write_raw(raw, tasks[0], studio, shared.safe_decode)
        message = f"{outcome.message} (its numbers: {raw})".lstrip()
        return replace(outcome, message=message, details=outcome.details | {"raw": str(raw)})

    return run_tasks("features", commissions, shared, studio, also)


def _check_raw(raw: Path, tasks: list[Task], shared: Shared) -> None:
    from dreamcli.files.writing import check_place

    if len(tasks) != 1:
        raise WrongRequest("--raw is for one IMAGE")
    if shared.shard or shared.cluster:
        raise WrongRequest("--raw is for one IMAGE, made here: leave out --shard and --cluster")
    if raw.suffix.lower() != ".npz":
        raise WrongRequest(f"--raw {raw} must end in .npz")
    check_place(raw)
    if raw.exists() and not shared.overwrite:
        raise WrongRequest(f"--raw {raw} is there already; choose another, or add --overwrite")


def _write_raw(raw: Path, task: Task, studio: Studio, safe_decode: bool) -> None:
    from dreamcli.art.features import feature_maps
    from dreamcli.files.decoder import reader
    from dreamcli.files.writing import write_arrays

    assert task.source
    pixels = reader(safe_decode)(task.source).pixels
    write_arrays(raw, feature_maps(studio.settings, studio.network, pixels, studio.compute))
