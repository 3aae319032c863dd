from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dreamcli.engine.activations import Activations, InputFormat
from dreamcli.engine.ascent import LBFGS, Adam, NormalizedGradient, Optimizer, ascend
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Channel, LayerEnergy, Objective
from dreamcli.engine.parameterization import Pixels
from dreamcli.engine.transforms import Jitter
from dreamcli.networks.zoo import Network


@pytest.fixture(scope="module")
def activations(network: Network, compute: Compute) -> Activations:
    return Activations(network.module, ["fire4"], InputFormat(), compute)


@pytest.fixture
def image() -> Tensor:
    torch.manual_seed(0)
    return 0.4 + 0.2 * torch.rand(1, 3, 48, 64)


OPTIMIZERS = [NormalizedGradient(0.01), NormalizedGradient(0.01, color=0.3), Adam(0.01)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("objective", [LayerEnergy("fire4"), Channel("fire4", 3), -LayerEnergy("fire4")])
def test_the_objective_rises(
    optimizer: Optimizer, objective: Objective, activations: Activations, image: Tensor, generator: torch.Generator
) -> None:
    pixels = Pixels(image)
    ascent = ascend(
        pixels, objective, activations, steps=8, optimizer=optimizer, transforms=[Jitter(4)], generator=generator
    )
    with torch.no_grad():
        after = float(objective(activations(pixels.render()), pixels.render()))
    assert ascent.stopped == "done"
    assert len(ascent.values) == 8
    assert after > ascent.values[0] + 0.05
    image = pixels.render().detach()
    assert float(image.min()) >= 0
    assert float(image.max()) <= 1


def test_the_same_seed_gives_the_same_bits(activations: Activations, image: Tensor) -> None:
    def make(seed: int) -> Tensor:
        pixels = Pixels(image)
        ascend(
            pixels, LayerEnergy("fire4"), activations, steps=3, optimizer=NormalizedGradient(0.01),
            transforms=[Jitter(8)], generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        return pixels.render().detach()

    assert torch.equal(make(1), make(1))
    assert not torch.equal(make(1), make(2))


def test_a_step_moves_pixels_by_its_size_on_average(
    activations: Activations, image: Tensor, generator: torch.Generator
) -> None:
    two = torch.cat([image, 0.5 + 0.01 * (image - 0.5)])
    pixels = Pixels(two)
    ascend(pixels, LayerEnergy("fire4"), activations, steps=1, optimizer=NormalizedGradient(0.004), generator=generator)
    moved = (pixels.render().detach() - two).abs().mean((1, 2, 3))
    torch.testing.assert_close(moved, torch.full((2,), 0.004), rtol=0.02, atol=0)


def test_the_steps_of_a_normalized_gradient_can_shrink_to_nothing_across_octaves() -> None:
    optimizer, moves = NormalizedGradient(0.01, steps=6), []
    for _octave in range(2):
        leaf = torch.zeros(1, 3, 4, 4, requires_grad=True)
        optimizer.begin([leaf])
        for _ in range(3):
            before = leaf.detach().clone()

            def evaluate(leaf: torch.Tensor = leaf) -> torch.Tensor:
                leaf.grad = torch.ones_like(leaf)
                return torch.zeros(())

            optimizer.step(evaluate)
            moves.append(float((leaf.detach() - before).abs().mean()))
    assert moves[0] == pytest.approx(0.01)
    assert moves == sorted(moves, reverse=True)
    assert 0 < moves[-1] < 0.001


def test_without_color_every_pixel_moves_along_gray(
    activations: Activations, image: Tensor, generator: torch.Generator
) -> None:
    pixels = Pixels(image)
    optimizer = NormalizedGradient(0.004, color=0)
    ascend(pixels, LayerEnergy("fire4"), activations, steps=1, optimizer=optimizer, generator=generator)
    moved = pixels.render().detach() - image
    torch.testing.assert_close(moved, moved.mean(1, keepdim=True).expand_as(moved), rtol=0, atol=1e-6)


class _Brightness(Objective):
    """Brightest at a value that no picture has."""

    def __call__(self, activations, image: Tensor) -> Tensor:
        return -(image - 1.5).square().sum()


@pytest.mark.parametrize("clips", [False, True])
def test_steps_whose_history_matters_are_clipped_at_the_end_only(
    activations: Activations, image: Tensor, generator: torch.Generator, clips: bool
) -> None:
    pixels, largest = Pixels(image), []
    optimizer = LBFGS(clips=clips)
    ascend(pixels, _Brightness(), activations, steps=3, optimizer=optimizer, generator=generator,
           on_step=lambda _step, _value: largest.append(float(pixels.leaves[0].detach().max())))  # fmt: skip
    assert (max(largest) > 1) == (not clips)
    assert float(pixels.leaves[0].detach().max()) <= 1


class _Poison(Objective):
    """Becomes NaN at the third step."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, activations, image: Tensor) -> Tensor:
        self.calls += 1
        return image.mean() * (float("nan") if self.calls == 3 else 1.0)


def test_stops_at_a_non_finite_value_with_the_last_finite_image(
    activations: Activations, image: Tensor, generator: torch.Generator
) -> None:
    pixels = Pixels(image)
    ascent = ascend(pixels, _Poison(), activations, steps=9, optimizer=NormalizedGradient(0.01), generator=generator)
    assert ascent.stopped == "non-finite"
    assert len(ascent.values) == 2
    assert bool(pixels.render().isfinite().all())
    torch.testing.assert_close(pixels.render().detach(), image + 0.02)


def test_a_failed_line_search_keeps_the_image_before_it(
    activations: Activations, image: Tensor, generator: torch.Generator
) -> None:
    class Cliff(Objective):
        """Rises, and becomes NaN a little further on."""

        def __call__(self, activations, image: Tensor) -> Tensor:
            value = image.mean()
            return value if value.detach() < cliff else value * float("nan")

    start = float(image.mean())
    cliff = start + 5.5 / image.numel()  # L-BFGS begins with steps of 1
    pixels = Pixels(image)
    ascent = ascend(pixels, Cliff(), activations, steps=50, optimizer=LBFGS(), generator=generator)
    assert ascent.stopped == "non-finite"
    assert start < float(pixels.render().detach().mean()) < cliff


def test_a_non_finite_gradient_changes_nothing(
    activations: Activations, image: Tensor, generator: torch.Generator
) -> None:
    class Cusp(Objective):
        def __call__(self, activations, image: Tensor) -> Tensor:
            return (image - image.detach()).sqrt().sum()  # a finite value with an infinite gradient

    pixels = Pixels(image)
    ascent = ascend(pixels, Cusp(), activations, steps=2, optimizer=Adam(0.01), generator=generator)
    assert (ascent.stopped, ascent.values) == ("non-finite", [])
    assert torch.equal(pixels.render().detach(), image)


def test_control_c_keeps_the_progress_so_far(
    activations: Activations, image: Tensor, generator: torch.Generator
) -> None:
    def interrupt(step: int, value: float) -> None:
        if step == 2:
            raise KeyboardInterrupt

    pixels = Pixels(image)
    ascent = ascend(
        pixels, LayerEnergy("fire4"), activations, steps=9, optimizer=NormalizedGradient(0.01),
        generator=generator, on_step=interrupt,
    )  # fmt: skip
    assert ascent.stopped == "interrupted"
    assert len(ascent.values) == 2
    assert not torch.equal(pixels.render().detach(), image)


def test_reports_every_step(activations: Activations, image: Tensor, generator: torch.Generator) -> None:
    seen: list[tuple[int, float]] = []
    ascent = ascend(
        Pixels(image), LayerEnergy("fire4"), activations, steps=3, optimizer=NormalizedGradient(0.01),
        generator=generator, on_step=lambda step, value: seen.append((step, value)),
    )  # fmt: skip
    assert seen == list(enumerate(ascent.values, 1))


def test_an_image_without_gradient_stays_the_same(
    activations: Activations, generator: torch.Generator, image: Tensor
) -> None:
    class Blind(Objective):
        def __call__(self, activations, image: Tensor) -> Tensor:
            return 0 * image.sum()

    pixels = Pixels(image)
    ascent = ascend(pixels, Blind(), activations, steps=2, optimizer=NormalizedGradient(0.01), generator=generator)
    assert ascent.stopped == "done"
    assert torch.equal(pixels.render().detach(), image)
