"""``dreamcli style``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from dreamcli.files.walk import find_each
from dreamcli.settings.references import References, style_inputs
from dreamcli.settings.style import StyleSettings

from .completion import complete_files
from .options import SharedOptions, form_options, images_argument, keep_frames_option, shared_options
from .parameters import WEIGHTED_PICTURE
from .sections import Command

_PICTURE = click.Path(path_type=Path)


@click.command(cls=Command)
@images_argument("PHOTO...", "photos")
@click.option("--style", "styles", type=WEIGHTED_PICTURE, multiple=True, metavar="PICTURE[=WEIGHT]",
              shell_complete=complete_files,
              help="Paint in the style of this picture; several are blended by weight.")  # fmt: skip
@click.option("--each-style", is_flag=True,
              help="Make a result for each style instead of blending them; --style may be a folder, too.")  # fmt: skip
@click.option("--fine", type=_PICTURE, metavar="PICTURE",
              help="With --coarse, instead of --style: take brushwork and colors from this picture.")  # fmt: skip
@click.option("--coarse", type=_PICTURE, metavar="PICTURE", help="With --fine: take large shapes from this picture.")
@click.option("--keep-colors", is_flag=True, help="The same as --colors luminance.")
@click.option("--style-mask", "style_masks", type=_PICTURE, multiple=True, metavar="PICTURE",
              help="Learn a style only where this is bright; one for each style, in order.")  # fmt: skip
@click.option("--content-mask", "content_masks", type=_PICTURE, multiple=True, metavar="PICTURE",
              help="Paint a style only where this is bright; one for each style, in order.")  # fmt: skip
@click.option("--from-noise", is_flag=True, help="Make a texture, without a photograph.")
@form_options(StyleSettings)
@keep_frames_option
@shared_options(
    StyleSettings,
    "A file for one photograph, otherwise a folder that mirrors the photographs' tree.  "
    "[default: ./STEM-style.png; .mp4, .gif or .webp for films; for a folder ./FOLDER-style/; from noise "
    "./texture-style.png; with --each-style, -STYLE is added to each name]",
)
def style(photos: tuple[str, ...], keep_colors: bool, from_noise: bool, each_style: bool, **options: Any) -> int:
    """Repaint photographs in the style of a picture, or make a texture from it.

    PHOTO is a file, a folder (walked recursively), a glob, or - for stdin. A video or an animated picture
    becomes a film.

    \b
    dreamcli style photo.jpg --style strokes.png
    dreamcli style photos/ --style strokes.png --style impasto.png=0.5 --strength 0.7
    dreamcli style --from-noise --style glass.png --seamless
    dreamcli style clip.mp4 --style strokes.png --size 360
    dreamcli style photos/ --style paintings/ --each-style -o "{stem}-{style}.png"
    """
    from .runner import make_on_pictures

    styles = _each(options) if each_style else options["styles"]
    if folder := next((path for path, _ in styles if path.is_dir()), None):
        raise click.UsageError(f"--style {folder} is a folder: add --each-style for a result in each of its styles")
    masks = options.pop("style_masks"), options.pop("content_masks")
    del options["styles"]
    paths, weights = [path for path, _ in styles], [weight for _, weight in styles] or None
    inputs = style_inputs(paths, weights, options.pop("fine"), options.pop("coarse"), *masks)
    _check_combination(bool(photos), from_noise, keep_colors, options)
    shared, settings = SharedOptions.split(options)
    shared = replace(shared, references=References(styles=inputs), each_style=each_style)
    return make_on_pictures(photos, shared, StyleSettings(**settings), "texture")


def _each(options: dict[str, Any]) -> list[tuple[Path, float]]:
    """The styles to paint in one by one: those of a folder, too, each once."""
    if options["fine"] or options["coarse"] or not options["styles"]:
        raise click.UsageError("--each-style needs --style PICTURE, without --fine and --coarse")
    if options["style_masks"] or options["content_masks"]:
        raise click.UsageError("--each-style can't be combined with --style-mask or --content-mask")
    if any(weight != 1 for _, weight in options["styles"]):
        raise click.UsageError("--each-style doesn't blend styles: leave out their weights")
    return [(path, 1.0) for path in find_each([path for path, _ in options["styles"]], options["follow_links"])]


def _check_combination(has_photos: bool, from_noise: bool, keep_colors: bool, options: dict[str, Any]) -> None:
    """Refuse options that can't be combined; put --keep-colors into the options."""
    if has_photos and from_noise:
        raise click.UsageError("--from-noise makes a texture: leave out PHOTO")
    if not has_photos and not from_noise:
        raise click.UsageError("name a PHOTO to repaint, or make a texture with --from-noise")
    if not from_noise and (options["seamless"] or options["jitter"]):
        raise click.UsageError("--seamless and --jitter only work with --from-noise")
    source = click.get_current_context().get_parameter_source
    competing = ("keep_colors", "colors", "strength", "content")
    typed = {name for name in competing if source(name) is ParameterSource.COMMANDLINE}
    if {"keep_colors", "colors"} <= typed and options["colors"] != "luminance":
        raise click.UsageError(f"--keep-colors means --colors luminance: leave out --colors {options['colors']}")
    if keep_colors and "colors" not in typed:
        options["colors"] = "luminance"
    if from_noise and options["colors"] != "style":
        raise click.UsageError("--from-noise has no photograph to keep the colors of")
    if from_noise and options["statistics"] == "neighbors":
        raise click.UsageError("--statistics neighbors needs a PHOTO to match")
    if from_noise and typed & {"strength", "content"}:
        raise click.UsageError("--from-noise has no content: leave out --strength and --content")
