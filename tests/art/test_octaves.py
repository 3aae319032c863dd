from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from dreamcli.art.artwork import Inputs, NotFinite, Step
from dreamcli.art.octaves import LARGE, DetailCanvas, Octave, Size, climb_octaves, schedule
from dreamcli.art.pixels import to_tensor
from dreamcli.engine.activations import Activations
from dreamcli.engine.ascent import NormalizedGradient, Optimizer
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Objective
from dreamcli.engine.octaves import octave_sizes
from dreamcli.engine.parameterization import Pixels
from dreamcli.files.reading import Picture
from dreamcli.networks.zoo import Network
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.references import References
from tests.conftest import scene

CPU = torch.device("cpu")
SCHEDULE = DreamSettings(steps=3, octaves=3, octave_scale=1.25)


def test_a_dream_begins_small_and_spends_its_steps_there() -> None:
    assert schedule((384, 512), DreamSettings()) == [((168, 224), 16), ((254, 339), 7), ((384, 512), 3)]
    assert schedule((100, 128), DreamSettings()) == [((100, 128), 16)]
    assert schedule((384, 512), DreamSettings(octaves=2, steps=5)) == [((192, 256), 5), ((384, 512), 5)]


@pytest.mark.parametrize("size", [(3000, 4000), (4000, 3000), (600, 30_000), (2, 5000), (801, 801)])
def test_the_largest_pictures_are_dreamed_like_large_ones(size: Size) -> None:
    found = schedule(size, DreamSettings())
    assert max(found[0][0]) == 224
    assert max(found[-1][0]) == LARGE
    assert min(min(each) for each, _ in found) >= 1
    steps = [steps for _, steps in found]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] >= 2


class Brightness(Objective):
    """The mean of the image; it needs no layer."""

    def __call__(self, activations: object, image: Tensor) -> Tensor:
        return image.mean()


@pytest.fixture
def activations(network: Network, compute: Compute) -> Activations:
    return network.activations(["pool1"], compute)


def brightened(
    activations: Activations,
    start: Tensor,
    inputs: Inputs | None = None,
    objective: Callable[[Octave], Objective] = lambda _octave: Brightness(),
    on_step: Callable[[Step], None] | None = None,
    optimizer: Optimizer | None = None,
) -> tuple[Tensor, str]:
    canvas = DetailCanvas(start, Pixels, inputs or Inputs())
    climbed = climb_octaves(
        canvas,
        objective,
        activations,
        SCHEDULE,
        optimizer=optimizer or NormalizedGradient(0.01),
        transforms=lambda _size: [],
        generator=torch.Generator().manual_seed(0),
        on_step=on_step,
    )
    return canvas.finished(), climbed.stopped


