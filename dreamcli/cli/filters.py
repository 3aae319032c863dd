"""``dreamcli filters``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.art.features import COLORMAPS, KERNELS, FilterSettings

from .options import LayerParam, Shared, images_argument, setting_option, shared_options, size_option

DEFAULTS = FilterSettings()


@click.command()
@images_argument("[IMAGE...]")
@click.option(
    "--layer",
    "layers",
    type=LayerParam(),
    multiple=True,
    metavar="LAYER",
    help="A convolution, or what has one inside.  [default: the model's first]",
)
@click.option(
    "--apply",
    "apply",
    type=click.Choice(list(KERNELS)),
    help="Apply a classic kernel to each IMAGE, by the convolution that networks use.",
)
@setting_option(
    "--top", DEFAULTS, "Show so many filters of a layer, and of a deeper one so many channels of each; 0 for all."
)
@setting_option(
    "--colormap", DEFAULTS, "For filters that are not of colours: dark is negative, bright positive.", choices=COLORMAPS
)
@size_option("With --apply: pixels on the longer side of the result.")
@shared_options(
    "A file for one picture, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./MODEL-filters.png; with --apply ./STEM-filters.png]",
    climbs=False,
)  # fmt: skip
def filters(images: tuple[str, ...], **options: Any) -> int:
    """Show a network's filters, or what a classic kernel makes of a picture.

    The first layer's filters are shown in colour. Of a deeper convolution, each row is a filter, and each
    tile in it the kernel for one of the channels that it takes.

    \b
    dreamcli filters
    dreamcli filters --model vgg16 --layer features.2
    dreamcli filters photo.jpg --apply edge
    """
    from .runner import plan_on_pictures, run_tasks

    if bool(images) != bool(options["apply"]):
        raise click.UsageError("--apply KERNEL and an IMAGE to apply it to go together")
    shows = ("layers", "top", "colormap")
    if options["apply"] and any(options[name] != getattr(DEFAULTS, name) for name in shows):
        raise click.UsageError("--apply shows no filters, so leave out --layer, --top and --colormap")
    if options["size"] and not options["apply"]:
        raise click.UsageError("--size is that of the picture which a kernel is applied to: leave it out")
    shared, settings = Shared.split(options | {"apply": options["apply"] or ""})
    tasks = plan_on_pictures("filters", images, shared, shared.model)
    return run_tasks("filters", [(task, FilterSettings(**settings)) for task in tasks], shared)
