from __future__ import annotations

import numpy as np
import pytest
import torch

from dreamcli.art.pixels import scaled_size, scaled_tensor, to_pixels, to_tensor
from tests.conftest import scene

CPU = torch.device("cpu")


def test_pixels_become_a_tensor_and_come_back() -> None:
    pixels = scene(7, 9)
    image = to_tensor(pixels, CPU)
    assert (image.shape, image.dtype) == ((1, 3, 7, 9), torch.float32)
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert float(image[0, 1, 2, 3]) == pytest.approx(pixels[2, 3, 1] / 255)
    np.testing.assert_array_equal(to_pixels(image), pixels)


def test_pixels_are_clipped_and_rounded() -> None:
    image = torch.tensor([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 254.4 / 255, 1.0, 2.0]).expand(1, 3, 1, 7)
    was = image.clone()
    pixels = to_pixels(image)
    assert (pixels.shape, pixels.dtype) == ((1, 7, 3), np.uint8)
    assert pixels[0, :, 0].tolist() == [0, 0, 0, 1, 254, 255, 255]
    assert torch.equal(image, was)


def test_a_tensor_does_not_share_its_memory_with_the_pixels() -> None:
    pixels = scene(4, 4)
    to_tensor(pixels, CPU).zero_()
    np.testing.assert_array_equal(pixels, scene(4, 4))


@pytest.mark.parametrize(
    ("height", "width", "longest", "size"),
    [
        (60, 80, None, (60, 80)),
        (60, 80, 80, (60, 80)),
        (60, 80, 40, (30, 40)),
        (80, 60, 120, (120, 90)),
        (1, 3000, 100, (1, 100)),
        (3000, 1, 10, (10, 1)),
    ],
)
def test_a_size_is_scaled_in_proportion(height: int, width: int, longest: int | None, size: tuple[int, int]) -> None:
    assert scaled_size(height, width, longest) == size
    image = scaled_tensor(np.full((height, width, 3), 200, np.uint8), longest, CPU)
    assert image.shape == (1, 3, *size)
    assert float((image - 200 / 255).abs().max()) < 1e-5


def test_resizing_stays_within_the_range() -> None:
    checkers = (np.indices((40, 40)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    for longest in (17, 53):
        image = scaled_tensor(checkers, longest, CPU)
        assert 0 <= float(image.min()) <= float(image.max()) <= 1
