"""``dreamcli features``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.art.features import COLORMAPS, SCALES, FeatureSettings
from dreamcli.errors import WrongRequest

from .options import ChannelsParam, LayerParam, Shared, shared_options

if TYPE_CHECKING:
    from dreamcli.files.plan import Task

DEFAULTS = FeatureSettings()


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
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
@click.option(
    "--top",
    type=int,
    metavar="N",
    default=DEFAULTS.top,
    show_default=True,
    help="Show so many of the most active channels; 0 for all.",
)
@click.option(
    "--scale",
    type=click.Choice(SCALES),
    default=DEFAULTS.scale,
    show_default=True,
    help="Each map spans the whole colormap, or they share one over the layer.",
)
@click.option(
    "--colormap",
    type=click.Choice(list(COLORMAPS)),
    default=DEFAULTS.colormap,
    show_default=True,
    help="How values become colours, from dark (low) to bright (high).",
)
@click.option("--overlay", is_flag=True, help="Lay the maps over the picture.")
@click.option(
    "--raw",
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="Write the numbers, too: an array (channels, rows, columns) for each layer. For one IMAGE.",
)
@click.option(
    "--size",
    type=int,
    metavar="N",
    default=DEFAULTS.size,
    help="Pixels on the longer side of what the network is shown.  [default: the input's own size]",
)
@shared_options(
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-features.png; for a folder ./FOLDER-features/]",
    judged=False,
)  # fmt: skip
def features(images: tuple[str, ...], raw: Path | None, **options: Any) -> int:
    """Show what layers see in pictures: their feature maps, on a captioned sheet from first layer to last.

    IMAGE is a file, a folder (walked recursively) or a glob.

    \b
    dreamcli features photo.jpg
    dreamcli features photo.jpg --layer fire6 --channels 0-31 --overlay
    dreamcli features photo.jpg --layer high --raw high.npz
    """
    from .runner import plan_on_pictures, run_tasks

    shared, rest = Shared.split(options)
    settings = FeatureSettings(**rest)
    tasks = plan_on_pictures("features", images, shared)
    if raw:
        _check_raw(raw, tasks, shared)
    code = run_tasks("features", [(task, settings) for task in tasks], shared)
    if raw and code == 0 and not shared.dry_run:
        _write_raw(raw, settings, tasks[0], shared)
    return code


def _check_raw(raw: Path, tasks: list[Task], shared: Shared) -> None:
    from dreamcli.files.writing import check_place

    if len(tasks) != 1:
        raise WrongRequest("--raw is for one IMAGE")
    if raw.suffix != ".npz":
        raise WrongRequest(f"--raw {raw} must end in .npz")
    check_place(raw)
    if raw.exists() and not shared.overwrite:
        raise WrongRequest(f"--raw {raw} is there already; choose another, or add --overwrite")


def _write_raw(raw: Path, settings: FeatureSettings, task: Task, shared: Shared) -> None:
    from dreamcli.art.features import feature_maps
    from dreamcli.files.decoder import reader
    from dreamcli.files.writing import write_arrays

    from .runner import open_studio

    assert task.source
    studio = open_studio("features", settings, shared)
    names = tuple(dict.fromkeys(studio.network.layer(spec.layer) for spec in settings.layers))
    pixels = reader(shared.safe_decode)(task.source).pixels
    write_arrays(raw, feature_maps(studio.network, pixels, names, studio.compute, settings.size))
