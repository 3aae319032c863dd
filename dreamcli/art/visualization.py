"""Draw what a network looks for: a class, a layer, a channel or a neuron.

Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", 2009. Simonyan, Vedaldi and Zisserman, "Deep
Inside Convolutional Networks", 2013 (arXiv:1312.6034). Olah, Mordvintsev and Schubert, "Feature Visualization",
Distill, 2017 (https://distill.pub/2017/feature-visualization).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import torch
from torch import Tensor

from dreamcli.engine import natural
from dreamcli.engine.activations import Captured
from dreamcli.engine.compute import Compute
from dreamcli.engine.joint import AnyActivations
from dreamcli.engine.objectives import (
    L2,
    Apiece,
    BatchNormStatistics,
    Channel,
    Distributions,
    Diversity,
    Objective,
    TotalVariation,
)
from dreamcli.engine.octaves import over_white
from dreamcli.errors import check
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.visualization import TILE, BoostSettings, ClassSettings, VisualizationSettings

from .artwork import Artwork, Inputs, NotFinite, OnStep, part_of, value_of
from .climbing import PADDING, optimizer_of, parameterization_of, transforms_of
from .distributions import batch_norm_statistics, distributions_of
from .layer_objectives import objective_for
from .memory_plan import activations_for
from .octaves import DetailCanvas, climb_octaves
from .pixels import scaled_picture, scaled_size, to_pixels, to_tensor
from .score import probability
from .sheet import contact_sheet

START_CONTRAST = 0.1  # of the initial noise, as a share of a photograph's
PIXELS_AT_ONCE = 8 * TILE**2  # that go through the network together, for a sheet
NOISE_BETWEEN = 0.02  # standard deviation of the noise that sets variations of the same photograph apart
REDIRECTED_STEPS = 16


@dataclass(frozen=True)
class Target:
    """What a picture should show.

    Attributes:
        layers: those that the objective needs.
        objective: makes the objective from their activations for the start.
        classes: the names of the classes that a judge should see; empty if the target isn't a class.
        has_neuron: whether it contains a neuron, which has its place in the picture, so the picture must not move.
    """

    caption: str
    layers: tuple[NetworkLayer, ...]
    objective: Callable[[Captured], Objective]
    classes: tuple[str, ...] = ()
    has_neuron: bool = False


def visualize_class(
    settings: ClassSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Draw a class, or several: climb the logit until the picture shows the class.

    The logit, not the softmax, which could also be raised by pushing all other classes down.

    Args:
        settings, ensemble, compute, on_step: see `dream`.
        inputs: optionally a picture to start from, a mask, photographs to be like, and a judge.

    Returns:
        ``settings.count`` pictures, or one contact sheet.

    Raises:
        WrongRequest: a network or the judge doesn't know a class.
    """
    groups = [(index,) for index in settings.classes] if settings.sheet else [settings.classes]
    targets = [_class_target(group, ensemble) for group in groups]
    if inputs.judge and settings.best_of > 1:
        missing = {name for target in targets for name in target.classes} - set(inputs.judge.card.labels)
        check(not missing, f"the judge {inputs.judge.card.name} doesn't know the class {', '.join(sorted(missing))}")
    return visualize(targets, settings, ensemble, inputs, compute, on_step)


def _class_target(classes: tuple[int, ...], ensemble: Ensemble) -> Target:
    scores = [score for index in classes for score in ensemble.scores_of(index)]
    # logits are comparable as they are: one more makes the class e times as likely
    logits: list[Objective] = [output.weight * Channel(output.key, index) for output, index in scores]
    objective = reduce(operator.add, logits) * (1 / len(classes))
    names = tuple(ensemble.labels[index] for index in classes)
    return Target(" + ".join(names), tuple(output for output, _ in scores), lambda _seen: objective, names)


