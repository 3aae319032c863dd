"""``dreamcli features``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import WrongRequest
from dreamcli.settings.features import FeatureSettings

from .options import SharedOptions, form_options, images_argument, shared_options
from .sections import Command

if TYPE_CHECKING:
    from dreamcli.studio.batch import Outcome


@click.command(cls=Command)
@images_argument(required=True)
@form_options(FeatureSettings)
@click.option("--raw", type=click.Path(path_type=Path), metavar="FILE.npz",
              help="Also save one IMAGE's feature maps: an array (channels, rows, columns) per layer.")  # fmt: skip
@shared_options(
    FeatureSettings,
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-features.png; for a folder ./FOLDER-features/]",
)
def features(images: tuple[str, ...], raw: Path | None, **options: Any) -> int:
    """Show what layers see in pictures: their feature maps, on a captioned sheet from first layer to last.

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin.

    \b
    dreamcli features photo.jpg
    dreamcli features photo.jpg --layer fire6 --channels 0-31 --overlay
    dreamcli features photo.jpg --layer high --raw high.npz
    """
    from .runner import (
        check_place,
        make_on_pictures,
        make_pictures,
        open_session,
        plan_on_pictures,
        reader,
        write_arrays,
    )

    shared, rest = SharedOptions.split(options)
    settings = FeatureSettings(**rest)
    if not raw:
        return make_on_pictures(images, shared, settings)
    if shared.watch:
        raise WrongRequest("--raw works with one IMAGE only, not with --watch")
    tasks = plan_on_pictures(images, shared, settings)
    _check_raw(raw, len(tasks), shared)
    check_place(raw)
    if shared.dry_run:
        return make_pictures(tasks, shared)
    opened = open_session(shared)

    def write_raw(outcome: Outcome) -> Outcome:
        if outcome.status not in ("done", "skipped"):
            return outcome
        if outcome.result:
            maps = outcome.result.maps
        else:  # the sheet was made earlier
            pixels = reader(shared.safe_decode)(tasks[0].source or Path(outcome.source)).pixels
            maps = opened[0].feature_maps(pixels, layer=map(str, settings.layers), size=settings.size)
        write_arrays(raw, maps)
        message = f"{outcome.message} (arrays: {raw})".lstrip()
        return replace(outcome, message=message, details=outcome.details | {"raw": str(raw)})

    return make_pictures(tasks, shared, opened, write_raw)


def _check_raw(raw: Path, count: int, shared: SharedOptions) -> None:
    if count != 1:
        raise WrongRequest("--raw works with one IMAGE only")
    if shared.shard or shared.cluster:
        raise WrongRequest("--raw can't be combined with --shard or --cluster")
    if raw.suffix.lower() != ".npz":
        raise WrongRequest(f"--raw {raw} must end in .npz")
    if raw.exists() and not shared.overwrite:
        raise WrongRequest(f"--raw {raw} already exists; choose another, or add --overwrite")
