"""The one optimization loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, cast

import torch
from torch import Tensor
from torch.optim.adam import adam

from .joint import AnyActivations
from .objectives import Objective
from .parameterization import Parameterization
from .redirect import RedirectedReLUs
from .transforms import Transform

Evaluate = Callable[[], Tensor]


class Optimizer(Protocol):
    """How gradients become steps.

    Attributes:
        clips: whether leaves are made valid after every step, or only after the last one.
    """

    @property
    def clips(self) -> bool: ...

    def begin(self, leaves: Sequence[Tensor]) -> None:
        """Prepare to change these tensors in place."""

    def step(self, evaluate: Evaluate) -> None:
        """Take one step. ``evaluate()`` sets every leaf's ``.grad`` to the loss's gradient, and returns the loss."""


@dataclass
class NormalizedGradient:
    """Follow the gradient so that pixels move by ``size`` on average, whatever the gradient's scale.

    As in Google's DeepDream notebook (Mordvintsev et al., 2015), except for color: networks' gradients are far more
    colorful than photographs, and at full strength they burn into pure red, green and blue. Each image of a batch is
    normalized separately.

    Attributes:
        size: in units of the leaf, where 1 is the difference between black and white.
        color: how much to keep of the gradient's deviation from gray, from 0 to 1. Less than 1 needs leaves
            ``(N, 3, H, W)`` in RGB.
        steps: the number of steps over which the size falls to 0, along half a cosine; None for a constant size.
    """

    size: float
    color: float = 1.0
    steps: int | None = None
    clips: ClassVar[bool] = True
    _leaves: Sequence[Tensor] = ()
    _taken: int = 0

    def begin(self, leaves: Sequence[Tensor]) -> None:
        self._leaves = leaves

    @torch.no_grad()
    def step(self, evaluate: Evaluate) -> None:
        with torch.enable_grad():
            evaluate()
        size = self.size
        if self.steps:
            size *= 0.5 * (1 + math.cos(math.pi * self._taken / self.steps))
            self._taken += 1
        for leaf in self._leaves:
            assert leaf.grad is not None
            if self.color < 1:
                red, green, blue = leaf.grad.unbind(1)
                gray = (red + green).add_(blue).div_(3)
                for channel in (red, green, blue):
                    channel.lerp_(gray, 1 - self.color)
            total = torch.linalg.vector_norm(leaf.grad, 1, tuple(range(1, leaf.dim())), keepdim=True)
            mean = (total / leaf[0].numel()).clamp_(min=1e-30)
            leaf.addcdiv_(leaf.grad, mean, value=-size)


@dataclass
class Adam:
    """Torch's Adam (Kingma and Ba, 2014, arXiv:1412.6980), as a function: its class imports torch's whole compiler."""

    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    clips: ClassVar[bool] = True
    _leaves: list[Tensor] = field(default_factory=list)
    _averages: list[Tensor] = field(default_factory=list)
    _squares: list[Tensor] = field(default_factory=list)
    _taken: list[Tensor] = field(default_factory=list)

    def begin(self, leaves: Sequence[Tensor]) -> None:
        self._leaves = list(leaves)
        self._averages, self._squares = ([torch.zeros_like(leaf) for leaf in leaves] for _ in range(2))
        self._taken = [torch.zeros((), device=leaf.device) for leaf in leaves]

    def step(self, evaluate: Evaluate) -> None:
        evaluate()
        gradients = [cast("Tensor", leaf.grad) for leaf in self._leaves]
        with torch.no_grad():
            adam(
                self._leaves,
                gradients,
                self._averages,
                self._squares,
                [],
                self._taken,
                fused=True,
                amsgrad=False,
                beta1=self.betas[0],
                beta2=self.betas[1],
                lr=self.learning_rate,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )


@dataclass
class LBFGS:
    """Torch's L-BFGS (Liu and Nocedal, 1989) with a strong Wolfe line search; several evaluations per step.

    It estimates the curvature from its own steps. Clipping them, as version 1 of the style recipe does, spoils that.
    """

    history: int = 20
    clips: bool = False
    _leaves: Sequence[Tensor] = ()
    _optimizer: torch.optim.Optimizer = field(init=False, repr=False, compare=False)

    def begin(self, leaves: Sequence[Tensor]) -> None:
        for leaf in leaves:
            leaf.data = leaf.data.contiguous()  # torch's L-BFGS supports no other layout
        self._leaves = leaves
        self._optimizer = torch.optim.LBFGS(
            list(leaves), max_iter=1, history_size=self.history, line_search_fn="strong_wolfe"
        )

    def step(self, evaluate: Evaluate) -> None:
        before = [leaf.detach().clone() for leaf in self._leaves]
        try:
            self._optimizer.step(evaluate)  # type: ignore[arg-type]
        except BaseException:
            # undo the line search's trial step
            with torch.no_grad():
                for leaf, was in zip(self._leaves, before, strict=True):
                    leaf.copy_(was)
            raise


@dataclass
class Ascent:
    """The course of a climb.

    Attributes:
        values: the objective before each step that was taken.
        stopped: why it stopped: "done", "interrupted" or "non-finite". After the latter, the value or the gradient at
            the leaves isn't finite; if the last step was too large, neither are the leaves.
    """

    values: list[float] = field(default_factory=list)
    stopped: Literal["done", "non-finite", "interrupted"] = "done"


class _NonFinite(Exception):
    """The objective or its gradient is no longer finite."""


def ascend(
    parameterization: Parameterization,
    objective: Objective,
    activations: AnyActivations,
    *,
    steps: int,
    optimizer: Optimizer,
    transforms: Sequence[Transform] = (),
    generator: torch.Generator,
    redirect: int = 0,
    on_step: Callable[[int, float], None] | None = None,
) -> Ascent:
    """Climb ``objective`` for ``steps`` steps, changing the leaves of ``parameterization`` in place.

    Neither a non-finite value nor Ctrl-C raises: both end the climb, and the leaves hold the progress so far.

    Args:
        activations: those of the layers that ``objective`` needs.
        transforms: applied in turn to the rendered image before the network sees it.
        generator: draws all random numbers except a network's own; on the CPU, so a seed means the same on every
            device.
        redirect: the number of steps at the start during which gradients pass through dead ReLUs.
        on_step: called with the number of steps taken and the objective's value before the last of them.
    """
    leaves = parameterization.leaves
    ascent = Ascent()
    values: list[float] = []

    def evaluate() -> Tensor:
        for leaf in leaves:
            leaf.grad = None
        image = parameterization.render()
        for transform in transforms:
            image = transform(image, generator)
        loss = -objective(activations(image), image)
        loss.backward()  # type: ignore[no-untyped-call]
        total = loss.detach() + sum(leaf.grad.sum() for leaf in leaves if leaf.grad is not None)
        if not bool(total.isfinite()):
            raise _NonFinite
        values.append(-loss.item())
        return loss.detach()

    optimizer.begin(leaves)
    try:
        for step in range(steps):
            values.clear()
            with RedirectedReLUs() if step < redirect else nullcontext():
                optimizer.step(evaluate)
            if optimizer.clips:
                parameterization.project()
            ascent.values.append(values[0])
            if on_step:
                on_step(step + 1, values[0])
    except _NonFinite:
        ascent.stopped = "non-finite"
    except KeyboardInterrupt:
        ascent.stopped = "interrupted"
    if not optimizer.clips:
        parameterization.project()
    return ascent