def test_the_details_of_all_octaves_are_added_to_the_start(activations: Activations) -> None:
    start = to_tensor(scene(100, 130) // 2, CPU)
    image, stopped = brightened(activations, start)
    assert stopped == "done"
    assert image.shape == start.shape
    # each step moves every pixel by 0.01
    assert float((image - start - 9 * 0.01).abs().max()) < 1e-3


def test_the_start_stays_sharp(activations: Activations) -> None:
    lines = np.zeros((100, 130, 3), np.uint8)
    lines[::2] = 200
    image, _ = brightened(activations, to_tensor(lines, CPU))
    difference = image[:, :, 0::2] - image[:, :, 1::2]
    assert float((difference - 200 / 255).abs().max()) < 0.1


def test_only_the_bright_part_of_a_mask_changes(activations: Activations) -> None:
    mask = np.zeros((100, 130, 3), np.uint8)
    mask[:, 65:] = 255
    start = to_tensor(scene(100, 130) // 2, CPU)
    image, _ = brightened(activations, start, Inputs(references=References(mask=Picture(mask))))
    change = (image - start)[0].mean((0, 1))
    assert float(change[:60].abs().max()) < 1e-5
    assert float(change[70:].min()) > 0.05


def test_each_octave_has_its_size_and_its_steps(activations: Activations) -> None:
    sizes: list[Size] = []
    seen: list[Step] = []
    shapes: list[tuple[int, ...]] = []

    def objective(octave: Octave) -> Objective:
        sizes.append(octave.size)
        return Brightness()

    def on_step(step: Step) -> None:
        seen.append(step)
        shapes.append(step.picture().shape)

    brightened(activations, to_tensor(scene(120, 160), CPU), objective=objective, on_step=on_step)
    assert sizes == octave_sizes(120, 160, 3, 1.25, 64)
    assert [(step.octave, step.step) for step in seen] == [(o, s) for o in (1, 2, 3) for s in (1, 2, 3)]
    assert shapes == [(*size, 3) for size in sizes for _ in range(3)]
    # the work is counted in pixels
    areas = [height * width for height, width in sizes]
    assert seen[2].share == pytest.approx(areas[0] / sum(areas))
    assert seen[-1].share == 1
    assert all(step.steps == step.octaves == 3 for step in seen)


def test_small_pictures_have_fewer_octaves(activations: Activations) -> None:
    seen: list[Step] = []
    brightened(activations, to_tensor(scene(40, 50), CPU), on_step=seen.append)
    assert [step.octaves for step in seen] == [1, 1, 1]


class Poisoned(Brightness):
    """Is no number any more after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def __call__(self, activations: object, image: Tensor) -> Tensor:
        self._left -= 1
        return image.mean() * (1.0 if self._left >= 0 else float("nan"))


class Leap:
    """A optimizer whose steps lead out of the numbers after so many of them."""

    clips = True

    def __init__(self, steps: int) -> None:
        self._left = steps

    def begin(self, leaves: Sequence[Tensor]) -> None:
        self._leaves = leaves

    def step(self, evaluate: Callable[[], Tensor]) -> None:
        evaluate()
        self._left -= 1
        with torch.no_grad():
            self._leaves[0].add_(0.01 if self._left >= 0 else float("nan"))


@pytest.mark.parametrize(
    ("objective", "optimizer", "kept"),
    [
        (Poisoned(0), NormalizedGradient(0.01), None),
        (Poisoned(1), NormalizedGradient(0.01), 1),
        (Poisoned(3), NormalizedGradient(0.01), 3),  # in the second octave, before its first step
        (Poisoned(8), NormalizedGradient(0.01), 8),
        (Brightness(), Leap(0), None),
        (Brightness(), Leap(2), None),  # the last step of the first octave
        (Brightness(), Leap(4), 3),  # what the second octave did is lost
        (Brightness(), Leap(8), 6),  # the very last step
    ],
)
def test_a_value_that_is_not_finite_leaves_a_picture_or_raises(
    activations: Activations, objective: Objective, optimizer: Optimizer, kept: int | None
) -> None:
    start = to_tensor(scene(120, 160) // 2, CPU)
    if kept is None:
        with pytest.raises(NotFinite):
            brightened(activations, start, objective=lambda _size: objective, optimizer=optimizer)
        return
    image, stopped = brightened(activations, start, objective=lambda _size: objective, optimizer=optimizer)
    assert stopped == "non-finite"
    assert float((image - start - kept * 0.01).abs().max()) < 1e-3


@pytest.mark.parametrize("reason", ["interrupted", "non-finite"])
def test_a_climb_that_stops_keeps_its_progress(activations: Activations, reason: str) -> None:
    class Breaking(Brightness):
        def __call__(self, activations: object, image: Tensor) -> Tensor:
            return image.mean() * float("nan" if reason == "non-finite" and len(seen) == 4 else 1)

    def on_step(step: Step) -> None:
        seen.append(step)
        if reason == "interrupted" and len(seen) == 4:
            raise KeyboardInterrupt

    seen: list[Step] = []
    start = to_tensor(scene(120, 160) // 2, CPU)
    image, stopped = brightened(activations, start, objective=lambda _size: Breaking(), on_step=on_step)
    assert stopped == reason
    assert len(seen) == 4  # one step of the second octave, and none of the third
    assert image.shape == start.shape
    assert float((image - start - 4 * 0.01).abs().max()) < 1e-3
