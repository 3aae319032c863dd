"""How much a video flickers that was painted frame by frame: ``uv run python -m benchmarks flicker``.

A camera pans over a photograph, so that the true flow is known. Each frame is compared with the one before, warped by
that flow: the mean difference, in shares of the range from black to white. The frames of `dream` and `style` that go on
from one another are held against those that are each made alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from PIL import Image

from dreamcli.art.artwork import Inputs, Memo
from dreamcli.art.film import PreviousFrame, change_of, repaint
from dreamcli.art.pixels import to_tensor
from dreamcli.engine.compute import Compute
from dreamcli.engine.flow import carried
from dreamcli.files.reading import Picture, Pixels, read_picture
from dreamcli.networks import zoo
from dreamcli.settings.base import ClimbSettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.references import References, StyleInput
from dreamcli.settings.style import StyleSettings

from .whole import SAMPLES

FRAMES, HEIGHT, WIDTH = 8, 192, 256
SPEED = (2.7, 0.9)  # pixels a frame, to the right and down
MARGIN = 8  # pixels along the edges that are left out


def pan() -> list[Pixels]:
    """The frames of a camera that moves over a photograph."""
    with Image.open(SAMPLES / "chelsea.jpg") as photograph:
        image = photograph.convert("RGB")
    corners = [(10 + SPEED[0] * index, 20 + SPEED[1] * index) for index in range(FRAMES)]
    boxes = [(x, y, x + WIDTH, y + HEIGHT) for x, y in corners]
    return [np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=box)) for box in boxes]


def flicker(frames: list[Pixels]) -> float:
    """The mean difference between a frame and the one before, warped by the true flow."""
    flow = torch.tensor(SPEED).view(1, 2, 1, 1).expand(1, 2, HEIGHT, WIDTH)
    images = [to_tensor(frame, torch.device("cpu")) for frame in frames]
    differences = [(carried(one, flow) - other).abs() for one, other in pairwise(images)]
    inner = slice(MARGIN, -MARGIN)
    return float(torch.stack([difference[..., inner, inner].mean() for difference in differences]).mean())


def painted(
    settings: ClimbSettings, references: References[Picture], compute: Compute, goes_on: bool
) -> tuple[list[Pixels], float]:
    """Paint the pan; also return the mean objective that was reached after the first frame."""
    ensemble, memo = zoo.load_all(type(settings).model), Memo()
    sources = pan()
    made: list[Pixels] = []
    scores: list[float] = []
    for index, frame in enumerate(sources):
        earlier = None
        if goes_on and made:
            earlier = PreviousFrame(sources[index - 1], made[-1], change_of(sources[0], made[0]))
        artwork = repaint(settings, frame, earlier, ensemble, Inputs(references=references, memo=memo), compute)
        made.append(artwork.pixels)
        scores.append(artwork.score["after"])
    return made, float(np.mean(scores[1:]))


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """What was measured, how much, and the limit."""
    strokes = References(styles=(StyleInput(read_picture(SAMPLES / "styles" / "strokes.jpg")),))
    for settings, references in ((DreamSettings(), References()), (StyleSettings(), strokes)):
        (alone, reached), (carried_on, kept) = (painted(settings, references, compute, on) for on in (False, True))
        share = flicker(carried_on) / flicker(alone)
        name = f"flicker of {settings.command} over that of frames made alone"
        yield name, f"{share:.2f} ({flicker(carried_on):.3f} and {flicker(alone):.3f})", "at most 0.5"
        yield f"its objective: {settings.command}, going on", f"{kept:.3f}, alone {reached:.3f}", "at least 0.9 of it"
