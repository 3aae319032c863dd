"""What goes into an art form, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from dreamcli.engine.compute import own_randomness
from dreamcli.engine.joint import AnyActivations
from dreamcli.engine.objectives import Objective
from dreamcli.engine.octaves import resize, resize_alpha
from dreamcli.engine.parameterization import blurred
from dreamcli.errors import DreamcliError
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks.zoo import Network
from dreamcli.settings.references import References

from .pixels import alpha_tensor, mask_tensor

SOFT_EDGE = 0.01  # the standard deviation of a mask's blur, as a share of the picture's shorter side
MAX_REMEMBERED = 64  # results of a few megabytes each
CPU = torch.device("cpu")

T = TypeVar("T")


class NotFinite(DreamcliError):
    """Nothing can be made, because the network's values are infinite or not numbers."""

    def __init__(self) -> None:
        super().__init__("the network's values aren't finite: check its weights")


@dataclass(frozen=True)
class Step:
    """How far along a picture is: ``step`` of ``steps`` in ``octave`` of ``octaves``, all counted from 1.

    Attributes:
        value: the objective before this step.
        share: how much of the whole work is done, in (0, 1].
        frame, frames: of a film: which frame of how many, counted from 1.
        picture: renders the picture as it is now, ``(height, width, 3)`` uint8 at the octave's size (the first one, if
            several are made together). Call it while the step is being reported.
    """

    step: int
    steps: int
    octave: int
    octaves: int
    value: float
    share: float
    picture: Callable[[], Pixels]
    frame: int = 0
    frames: int = 0


OnStep = Callable[[Step], None]


class Memo:
    """Keeps the latest results from one picture to the next.

    Args:
        device: where results are computed. Networks that draw random numbers draw the same ones for every result, so
            a picture doesn't depend on what is remembered.
    """

    def __init__(self, device: torch.device = CPU) -> None:
        self._device = device
        self._results: dict[Hashable, object] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for a key, made now if it isn't remembered."""
        if key not in self._results:
            if len(self._results) >= MAX_REMEMBERED:
                del self._results[next(iter(self._results))]  # the oldest
            with own_randomness(0, self._device):
                self._results[key] = make()
        return cast("T", self._results[key])


@dataclass(frozen=True)
class Inputs:
    """What an artwork is made from, besides a network.

    Attributes:
        start: the picture to start from; None for noise.
        judge: a network that only chooses the best of several attempts.
        memo: results kept for later pictures.
        painted: the start as already repainted, at the same size: a video's previous result, moved to this frame.
        recipe: see `Settings`.
    """

    start: Picture | None = None
    references: References[Picture] = field(default_factory=References)
    judge: Network | None = None
    memo: Memo = field(default_factory=Memo)
    painted: Picture | None = None
    recipe: int = 2

    def mask_tensor(self, size: tuple[int, int], device: torch.device) -> Tensor | None:
        """The mask at this (height, width), its edges softened: ``(1, 1, height, width)`` in [0, 1]."""
        mask = self.references.mask
        if mask is None:
            return None
        shares = resize(mask_tensor(mask, device), size).clamp(0, 1)
        return softened(shares) if self.recipe > 1 else blurred(shares, SOFT_EDGE * min(size))

    def alpha_tensor(self, size: tuple[int, int], device: torch.device) -> Tensor | None:
        """The start's alpha at this (height, width), ``(1, 1, height, width)`` in [0, 1]; None if it is opaque."""
        alpha = alpha_tensor(self.start, device) if self.start else None
        return None if alpha is None else resize_alpha(alpha, size)


@dataclass(frozen=True)
class Artwork:
    """A picture that was made.

    Attributes:
        pixels: ``(height, width, 3)`` uint8.
        score: the objective before and after, in the last octave.
        stopped: "done", "interrupted" or "non-finite", which is after at least one step; the pixels show the progress
            so far.
        rank: how good it is compared with other attempts at the same target.
        facts: further entries for its record.
        maps: for feature maps, the numbers behind them: ``{layer: (channels, rows, columns) float32}``.
    """

    pixels: Pixels
    score: dict[str, float] = field(default_factory=dict)
    stopped: str = "done"
    rank: float = 0.0
    facts: dict[str, object] = field(default_factory=dict)
    maps: dict[str, np.ndarray] = field(default_factory=dict)


def softened(mask: Tensor) -> Tensor:
    """A mask ``(1, 1, H, W)`` with edges softened inward only: what is black stays black."""
    return blurred(mask, SOFT_EDGE * min(mask.shape[2:])) * (mask > 0)


def value_of(objective: Objective, activations: AnyActivations, image: Tensor) -> float:
    """An objective's value for an image ``(1, 3, H, W)`` in [0, 1]."""
    with torch.no_grad():
        return float(objective(activations(image), image))


def part_of(on_step: OnStep | None, run: int, runs: int) -> OnStep | None:
    """Report the progress of one of several equal runs, counted from 0, as progress of the whole."""
    if on_step is None:
        return None
    return lambda step: on_step(replace(step, share=(run + step.share) / runs))
