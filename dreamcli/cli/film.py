"""``dreamcli film``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from dreamcli.errors import WrongRequest
from dreamcli.files.formats import FILMS
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.references import References, style_inputs
from dreamcli.settings.style import StyleSettings

from .completion import complete_classes, complete_files, complete_layers
from .options import SharedOptions, form_options, keep_frames_option, shared_options
from .parameters import TIMED_LAYER, WEIGHTED_PICTURE
from .sections import Command


@click.command(cls=Command)
@click.argument("image", metavar="IMAGE", shell_complete=complete_files)
@click.option("--class", "classes", multiple=True, metavar="NAME", shell_complete=complete_classes,
              help="Turn the picture into this class. Repeatable. The same as --form class.")  # fmt: skip
@click.option("--style", "styles", type=WEIGHTED_PICTURE, multiple=True, metavar="PICTURE[=WEIGHT]",
              shell_complete=complete_files,
              help="Paint in the style of this picture. Repeatable. The same as --form style.")  # fmt: skip
@click.option("--layer", "timed", type=TIMED_LAYER, multiple=True, metavar="LAYER[:CHANNEL][*WEIGHT][@SECOND]",
              shell_complete=complete_layers, help=FilmSettings.option("layers").help)  # fmt: skip
@form_options(FilmSettings)
@keep_frames_option
@shared_options(FilmSettings, f"The film: {', '.join(FILMS)}.  [default: ./STEM-film.mp4]", films=True)
def film(
    image: str, classes: tuple[str, ...], styles: tuple[tuple[Path, float], ...], timed: tuple[Any, ...], **options: Any
) -> int:
    """Film a zoom into a picture while dreaming on it, frame by frame.

    The film starts with the picture. Each frame is the previous one, slightly enlarged, with a few more
    steps of dreaming. With --loop, it ends where it began: the picture appears within its own dream. If
    the film is interrupted, run the same command to continue.

    \b
    dreamcli film photo.jpg --loop
    dreamcli film photo.jpg --seconds 20 --layer low@0 --layer high@10 -o zoom.mp4
    dreamcli film photo.jpg --class jellyfish --rotate 10 --toward 120,200
    dreamcli film photo.jpg --style waves.jpg --seconds 5 -o waves.webm
    """
    from .runner import make_film, open_session

    form = _form(options.pop("form"), bool(classes), bool(styles))
    is_given = click.get_current_context().get_parameter_source("model") is not ParameterSource.DEFAULT
    if form == "style" and not is_given:
        options["model"] = StyleSettings.model
    shared, rest = SharedOptions.split(options)
    if styles:
        inputs = style_inputs([path for path, _ in styles], [weight for _, weight in styles])
        shared = replace(shared, references=References(styles=inputs))
    opened = None
    if classes:
        opened = open_session(shared)
        ensemble = opened[0].ensemble(FilmSettings)
        rest["classes"] = tuple(dict.fromkeys(ensemble.class_index(name) for name in classes))
    seconds = [second for _, second in timed]
    settings = FilmSettings(
        form=form,
        layers=tuple(spec for spec, _ in timed),
        since=tuple(second or 0.0 for second in seconds) if any(seconds) else (),
        **rest,
    )
    return make_film(image, shared, settings, opened)


def _form(typed: str, has_classes: bool, has_styles: bool) -> str:
    """What to do with each frame, as typed or as follows from the other options."""
    if has_classes and has_styles:
        raise click.UsageError("--class and --style can't be combined")
    form = "class" if has_classes else "style" if has_styles else typed
    source = click.get_current_context().get_parameter_source("form")
    if form != typed and source is not ParameterSource.DEFAULT:
        raise click.UsageError(f"--form {typed} and --{form} can't be combined")
    if form == "class" and not has_classes:
        raise WrongRequest("--form class needs a --class NAME")
    if form == "style" and not has_styles:
        raise WrongRequest("--form style needs a --style PICTURE")
    return form
