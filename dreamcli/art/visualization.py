"""Pictures from nothing but a wish: what `class` and `boost` have in common.

Olah, Mordvintsev and Schubert, "Feature Visualization", Distill, 2017. https://distill.pub/2017/feature-visualization
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dreamcli.errors import check

from .schedule import check_schedule

if TYPE_CHECKING:
    # torch takes seconds to import, and the command line reads the defaults below for --help
    import torch
    from torch import Tensor

    from dreamcli.engine.activations import Activations, Captured
    from dreamcli.engine.compute import Compute
    from dreamcli.engine.objectives import Objective
    from dreamcli.engine.parameterization import Parameterization
    from dreamcli.engine.transforms import Transform
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, Inputs, OnStep

PARAMETERIZATIONS = ("fourier", "phase", "pixels")
# Adam's learning rate at strength 1: in what photographs have of each frequency, in radians, and from black to white
RATES = {"fourier": 0.05, "phase": 0.2, "pixels": 0.02}
START_CONTRAST = 0.1  # of the noise that is started from, as a share of a photograph's
SIZE, TILE = 224, 160  # pixels, of a picture from noise, and of one on a sheet
PADDING = 16  # pixels
PIXELS_AT_ONCE = 8 * TILE**2  # that go through the network together, on a sheet
APART = 0.02  # the noise, black to white being 1, that tells several pictures of the same start apart
RESCUED_STEPS = 16
BLURRED_SHARE = 0.8  # of the steps; the last are for sharp edges


@dataclass(frozen=True, kw_only=True)
class Visualization:
    """How to make a picture from noise, or to change one.

    Attributes:
        minimize: descend instead of climbing.
        size: pixels on the longer side; None takes the start's own, from noise 224 (160 on a sheet).
        parameterization: what is climbed: "fourier" (frequencies and colours as photographs have them),
            "phase" (only where things are; how much there is of each frequency is that of photographs) or "pixels".
        steps: gradient steps in each octave.
        octaves: how many sizes, each ``octave_scale`` times the one before, up to the full size.
        octave_scale: more than 1.
        strength: from 0 to 1: how far each step goes.
        color: from 0 to 1: how far colours may go, beside brightness.
        jitter, turn, zoom, noise, crop: how the picture is changed at random before each step: shifted by up
            to ``jitter`` pixels, rotated by up to ``turn`` degrees, scaled by up to ``zoom`` as a share, with
            noise of this standard deviation, and cut to parts whose side is this share at least.
            A neuron at a position goes without them, since they move the picture away from under it.
        tv, l2, prior: how much total variation, contrast, and unlikeness to the statistics that batch
            normalisation saw in training count against the objective.
        blur: pixels; the standard deviation of a Gaussian after each of the first steps, falling to 0. For pixels.
        count: how many pictures of the same wish.
        diversity: how much their unlikeness to each other counts.
        index: which of the ``count`` pictures this is, from 0.
        sheet: one contact sheet with a picture for each wish, instead of one picture of them all.
        best_of: how many to make, of which the best is kept: by the judge's score for the class,
            without a judge (or without a class) by the objective.
        seed: of the randomness.
    """

    minimize: bool = False
    size: int | None = None
    parameterization: str = "fourier"
    steps: int = 48
    octaves: int = 4
    octave_scale: float = 1.4
    strength: float = 0.5
    color: float = 0.7
    jitter: int = 8
    turn: float = 10.0
    zoom: float = 0.1
    noise: float = 0.0
    crop: float = 1.0
    tv: float = 0.0
    l2: float = 0.0
    prior: float = 0.0
    blur: float = 0.0
    count: int = 1
    diversity: float = 1.0
    index: int = 0
    sheet: bool = False
    best_of: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise WrongRequest for a setting out of its range."""
        check_schedule(self)
        check(
            self.parameterization in PARAMETERIZATIONS,
            f"parameterization is one of {', '.join(PARAMETERIZATIONS)}, not {self.parameterization!r}",
        )
        check(0 <= self.turn <= 180, f"turn must be from 0 to 180, not {self.turn:g}")
        check(0 <= self.zoom < 1, f"zoom must be from 0 to less than 1, not {self.zoom:g}")
        check(0 < self.crop <= 1, f"crop must be more than 0 and at most 1, not {self.crop:g}")
        for name in ("noise", "tv", "l2", "prior", "blur", "diversity"):
            value = getattr(self, name)
            check(0 <= value < math.inf, f"{name} must be at least 0, not {value:g}")
        check(not self.blur or self.parameterization == "pixels", "blur is for the parameterization pixels only")
        for name in ("count", "best_of"):
            value = getattr(self, name)
            check(1 <= value <= 1000, f"{name.replace('_', '-')} must be from 1 to 1000, not {value}")
        check(0 <= self.index < self.count, f"index must be from 0 to {self.count - 1}, not {self.index}")


