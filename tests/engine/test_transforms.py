from __future__ import annotations

import pytest
import torch

from dreamcli.engine.transforms import Crop, Jitter, Mirror, Noise, Pad, Turn


@pytest.mark.parametrize(("pixels", "size"), [(4, (20, 30)), (32, (5, 5)), (32, (1, 40)), (0, (9, 9))])
def test_jitter_only_moves_pixels(pixels: int, size: tuple[int, int], generator: torch.Generator) -> None:
    image = torch.rand(1, 3, *size)
    shifts = set()
    for _ in range(50):
        rolled = Jitter(pixels)(image, generator)
        assert torch.equal(rolled.flatten().sort().values, image.flatten().sort().values)
        y, x = (rolled[0, 0] == image[0, 0, 0, 0]).nonzero()[0].tolist()
        shifts.add((y, x))
        for shift, side in ((y, size[0]), (x, size[1])):
            assert min(shift, side - shift) <= min(pixels, side // 2)
    assert (len(shifts) > 10) == (pixels > 0)


TRANSFORMS = [Jitter(8), Pad(4), Turn(10, (0.9, 1.1)), Crop((0.5, 0.9)), Mirror(), Noise(0.1)]


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_only_the_generator_is_random_and_gradients_flow(transform, generator: torch.Generator) -> None:
    before = torch.get_rng_state()
    image = torch.rand(2, 3, 21, 30, generator=generator, requires_grad=True)
    first, second = (transform(image, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())
    first.square().sum().backward()
    assert image.grad is not None
    assert bool(image.grad.isfinite().all())
    assert float(image.grad.abs().sum()) > 0


def test_mirroring_swaps_left_and_right_about_every_other_time(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 9, 14)
    seen = [Mirror()(image, generator) for _ in range(40)]
    mirrored = sum(torch.equal(each, image.flip(3)) for each in seen)
    assert mirrored + sum(torch.equal(each, image) for each in seen) == 40
    assert 10 <= mirrored <= 30


def test_turning_by_nothing_changes_nothing(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 9, 14)
    torch.testing.assert_close(Turn(0, (1, 1))(image, generator), image)


def test_turning_keeps_angles_and_distances_from_the_center(generator: torch.Generator) -> None:
    spot = torch.full((1, 3, 41, 61), 0.5)
    spot[..., 20, 45] = 1.0
    for _ in range(10):
        found = Turn(20, (0.8, 1.2))(spot, generator)[0, 0] - 0.5
        y = (found * torch.arange(41.0)[:, None]).sum() / found.sum()
        x = (found * torch.arange(61.0)).sum() / found.sum()
        distance = float(torch.hypot(y - 20, x - 30))
        assert 0.75 * 15 < distance < 1.25 * 15
        assert abs(float(torch.atan2(y - 20, x - 30))) < 0.37


@pytest.mark.parametrize(("size", "side"), [((20, 30), 20), ((31, 12), 12)])
def test_a_crop_is_a_square_of_the_shorter_side(size: tuple[int, int], side: int, generator: torch.Generator) -> None:
    ramp = torch.arange(size[1]).float().expand(1, 3, *size)
    widths = set()
    for _ in range(20):
        part = Crop((0.5, 1.0))(ramp, generator)
        assert part.shape == (1, 3, side, side)
        widths.add(round(float(part.max() - part.min())))
    assert min(widths) >= 0.5 * side - 2
    assert len(widths) > 2


def test_padding_is_gray_and_noise_has_its_deviation(generator: torch.Generator) -> None:
    padded = Pad(3)(torch.zeros(1, 3, 4, 4), generator)
    assert padded.shape == (1, 3, 10, 10)
    assert float(padded[..., 0, 0].mean()) == 0.5
    assert float(Noise(0.2)(torch.zeros(1, 3, 64, 64), generator).std()) == pytest.approx(0.2, rel=0.05)
