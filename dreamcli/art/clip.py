"""Videos, frame by frame in a consistent style: each frame starts from the previous result, moved along the flow.

Ruder, Dosovitskiy and Brox, "Artistic Style Transfer for Videos", 2016 (arXiv:1604.08610).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from dreamcli.engine.compute import Compute
from dreamcli.engine.flow import carried, flow_between, visible
from dreamcli.engine.parameterization import blurred
from dreamcli.errors import needs
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.base import Schedule
from dreamcli.settings.style import StyleSettings

from .artwork import Artwork, Inputs, OnStep
from .pixels import to_pixels, to_tensor
from .recipes import RECIPES

STEPS_SHARE = 0.2  # of the steps, in a frame that continues the previous one
OCTAVES_OF_STYLE = 1  # of such a frame: its large shapes are there
NEW_SCENE = 0.3  # with less of the picture visible before than this, it starts over
# where nothing was painted yet: pixels of blur, the difference in place that counts as much as black from white,
# the difference that still counts as alike, and how many places are compared at a time
SMOOTH, NEARBY, ALIKE, MAX_COMPARED = 1.5, 0.5, 0.05, 2048
SMALLEST = 16  # pixels on the shorter side: the flow of smaller pictures can't be found

S = TypeVar("S", bound=Schedule)


@dataclass(frozen=True)
class Earlier:
    """The frame before, what was made of it, and how much that changed the first one: its root mean square."""

    frame: Pixels
    made: Pixels
    change: float


def change_of(frame: Pixels, made: Pixels) -> float:
    """How much was changed in a frame: the root mean square, from black (0) to white (1)."""
    device = torch.device("cpu")
    return _rms(to_tensor(made, device) - to_tensor(frame, device))


def repaint(
    settings: Schedule,
    frame: Pixels,
    earlier: Earlier | None,
    ensemble: Ensemble,
    inputs: Inputs,
    compute: Compute,
    on_step: OnStep | None = None,
) -> Artwork:
    """Make a frame of a video.

    Args:
        settings: of `dream` or `stylize`; their size is that of the frame.
        frame: ``(H, W, 3)`` uint8.
        earlier: the frame before; None for the first one.
        inputs: the pictures besides the frame.
        ensemble, compute, on_step: see `dream`.

    Raises:
        WrongRequest: see the form's recipe.
        DreamcliError: OpenCV isn't installed.
    """
    inputs = replace(inputs, start=Picture(frame))
    if earlier is None or min(frame.shape[:2]) < SMALLEST:
        return _made(settings, ensemble, inputs, compute, on_step)
    now, before = to_tensor(frame, compute.device), to_tensor(earlier.frame, compute.device)
    made = to_tensor(earlier.made, compute.device)
    needs("cv2")  # for the flow
    back, forth = flow_between(now, before), flow_between(before, now)
    seen = visible(back, forth, now, before)
    if float(seen.mean()) < NEW_SCENE:
        return _made(settings, ensemble, inputs, compute, on_step)
    if isinstance(settings, StyleSettings):
        painting = carried(made, back)
        start = like_the_rest(now, painting, seen).lerp(painting, seen)
    else:
        # the frame keeps its own sharpness; what is carried on doesn't grow from frame to frame
        change = seen * carried(made - before, back)
        start = now + change * min(1.0, earlier.change / max(_rms(change), 1e-6))
    inputs = replace(inputs, painted=Picture(to_pixels(start)))
    return _made(_going_on(settings), ensemble, inputs, compute, on_step)


def _made(settings: Schedule, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None) -> Artwork:
    (artwork,) = RECIPES[settings.command](settings, ensemble, inputs, compute, on_step)
    return artwork


def _going_on(settings: S) -> S:
    """The settings of a frame that continues the previous one."""
    octaves = min(settings.octaves, OCTAVES_OF_STYLE) if isinstance(settings, StyleSettings) else settings.octaves
    return replace(settings, steps=math.ceil(STEPS_SHARE * settings.steps), octaves=octaves)


def like_the_rest(frame: Tensor, painting: Tensor, seen: Tensor) -> Tensor:
    """A frame ``(1, 3, H, W)`` in the colors that similar and nearby places of it have in its painting.

    Strokes come with the steps. From the photograph's own colors, a few of them wouldn't get far.
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
