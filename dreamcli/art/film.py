"""Films of a feedback loop: dream, zoom in a little, dream again.

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.
"""

from __future__ import annotations

from dataclasses import replace

from dreamcli import forms
from dreamcli.engine.camera import inside, moved
from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.film import FilmSettings

from .artwork import Artwork, Inputs, OnStep
from .colors import matched
from .pixels import to_pixels, to_tensor

# how far the colors are drawn back to those of the first frame in a second, or else they burn
COLOR_PULL = 0.9
FEATHER = 0.35  # of the first frame's soft edge as it appears in a loop's last ones, as a share of its shorter side
CLOSING_POWER = 2.0  # how much later than evenly a loop's first frame comes through
SURROUNDED = 0.5  # how far a loop is closed when what surrounds its first frame begins to come through, too


def first_frame(settings: FilmSettings, picture: Picture, compute: Compute) -> Pixels:
    """The picture itself, at the film's size."""
    image = to_tensor(picture.on_white, compute.device)
    return to_pixels(resize(image, settings.frame_size(image.shape[2], image.shape[3])))


def next_frame(
    settings: FilmSettings,
    index: int,
    previous: Pixels,
    first: Pixels,
    ensemble: Ensemble,
    inputs: Inputs,
    compute: Compute,
    on_step: OnStep | None = None,
) -> Artwork:
    """Make a frame from the one before.

    A loop ends with a zoom into its own first frame: that appears within the dream, small and with soft edges, grows
    at the pace of the zoom, and fills the last frame.

    Args:
        index: of the frame, from 1.
        previous, first: the frame before, and the first one, ``(H, W, 3)`` uint8.
        inputs: the styles; its start doesn't matter.
        ensemble, compute, on_step: see `dream`.

    Raises:
        WrongRequest: see the form's recipe.
    """
    center = _center(settings, inputs.start, first)
    image = moved(to_tensor(previous, compute.device), settings.frame_zoom, settings.rotate / settings.fps, center)
    frame_settings = settings.of_frame(index)
    inputs = replace(inputs, start=Picture(to_pixels(image)))
    recipe = forms.recipe(frame_settings.command)
    artwork: Artwork = recipe(frame_settings, ensemble, inputs, compute, on_step)[0]
    original = to_tensor(first, compute.device)
    made = to_tensor(artwork.pixels, compute.device)
    if settings.form != "style":  # whose colors are the style's
        made = made.lerp(matched(made, original), 1 - (1 - COLOR_PULL) ** (1 / settings.fps))
    closed = settings.closed(index)
    if not closed:
        return replace(artwork, pixels=to_pixels(made))
    to_come = (settings.frames - index) / settings.fps  # seconds
    place = settings.zoom**-to_come, -settings.rotate * to_come, center
    around = max(0.0, (closed - SURROUNDED) / (1 - SURROUNDED)) ** CLOSING_POWER
    share = closed**CLOSING_POWER * inside(original, *place, FEATHER).clamp(min=around)
    return replace(artwork, pixels=to_pixels(made.lerp(moved(original, *place), share)))


def _center(settings: FilmSettings, picture: Picture | None, frame: Pixels) -> tuple[float, float]:
    """The (row, column) in a frame that the camera moves toward."""
    height, width = frame.shape[:2]
    if not settings.toward or picture is None:
        return (height - 1) / 2, (width - 1) / 2
    row, column = settings.toward
    old_height, old_width = picture.pixels.shape[:2]
    return (row + 0.5) * height / old_height - 0.5, (column + 0.5) * width / old_width - 0.5
