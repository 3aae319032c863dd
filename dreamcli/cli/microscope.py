"""``dreamcli microscope``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dreamcli.errors import WrongRequest, check, needs
from dreamcli.files.walk import find_some
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.microscope import MicroscopeSettings

from .completion import complete_files, complete_layers
from .errors import print_error, printable
from .options import SharedOptions, form_options, model_argument, shared_options
from .parameters import CHANNELS, LAYER
from .sections import Command
from .terminal import say

MAX_PHOTOS = 2000


@click.command(cls=Command)
@model_argument
@click.option("--photos", type=click.Path(exists=True, path_type=Path), metavar="FOLDER", shell_complete=complete_files,
              help=f"Show which photographs in this folder excite each channel most (up to {MAX_PHOTOS}).")  # fmt: skip
@click.option("--map", "with_maps", is_flag=True,
              help="Also map everything that each layer sees in the photographs: an activation atlas.")  # fmt: skip
@click.option("--layer", "layers", type=LAYER, multiple=True, metavar="LAYER", shell_complete=complete_layers,
              help="Layer to show. Repeatable.  [default: every block, or layer with weights]")  # fmt: skip
@click.option("--channels", type=CHANNELS, metavar="0-31", default="0-31", show_default=True,
              help="Channels to show, of every layer that has them.")  # fmt: skip
@form_options(MicroscopeSettings)
@shared_options(MicroscopeSettings, "The atlas's folder.  [default: ./MODEL-microscope/]", plain=True)
def microscope(
    model: str,
    photos: Path | None,
    with_maps: bool,
    layers: tuple[LayerSpec, ...],
    channels: tuple[int, ...],
    **options: Any,
) -> int:
    """Write an atlas of a network: a folder of pages that show what its layers and channels respond to.

    Open index.html in the folder with a browser; the pages need no server and no network. Finished
    drawings are kept, so an interrupted run resumes where it stopped. --map needs umap-learn:
    pip install '.[map]' in a clone of dreamcli.

    \b
    dreamcli microscope -o atlas/
    dreamcli microscope --layer fire9 --photos holiday/ --map
    dreamcli microscope vgg19_gatys --layer high --channels 0-63 --photos holiday/
    dreamcli microscope net.py:MyNet --weights my-weights.pth
    """
    from .runner import make_pictures, open_session, reader

    shared, values = SharedOptions.split({**options, "model": model})
    check(not shared.to_stdout, "an atlas is a folder: name one with -o")
    folder = Path(shared.output or f"{Path(model.replace(':', '-')).name}-microscope")
    if folder.exists() and not folder.is_dir():
        raise WrongRequest(f"-o {folder} is a file; an atlas is a folder")
    if with_maps and not photos:
        raise click.UsageError("--map needs photographs: name a folder of them with --photos")
    for spec in layers:
        if spec.channel is not None or spec.weight != 1:
            raise WrongRequest(f"--layer {spec}: name a whole layer, and its channels with --channels")
    # complains of what isn't there before any work
    found = find_some([photos] if photos else [], MAX_PHOTOS, shared.follow_links, shared.left_out)
    opened = open_session(shared, blank=shared.dry_run)
    network = opened[0].ensemble(MicroscopeSettings).only

    from dreamcli.studio import microscope as studio

    if with_maps:
        needs("umap")
    tasks = studio.plan_atlas(network, studio.layers_for(network, layers), channels, folder, values)
    code = make_pictures(tasks, shared, opened)
    if code or shared.dry_run:
        return code
    if missing := studio.missing_pictures(tasks):
        note = f"{missing} pictures are still missing; the pages are written once all are there"
        say(note)
        return 0
    for problem in studio.write_atlas(opened[0], tasks, folder, found, reader(shared.safe_decode), with_maps):
        print_error(problem)
    if not (shared.quiet or shared.as_json):
        say(printable(f"the atlas: {folder / 'index.html'}"))
    return 0
