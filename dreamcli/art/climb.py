"""The way from small to large that dreams and visualizations take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dreamcli.engine.activations import Activations
from dreamcli.engine.ascent import Rule, ascend
from dreamcli.engine.objectives import Objective
from dreamcli.engine.octaves import octave_sizes, resize
from dreamcli.engine.parameterization import Masked, Parameterization
from dreamcli.engine.transforms import Transform

from .artwork import Inputs, OnStep, in_octave
from .schedule import SMALLEST_OCTAVE


def climb(
    start: Tensor,
    objective: Objective,
    activations: Activations,
    inputs: Inputs,
    settings: Any,
    *,
    parameterize: Callable[[Tensor], Parameterization],
    rule: Rule,
    transforms: Sequence[Transform],
    generator: torch.Generator,
    rescue: int = 0,
    on_step: OnStep | None = None,
) -> tuple[Tensor, str]:
    """Climb an objective in octaves, from small to large.

    What is carried up from one octave to the next is the added detail alone, enlarged and added to the sharp
    start, so a photograph stays sharp.

    Args:
        start: ``(N, 3, H, W)`` in [0, 1].
        objective: what to climb.
        activations: gives the layers that it needs.
        inputs: for a mask.
        settings: for steps, octaves and octave_scale.
        parameterize: makes of an octave's first image what is climbed.
        rule, transforms, generator, rescue: as of `ascend`.
        on_step: called after every step.

    Returns:
        the image, ``(N, 3, H, W)``, not clipped; and why it stopped, as of `Ascent`.
    """
    size = (start.shape[2], start.shape[3])
    sizes = octave_sizes(*size, settings.octaves, settings.octave_scale, SMALLEST_OCTAVE)
    detail = torch.zeros_like(start[:, :, :1, :1])
    for octave, now in enumerate(sizes, 1):
        base = resize(start, now).clamp(0, 1)
        painted = climbed = parameterize((base + resize(detail, now)).clamp(0, 1))
        if inputs.mask is not None:
            climbed = Masked(painted, base, inputs.mask_tensor(now, start.device))
        ascent = ascend(
            climbed,
            objective,
            activations,
            steps=settings.steps,
            rule=rule,
            transforms=transforms,
            generator=generator,
            rescue=rescue,
            on_step=in_octave(on_step, settings.steps, octave, sizes, climbed.render),
        )
        detail = painted.render().detach() - base
        if ascent.stopped != "done":
            break
    detail = resize(detail, size)
    if inputs.mask is not None:
        detail = detail * inputs.mask_tensor(size, start.device)
    return start + detail, ascent.stopped
