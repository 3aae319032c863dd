"""``dreamcli filters``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.settings.filters import ALL, KERNELS, FilterSettings

from .options import SharedOptions, form_options, images_argument, shared_options
from .parameters import PLACE
from .sections import Command


@click.command(cls=Command)
@images_argument("[IMAGE...]")
@click.option("--apply", type=click.Choice((*KERNELS, ALL)), help=FilterSettings.option("apply").help)
@click.option("--at", type=PLACE, metavar="Y,X",
              help="With --apply: print how this pixel of one IMAGE is computed, and make no picture.")  # fmt: skip
@form_options(FilterSettings)
@shared_options(
    FilterSettings,
    "A file for one picture, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./MODEL-filters.png; with --apply ./STEM-filters.png]",
)
def filters(images: tuple[str, ...], at: tuple[int, int] | None, **options: Any) -> int:
    """Show a network's filters, or what a classic kernel does to a picture.

    The first layer's filters are shown in color. For a deeper convolution, each row is a filter, and each
    tile in it the kernel for one of its input channels.

    \b
    dreamcli filters
    dreamcli filters --model vgg16 --layer features.2
    dreamcli filters photo.jpg --apply edge
    dreamcli filters photo.jpg --apply all
    dreamcli filters photo.jpg --apply edge --at 120,80
    """
    from .runner import make_on_pictures, pictures_to_look_at, reader

    if images and not options["apply"]:
        raise click.UsageError("name a kernel for the IMAGE with --apply, such as --apply edge")
    if options["apply"] and not images:
        raise click.UsageError("--apply needs an IMAGE")
    of_filters = ("layers", "top", "colormap", "headings")
    changed = any(options[name] != getattr(FilterSettings(), name) for name in of_filters)
    if options["apply"] and changed:
        raise click.UsageError(
            "--apply shows no filters, so leave out --layer, --top and --colormap, and --no-headings"
        )
    if options["size"] and not options["apply"]:
        raise click.UsageError("--size only works with --apply")
    shared, settings = SharedOptions.split(options | {"apply": options["apply"] or ""})
    if at is not None:
        if not options["apply"] or len(images) != 1 or options["apply"] == ALL:
            raise click.UsageError("--at works with --apply KERNEL and one IMAGE")
        from dreamcli.art.filters import worked
        from dreamcli.studio.pictures import read_file

        found = pictures_to_look_at(images, shared, FilterSettings(**settings))
        if len(found) != 1 or not found[0].source:
            raise click.UsageError(f"--at works with one IMAGE, not {len(found)}")
        picture = read_file(found[0].source, found[0].title, reader(shared.safe_decode)).picture
        click.echo(worked(picture, options["apply"], options["size"], at))
        return 0
    return make_on_pictures(images, shared, FilterSettings(**settings), shared.setup.model)