@dataclass(frozen=True)
class Wish:
    """What a picture shall show.

    Attributes:
        caption: for the sheet.
        layers: that the objective needs.
        objective: makes it, from these layers' activations for the picture that is started from.
        classes: the names of those that a judge should see; none for a wish that is of no class.
        still: whether the picture must not be moved under the network.
    """

    caption: str
    layers: tuple[str, ...]
    objective: Callable[[Captured], Objective]
    classes: tuple[str, ...] = ()
    still: bool = False


def visualize(
    wishes: Sequence[Wish],
    settings: Visualization,
    network: Network,
    inputs: Inputs,
    compute: Compute,
    on_step: OnStep | None = None,
) -> list[Artwork]:
    """Make ``settings.count`` pictures of the one wish, or a contact sheet of all wishes' pictures.

    Args:
        wishes: exactly one, unless there is to be a sheet.
        settings: how.
        network: that is asked.
        inputs: the picture to start from (noise if there is none), a guide, a mask, a judge.
        compute: on what device, at what precision.
        on_step: called after every step.
    """
    from .artwork import Artwork, shared_progress
    from .sheet import contact_sheet

    together = _together(wishes, settings, inputs)
    made: list[list[Artwork]] = []
    for number, some in enumerate(together):
        group = _Group.of(some, settings, network, inputs, compute)
        made += group.best(shared_progress(on_step, number, len(together)))
        if any(artwork.stopped == "interrupted" for artwork in made[-1]):
            break
    if not settings.sheet:
        return made[0]
    tiles = [artwork for row in made for artwork in row]
    captions = [wish.caption for wish, row in zip(wishes, made, strict=False) for _ in row]
    # several of each: a row for each wish
    sheet = contact_sheet([tile.pixels for tile in tiles], captions, settings.count if settings.count > 1 else None)
    score = {name: sum(tile.score[name] for tile in tiles) / len(tiles) for name in tiles[0].score}
    stops = [tile.stopped for tile in tiles if tile.stopped != "done"]
    return [Artwork(sheet, score, stops[0] if stops else "done")]


