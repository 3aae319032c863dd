"""The frames of films: a zoom into a picture that is dreamed on, and a video that is repainted.

The zoom: Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015. The video, whose frames
start from the previous result, moved along the optical flow: Ruder, Dosovitskiy and Brox, "Artistic Style Transfer for
Videos", 2016 (arXiv:1604.08610).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from dreamcli import forms
from dreamcli.engine.camera import inside, moved
from dreamcli.engine.compute import Compute
from dreamcli.engine.flow import carried, flow_between, visible
from dreamcli.engine.octaves import resize
from dreamcli.engine.parameterization import blurred
from dreamcli.errors import needs
from dreamcli.files.film import even_size
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.base import ClimbSettings
from dreamcli.settings.film import LONGEST_SIDE, FilmSettings
from dreamcli.settings.style import StyleSettings

from .artwork import Artwork, Inputs, OnStep
from .colors import matched
from .pixels import to_pixels, to_tensor

# a zoom
COLOR_PULL = 0.9  # share of the way back to the first frame's colors in a second; without it, colors burn
FEATHER = 0.35  # width of the soft edge around the first frame as a loop ends, as a share of its shorter side
CLOSING_POWER = 2.0  # above 1, the first frame comes through late in a loop's end
SURROUNDED = 0.5  # of a loop's end: from here on, what surrounds the first frame comes through, too

# a video
STEPS_SHARE = 0.2  # of the steps, for a frame that continues the previous one
OCTAVES_OF_STYLE = 1  # for such a frame, which has its large shapes already
NEW_SCENE = 0.3  # if less of a frame than this was visible in the previous one, it starts over
SMALLEST = 16  # pixels on the shorter side; in smaller frames, no optical flow is found
# where nothing is painted yet: pixels of blur; how much the frame's longer side counts, if black to white is 1; the
# difference that still counts as alike; and how many places are compared at a time
SMOOTH, NEARBY, ALIKE, MAX_COMPARED = 1.5, 0.5, 0.05, 2048

S = TypeVar("S", bound=ClimbSettings)


def frame_size(settings: FilmSettings, height: int, width: int) -> tuple[int, int]:
    """The (height, width) of a zoom into a picture of this size."""
    longest = settings.size or min(LONGEST_SIDE, max(height, width))
    scale = longest / max(height, width)
    return even_size(height * scale, width * scale)


def first_frame(settings: FilmSettings, picture: Picture, compute: Compute) -> Pixels:
    """The picture itself, at the film's size."""
    image = to_tensor(picture.on_white, compute.device)
    return to_pixels(resize(image, frame_size(settings, *image.shape[2:])))


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
    """Make a frame of a zoom from the previous one.

    A loop ends with a zoom into its own first frame, which appears within the dream, small and with soft edges, grows
    with the zoom, and fills the last frame.

    Args:
        index: of the frame, from 1.
        previous, first: the previous and the first frame, ``(H, W, 3)`` uint8.
        inputs: the picture that the film zooms into, and the styles.
        ensemble, compute, on_step: see `dream`.

    Raises:
        WrongRequest: see the form's recipe.
    """
    center = _center(settings, inputs.start, first)
    image = moved(to_tensor(previous, compute.device), settings.frame_zoom, settings.rotate / settings.fps, center)
    frame_settings = settings.of_frame(index)
    inputs = replace(inputs, start=Picture(to_pixels(image)))
    artwork = _made(frame_settings, ensemble, inputs, compute, on_step)
    original = to_tensor(first, compute.device)
    made = to_tensor(artwork.pixels, compute.device)
    if settings.form != "style":  # its colors are those of the style
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
    """The (row, column) of a frame that the camera moves toward."""
    height, width = frame.shape[:2]
    if not settings.toward or picture is None:
        return (height - 1) / 2, (width - 1) / 2
    row, column = settings.toward
    old_height, old_width = picture.pixels.shape[:2]
    return (row + 0.5) * height / old_height - 0.5, (column + 0.5) * width / old_width - 0.5


