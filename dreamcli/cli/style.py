"""``dreamcli style``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from dreamcli.art.style import COLORS, OPTIMIZERS, SIZE, StyleSettings, style_roles
from dreamcli.engine import STATISTICS

from .completion import complete_files, complete_layers
from .options import LayerParam, Shared, images_argument, schedule_options, setting_option, shared_options

DEFAULTS = StyleSettings()


class WeightedPicture(click.ParamType[tuple[Path, float]]):
    """``PICTURE[=WEIGHT]``."""

    name = "PICTURE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Path, float]:
        if isinstance(value, tuple):
            return value
        name, equals, weight = value.rpartition("=")
        if not equals or Path(value).exists():  # a file's name may have a "=" in it
            return Path(value), 1.0
        try:
            return Path(name), float(weight)
        except ValueError:
            self.fail(f"the weight {weight!r} of {name} is not a number", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        return complete_files(ctx, param, incomplete)


_PICTURE = click.Path(path_type=Path)


@click.command()
@images_argument("PHOTO...", "photos")
@click.option(
    "--style",
    "styles",
    type=WeightedPicture(),
    multiple=True,
    metavar="PICTURE[=WEIGHT]",
    help="In the manner of this picture; several blend by their weights.",
)
@click.option(
    "--fine",
    type=_PICTURE,
    metavar="PICTURE",
    help="With --coarse, instead of --style: the brushwork and the colours are of this picture.",
)
@click.option("--coarse", type=_PICTURE, metavar="PICTURE", help="With --fine: the large shapes are of this picture.")
@setting_option(
    "--colors",
    DEFAULTS,
    "Take the style's colours; or keep the photograph's, and paint with brightness alone; or give the "
    "style the photograph's colours first.",
    choices=COLORS,
)
@click.option("--keep-colors", is_flag=True, help="The same as --colors luminance.")
@setting_option("--style-scale", DEFAULTS, "The size of the style picture, as a share of the result's.")
@click.option(
    "--style-mask",
    "style_masks",
    type=_PICTURE,
    multiple=True,
    metavar="PICTURE",
    help="Learn a style only where this is bright; as many as there are styles, in their order.",
)
@click.option(
    "--content-mask",
    "content_masks",
    type=_PICTURE,
    multiple=True,
    metavar="PICTURE",
    help="Paint a style only where this is bright; as many as there are styles, in their order.",
)
@click.option("--from-noise", is_flag=True, help="Make a texture, without a photograph.")
@click.option("--seamless", is_flag=True, help="Let the left border continue at the right, the upper at the lower.")
@click.option(
    "--layer",
    "layers",
    type=LayerParam(),
    multiple=True,
    metavar="LAYER[*WEIGHT]",
    help="Where style is measured, beside the picture's own colours.  [default: the model's own layers]",
)
@click.option(
    "--content",
    metavar="LAYER",
    default="",
    shell_complete=complete_layers,
    help="Where content is measured.  [default: the model's own]",
)
@setting_option(
    "--statistics",
    DEFAULTS,
    "What is compared in the layers: Gram matrices, or means and covariances.",
    choices=STATISTICS,
)
@setting_option("--tv", DEFAULTS, "How much total variation counts against the picture.")
@setting_option(
    "--optimizer", DEFAULTS, "How steps are chosen; L-BFGS needs fewer, but longer ones.", choices=OPTIMIZERS
)
@schedule_options(DEFAULTS, f"the photograph's own; {SIZE} from noise", jitter="; for textures")
@shared_options(
    "A file for one photograph, otherwise a folder that mirrors the photographs' tree.  "
    "[default: ./STEM-style.png; for a folder ./FOLDER-style/; from noise ./texture-style.png]"
)  # fmt: skip
def style(photos: tuple[str, ...], keep_colors: bool, from_noise: bool, **options: Any) -> int:
    """Repaint photographs in the manner of a picture, or make a texture of it.

    PHOTO is a file, a folder (walked recursively) or a glob.

    \b
    dreamcli style photo.jpg --style waves.png
    dreamcli style photos/ --style waves.png --style dots.png=0.5 --strength 0.7
    dreamcli style --from-noise --style mosaic.png --seamless
    """
    from .runner import plan_on_pictures, run_tasks

    styles, masks = options.pop("styles"), (options.pop("style_masks"), options.pop("content_masks"))
    paths, weights = [path for path, _ in styles], [weight for _, weight in styles] or None
    others, shares = style_roles(paths, weights, options.pop("fine"), options.pop("coarse"), *masks)
    if bool(photos) == from_noise:
        raise click.UsageError("name a PHOTO to repaint, or make a texture --from-noise: one of the two")
    if not from_noise and (options["seamless"] or options["jitter"]):
        raise click.UsageError("--seamless and --jitter are for textures, --from-noise: a photograph has its place")
    source = click.get_current_context().get_parameter_source
    competing = ("keep_colors", "colors", "strength", "content")
    typed = {name for name in competing if source(name) is ParameterSource.COMMANDLINE}
    if {"keep_colors", "colors"} <= typed and options["colors"] != "luminance":
        raise click.UsageError(f"--keep-colors is --colors luminance, so leave out --colors {options['colors']}")
    if keep_colors and "colors" not in typed:
        options["colors"] = "luminance"
    if from_noise and options["colors"] != "style":
        raise click.UsageError("--from-noise there is no photograph whose colours could be kept")
    if from_noise and typed & {"strength", "content"}:
        raise click.UsageError("--from-noise there is nothing but style: leave out --strength and --content")
    shared, settings = Shared.split(options)
    shared.others.update(others)
    wanted = StyleSettings(weights=shares, **settings)
    tasks = plan_on_pictures("style", photos, shared, "texture")
    return run_tasks("style", [(task, wanted) for task in tasks], shared)