def boost(
    settings: BoostSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Boost layers, channels or neurons, in noise or in a picture, until it shows what they respond to.

    Args:
        settings, ensemble, compute, on_step: see `dream`.
        inputs: optionally a picture to start from, a guide, a mask, and photographs to be like.

    Returns:
        ``settings.count`` pictures, or one contact sheet.

    Raises:
        WrongRequest: a layer is unknown, or a channel or neuron is out of range.
    """
    groups = [(spec,) for spec in settings.layers] if settings.sheet else [settings.layers]
    targets = [_layer_target(group, ensemble, inputs, compute) for group in groups]
    return visualize(targets, settings, ensemble, inputs, compute, on_step)


def draw_each(
    settings: BoostSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[list[Artwork]]:
    """As `boost`, but draw each layer, channel or neuron by itself, all together, which is faster.

    Returns:
        ``settings.count`` pictures of each; if that is interrupted, of the first ones.
    """
    targets = [_layer_target((spec,), ensemble, inputs, compute) for spec in settings.layers]
    return draw_targets(targets, settings, ensemble, inputs, compute, on_step)


def _layer_target(specs: tuple[LayerSpec, ...], ensemble: Ensemble, inputs: Inputs, compute: Compute) -> Target:
    return Target(
        " ".join(map(str, specs)),
        tuple(layer for spec in specs for layer in ensemble.find(spec)),
        lambda seen: objective_for(specs, ensemble, inputs, seen, compute),
        has_neuron=any(spec.position for spec in specs),
    )


def visualize(
    targets: Sequence[Target],
    settings: VisualizationSettings,
    ensemble: Ensemble,
    inputs: Inputs,
    compute: Compute,
    on_step: OnStep | None,
) -> list[Artwork]:
    """Make ``settings.count`` pictures of the one target, or a contact sheet of all targets."""
    made = draw_targets(targets, settings, ensemble, inputs, compute, on_step)
    if not settings.sheet:
        return made[0]
    tiles = [artwork for row in made for artwork in row]
    captions = [target.caption for target, row in zip(targets, made, strict=False) for _ in row]
    # several variations: a row for each target
    sheet = contact_sheet([tile.pixels for tile in tiles], captions, settings.count if settings.count > 1 else None)
    score = {name: sum(tile.score[name] for tile in tiles) / len(tiles) for name in tiles[0].score}
    stops = [tile.stopped for tile in tiles if tile.stopped != "done"]
    return [Artwork(sheet, score, stops[0] if stops else "done")]


def draw_targets(
    targets: Sequence[Target],
    settings: VisualizationSettings,
    ensemble: Ensemble,
    inputs: Inputs,
    compute: Compute,
    on_step: OnStep | None,
) -> list[list[Artwork]]:
    """Draw each target by itself, all together, which is faster.

    Returns:
        ``settings.count`` pictures of each; if that is interrupted, of the first ones.
    """
    groups = _groups(targets, settings, inputs)
    made: list[list[Artwork]] = []
    for number, group in enumerate(groups):
        made += _Group(group, settings, ensemble, inputs, compute).best(part_of(on_step, number, len(groups)))
        if any(artwork.stopped == "interrupted" for artwork in made[-1]):
            break
    return made


def _groups(targets: Sequence[Target], settings: VisualizationSettings, inputs: Inputs) -> list[Sequence[Target]]:
    """Group the targets whose pictures go through the network together, which is faster."""
    if len({target.has_neuron for target in targets}) > 1:
        return [[target] for target in targets]
    height, width = _size(settings, inputs)
    at_once = max(1, PIXELS_AT_ONCE // (settings.count * height * width))
    return [targets[first : first + at_once] for first in range(0, len(targets), at_once)]


class _Group:
    """Targets whose pictures go through the network together."""

    def __init__(
        self,
        targets: Sequence[Target],
        settings: VisualizationSettings,
        ensemble: Ensemble,
        inputs: Inputs,
        compute: Compute,
    ) -> None:
        self._targets, self._settings, self._ensemble, self._inputs = targets, settings, ensemble, inputs
        like = inputs.references.like if settings.likeness else ()
        self._like = distributions_of(like, ensemble, compute, inputs.memo) if like else {}
        self._statistics = batch_norm_statistics(ensemble, compute.device) if settings.prior else {}
        # the layers in which variations should differ
        self._diverse = ensemble.find(LayerSpec("mid")) if settings.count > 1 and settings.diversity else []
        layers = [layer for target in targets for layer in target.layers]
        height, width = _size(settings, inputs)
        border = 0 if targets[0].has_neuron else 2 * PADDING[settings.parameterization]
        self._activations: AnyActivations = activations_for(
            [*layers, *self._statistics, *self._like, *self._diverse],
            compute,
            (height + border, width + border),
            count=len(targets) * settings.count,
        )
        self._objectives: list[Objective] = []  # measured once, so that all attempts are ranked in the same units

    def best(self, on_step: OnStep | None) -> list[list[Artwork]]:
        """Draw each target ``best_of`` times, with different seeds, and keep the best of each picture.

        Raises:
            NotFinite: the first attempt failed.
        """
        best: list[list[Artwork]] = []
        for attempt in range(self._settings.best_of):
            seed = (self._settings.seed + attempt * 1_000_003) % 2**63
            try:
                these = self._attempt(seed, part_of(on_step, attempt, self._settings.best_of))
            except NotFinite:
                if not best:
                    raise
                return [[replace(artwork, stopped="non-finite") for artwork in row] for row in best]
            best = [list(map(_better, *pair)) for pair in zip(best, these, strict=True)] if best else these
            if any(artwork.stopped == "interrupted" for row in these for artwork in row):
                # even if the best is an earlier one: other attempts that were asked for are missing
                return [[replace(artwork, stopped="interrupted") for artwork in row] for row in best]
        return best

    def _attempt(self, seed: int, on_step: OnStep | None) -> list[list[Artwork]]:
        """Draw each target once, all in one batch."""
        settings = self._settings
        generator = torch.Generator().manual_seed(seed)
        start = _start(settings, self._inputs, generator).to(self._activations.compute.device)
        if not self._objectives:
            self._measure(start)
        is_grey = all(network.card.is_grey for network in self._ensemble.networks)
        color = 0.0 if is_grey else settings.color
        canvas = DetailCanvas(
            start.repeat(len(self._targets), 1, 1, 1),
            lambda image: parameterization_of(settings, image, color),
            self._inputs,
        )
        whole = Apiece(tuple(self._penalized(objective) for objective in self._objectives))
        transforms = [] if self._targets[0].has_neuron else transforms_of(settings)
        climbed = climb_octaves(
            canvas,
            lambda _octave: whole,
            self._activations,
            settings,
            optimizer=optimizer_of(settings, canvas.size),
            transforms=lambda _size: transforms,
            generator=generator,
            # minimizing needs it at every step: the objective is zero once the layer no longer responds
            redirect=settings.steps if settings.minimize else REDIRECTED_STEPS,
            on_step=on_step,
        )
        images = canvas.finished().chunk(len(self._targets))
        return [
            self._scored(target, objective, start, some, climbed.stopped)
            for target, objective, some in zip(self._targets, self._objectives, images, strict=True)
        ]

    def _measure(self, start: Tensor) -> None:
        """Make the objectives, in units of what the start shows."""
        with torch.inference_mode():
            seen = self._activations(self._seen(start))
        objectives = [target.objective(seen) for target in self._targets]
        self._objectives = [-objective if self._settings.minimize else objective for objective in objectives]

    def _penalized(self, objective: Objective) -> Objective:
        """The objective with diversity and the penalties."""
        settings = self._settings
        for layer in self._diverse:
            objective = objective + settings.diversity / len(self._diverse) * Diversity(layer.key)
        if settings.tv:
            objective = objective - settings.tv * TotalVariation()
        if settings.l2:
            objective = objective - settings.l2 * L2()
        if settings.prior:
            statistics = {layer.key: values for layer, values in self._statistics.items()}
            objective = objective - settings.prior * BatchNormStatistics(statistics)
        if self._like:
            wanted = {layer.key: values for layer, values in self._like.items()}
            objective = objective - settings.likeness * Distributions(wanted)
        return objective

    def _scored(
        self, target: Target, objective: Objective, start: Tensor, images: Tensor, stopped: str
    ) -> list[Artwork]:
        """The pictures of a target, with their scores."""
        artworks, judge = [], self._inputs.judge
        for before, after in zip(start.chunk(len(start)), images.chunk(len(start)), strict=True):
            pixels = to_pixels(after)
            shown = self._seen(to_tensor(pixels, after.device))
            score = {
                "before": value_of(objective, self._activations, self._seen(before)),
                "after": value_of(objective, self._activations, shown),
            }
            rank = score["after"]
            if judge and target.classes and self._settings.best_of > 1:
                rank = probability(judge, to_pixels(shown), target.classes) * (-1 if self._settings.minimize else 1)
            # a sheet has no transparency of its own
            artworks.append(Artwork(to_pixels(shown) if self._settings.sheet else pixels, score, stopped, rank))
        return artworks

    def _seen(self, image: Tensor) -> Tensor:
        """What networks see of a picture at full size, ``(N, 3, H, W)``."""
        size = (image.shape[2], image.shape[3])
        return over_white(image, self._inputs.alpha_tensor(size, image.device))


def _better(this: Artwork, that: Artwork) -> Artwork:
    return max(this, that, key=lambda artwork: artwork.rank if math.isfinite(artwork.rank) else -math.inf)


def _size(settings: VisualizationSettings, inputs: Inputs) -> tuple[int, int]:
    """The (height, width) of each picture."""
    if inputs.start is None:
        return (settings.side(None),) * 2
    height, width = inputs.start.pixels.shape[:2]
    return scaled_size(height, width, settings.side(max(height, width)))


def _start(settings: VisualizationSettings, inputs: Inputs, generator: torch.Generator) -> Tensor:
    """The pictures to start from, ``(count, 3, H, W)``."""
    size = _size(settings, inputs)
    if inputs.start is None:
        return natural.noise(settings.count, *size, START_CONTRAST, generator)
    image = scaled_picture(inputs.start, max(size), torch.device("cpu"))
    if settings.count == 1:
        return image
    # identical variations would stay identical forever
    noise = torch.randn(settings.count, *image.shape[1:], generator=generator)
    return (image + NOISE_BETWEEN * noise).clamp(0, 1)