@dataclass(frozen=True)
class PreviousFrame:
    """The previous frame of a video.

    Attributes:
        frame, made: as it was, and as it was repainted, ``(H, W, 3)`` uint8.
        change: the `change_of` the video's first frame, which the others keep to.
    """

    frame: Pixels
    made: Pixels
    change: float


def change_of(frame: Pixels, made: Pixels) -> float:
    """How much repainting changed a frame: the root mean square, where black to white is 1."""
    device = torch.device("cpu")
    return _rms(to_tensor(made, device) - to_tensor(frame, device))


def repaint(
    settings: ClimbSettings,
    frame: Pixels,
    previous: PreviousFrame | None,
    ensemble: Ensemble,
    inputs: Inputs,
    compute: Compute,
    on_step: OnStep | None = None,
) -> Artwork:
    """Repaint a frame of a video.

    Args:
        settings: of `dream` or `stylize`; their size is the frame's.
        frame: ``(H, W, 3)`` uint8.
        previous: None for the first frame.
        inputs: the other pictures.
        ensemble, compute, on_step: see `dream`.

    Raises:
        WrongRequest: see the form's recipe.
        DreamcliError: OpenCV isn't installed.
    """
    inputs = replace(inputs, start=Picture(frame))
    if previous is None or min(frame.shape[:2]) < SMALLEST:
        return _made(settings, ensemble, inputs, compute, on_step)
    now, before = to_tensor(frame, compute.device), to_tensor(previous.frame, compute.device)
    made = to_tensor(previous.made, compute.device)
    needs("cv2")  # for the flow
    back, forth = flow_between(now, before), flow_between(before, now)
    seen = visible(back, forth, now, before)
    if float(seen.mean()) < NEW_SCENE:
        return _made(settings, ensemble, inputs, compute, on_step)
    if isinstance(settings, StyleSettings):
        painting = carried(made, back)
        start = like_the_rest(now, painting, seen).lerp(painting, seen)
    else:
        # adding the change keeps the frame sharp; the limit keeps the change from growing with every frame
        change = seen * carried(made - before, back)
        start = now + change * min(1.0, previous.change / max(_rms(change), 1e-6))
    inputs = replace(inputs, painted=Picture(to_pixels(start)))
    return _made(_continuing(settings), ensemble, inputs, compute, on_step)


def _made(
    settings: ClimbSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None
) -> Artwork:
    made: list[Artwork] = forms.recipe(settings.command)(settings, ensemble, inputs, compute, on_step)
    return made[0]


def _continuing(settings: S) -> S:
    """The settings of a frame that continues the previous one."""
    octaves = min(settings.octaves, OCTAVES_OF_STYLE) if isinstance(settings, StyleSettings) else settings.octaves
    return replace(settings, steps=math.ceil(STEPS_SHARE * settings.steps), octaves=octaves)


def like_the_rest(frame: Tensor, painting: Tensor, seen: Tensor) -> Tensor:
    """Color what wasn't ``seen`` of a frame ``(1, 3, H, W)`` like similar and nearby places of its painting.

    The strokes come with the steps, which are too few to get far from the photograph's own colors.
    """
    height, width = frame.shape[2:]
    rows, columns = (torch.linspace(0, NEARBY * side / max(height, width), side) for side in (height, width))
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None].to(frame.device)
    described = torch.cat([blurred(frame, SMOOTH), places], 1)[0].flatten(1).T
    known = (seen.flatten() >= NEW_SCENE).nonzero().flatten()
    known = known[:: math.ceil(len(known) / MAX_COMPARED)]
    colors = blurred(painting, SMOOTH)[0].flatten(1).T[known]
    result = frame[0].flatten(1).T.clone()
    for part in torch.split((seen.flatten() < 1).nonzero().flatten(), MAX_COMPARED):
        differences = torch.cdist(described[part], described[known]) / ALIKE
        result[part] = (-differences.square()).softmax(1) @ colors
    return result.T.reshape(frame.shape)


def _rms(change: Tensor) -> float:
    return float(change.square().mean().sqrt())