def _together(wishes: Sequence[Wish], settings: Visualization, inputs: Inputs) -> list[Sequence[Wish]]:
    """Part the wishes into those whose pictures go through the network together, which is faster."""
    if len({wish.still for wish in wishes}) > 1:
        return [[wish] for wish in wishes]
    height, width = _size(settings, inputs)
    at_once = max(1, PIXELS_AT_ONCE // (settings.count * height * width))
    return [wishes[first : first + at_once] for first in range(0, len(wishes), at_once)]


@dataclass(frozen=True)
class _Group:
    """Wishes whose pictures go through the network together.

    Attributes:
        wishes: what the pictures shall show.
        settings, network, inputs: as of `visualize`.
        activations: gives all layers that are needed.
        objectives: what each wish climbs; measured once, so that all attempts are ranked in the same units.
        statistics: as of `batch_norm_statistics`, if they count.
        diverse: the layer in which the pictures shall differ; empty if there is one, or none matters.
    """

    wishes: Sequence[Wish]
    settings: Visualization
    network: Network
    inputs: Inputs
    activations: Activations
    objectives: Sequence[Objective]
    statistics: dict[str, tuple[Tensor, Tensor]]
    diverse: str

    @classmethod
    def of(
        cls, wishes: Sequence[Wish], settings: Visualization, network: Network, inputs: Inputs, compute: Compute
    ) -> _Group:
        import torch

        from .memory import activations_for

        statistics = batch_norm_statistics(network, compute.device) if settings.prior else {}
        diverse = network.card.aliases["mid"] if settings.count > 1 and settings.diversity else ""
        layers = [layer for wish in wishes for layer in wish.layers]
        start = _start(settings, inputs, torch.Generator().manual_seed(settings.seed)).to(compute.device)
        border = 0 if wishes[0].still else 2 * PADDING
        activations = activations_for(
            network,
            dict.fromkeys([*layers, *statistics, *([diverse] if diverse else [])]),
            compute,
            (start.shape[2] + border, start.shape[3] + border),
            count=len(wishes) * len(start),
        )
        with torch.inference_mode():
            seen = activations(start)
        objectives = [-wish.objective(seen) if settings.minimize else wish.objective(seen) for wish in wishes]
        return cls(wishes, settings, network, inputs, activations, objectives, statistics, diverse)

    def best(self, on_step: OnStep | None) -> list[list[Artwork]]:
        """Make the pictures of each wish ``best_of`` times, with other seeds, and keep the best of each."""
        from .artwork import shared_progress

        best: list[list[Artwork]] = []
        for attempt in range(self.settings.best_of):
            seed = (self.settings.seed + attempt * 1_000_003) % 2**63
            these = self._attempt(seed, shared_progress(on_step, attempt, self.settings.best_of))
            best = these if not best else [_better(*pair) for pair in zip(best, these, strict=True)]
            if any(artwork.stopped == "interrupted" for row in these for artwork in row):
                # also if the best is an earlier one: the others that were asked for are missing
                return [[replace(artwork, stopped="interrupted") for artwork in row] for row in best]
        return best

    def _attempt(self, seed: int, on_step: OnStep | None) -> list[list[Artwork]]:
        """Make the pictures of each wish once, all in one batch."""
        import torch

        from dreamcli.engine.ascent import Adam
        from dreamcli.engine.objectives import Apiece

        from .climb import climb

        settings = self.settings
        generator = torch.Generator().manual_seed(seed)
        start = _start(settings, self.inputs, generator).to(self.activations.compute.device)
        color = 0.0 if self.network.card.is_grey else settings.color
        images, stopped = climb(
            start.repeat(len(self.wishes), 1, 1, 1),
            Apiece(tuple(self._with_manners(objective) for objective in self.objectives)),
            self.activations,
            self.inputs,
            settings,
            parameterize=lambda image: _parameterization(settings, image, color),
            rule=Adam(settings.strength * RATES[settings.parameterization]),
            transforms=[] if self.wishes[0].still else _transforms(settings),
            generator=generator,
            rescue=RESCUED_STEPS,
            on_step=on_step,
        )
        return [
            self._scored(wish, objective, start, some, stopped)
            for wish, objective, some in zip(self.wishes, self.objectives, images.chunk(len(self.wishes)), strict=True)
        ]

    def _with_manners(self, objective: Objective) -> Objective:
        """An objective with what else counts: diversity and regularizers."""
        from dreamcli.engine.objectives import L2, BatchNormStatistics, Difference, TotalVariation

        settings = self.settings
        if self.diverse:
            objective = objective + settings.diversity * Difference(self.diverse)
        if settings.tv:
            objective = objective - settings.tv * TotalVariation()
        if settings.l2:
            objective = objective - settings.l2 * L2()
        if settings.prior:
            objective = objective - settings.prior * BatchNormStatistics(self.statistics)
        return objective

    def _scored(self, wish: Wish, objective: Objective, start: Tensor, images: Tensor, stopped: str) -> list[Artwork]:
        """The pictures of a wish, with their scores."""
        from .artwork import Artwork, to_pixels, to_tensor, value_of
        from .score import probability

        artworks, judge = [], self.inputs.judge
        for before, after in zip(start.chunk(len(start)), images.chunk(len(start)), strict=True):
            pixels = to_pixels(after)
            score = {
                "before": value_of(objective, self.activations, before),
                "after": value_of(objective, self.activations, to_tensor(pixels, after.device)),
            }
            rank = score["after"]
            if judge and wish.classes and self.settings.best_of > 1:
                rank = probability(judge, pixels, wish.classes) * (-1 if self.settings.minimize else 1)
            artworks.append(Artwork(pixels, score, stopped, rank))
        return artworks


def _better(these: list[Artwork], those: list[Artwork]) -> list[Artwork]:
    return [max(pair, key=lambda artwork: artwork.rank) for pair in zip(these, those, strict=True)]


def _size(settings: Visualization, inputs: Inputs) -> tuple[int, int]:
    """The (height, width) of each picture."""
    from .artwork import scaled_size

    if inputs.start is None:
        side = settings.size or (TILE if settings.sheet else SIZE)
        return side, side
    longest = settings.size or (TILE if settings.sheet else None)
    return scaled_size(inputs.start.shape[0], inputs.start.shape[1], longest)


def _start(settings: Visualization, inputs: Inputs, generator: torch.Generator) -> Tensor:
    """The pictures to start from, ``(count, 3, H, W)``."""
    import torch

    from dreamcli.engine import natural

    from .artwork import scaled_tensor

    size = _size(settings, inputs)
    if inputs.start is None:
        return natural.noise(settings.count, *size, START_CONTRAST, generator)
    image = scaled_tensor(inputs.start, max(size), torch.device("cpu"))
    if settings.count == 1:
        return image
    # something has to tell the pictures apart, or they would stay the same for ever
    noise = torch.randn(settings.count, *image.shape[1:], generator=generator)
    return (image + APART * noise).clamp(0, 1)


def _parameterization(settings: Visualization, image: Tensor, color: float) -> Parameterization:
    from dreamcli.engine.parameterization import Fourier, Phase, Pixels

    if settings.parameterization == "fourier":
        return Fourier(image, color)
    if settings.parameterization == "phase":
        return Phase(image, color)
    blurred = round(BLURRED_SHARE * settings.steps) if settings.blur else 0
    return Pixels(image, [settings.blur * (1 - step / blurred) for step in range(blurred)])


def _transforms(settings: Visualization) -> list[Transform]:
    from dreamcli.engine.transforms import Crop, Jitter, Noise, Pad, Turn

    transforms: list[Transform] = [Pad(PADDING), Jitter(settings.jitter)]
    if settings.turn or settings.zoom:
        transforms.append(Turn(settings.turn, (1 - settings.zoom, 1 + settings.zoom)))
    if settings.crop < 1:
        transforms.append(Crop((settings.crop, 1.0)))
    if settings.noise:
        transforms.append(Noise(settings.noise))
    return transforms


def batch_norm_statistics(network: Network, device: torch.device) -> dict[str, tuple[Tensor, Tensor]]:
    """The mean and standard deviation of every batch normalisation's output over the pictures it was trained on.

    Raises:
        WrongRequest: the network has no batch normalisation.
    """
    from torch import nn

    found = {
        name: (module.bias.detach().to(device), module.weight.detach().abs().clamp(min=1e-3).to(device))
        for name, module in network.module.named_modules()
        # those that run: some heads are for training only
        if isinstance(module, nn.BatchNorm2d) and module.affine and name in network.plan.shapes
    }
    check(bool(found), "this model has no batch normalisation, so there are no statistics for --prior")
    return found
