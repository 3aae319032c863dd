from __future__ import annotations

import pytest
import torch

from dreamcli.engine.camera import inside, moved


@pytest.fixture
def image(generator: torch.Generator) -> torch.Tensor:
    coarse = torch.rand(1, 3, 6, 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, (60, 80), mode="bicubic").clamp(0, 1)


MIDDLE = (29.5, 39.5)


def test_a_camera_that_stands_still_changes_nothing(image: torch.Tensor) -> None:
    torch.testing.assert_close(moved(image, 1, 0, MIDDLE), image, atol=1e-4, rtol=0)


def test_a_zoom_enlarges_the_middle(image: torch.Tensor) -> None:
    enlarged = torch.nn.functional.interpolate(image[:, :, 15:45, 20:60], (60, 80), mode="bicubic")
    close = moved(image, 2, 0, MIDDLE)
    assert (close - enlarged)[:, :, 4:-4, 4:-4].abs().max() < 0.02


@pytest.mark.parametrize("center", [(10.0, 60.0), (29.5, 39.5)])
def test_the_center_stays_in_its_place(image: torch.Tensor, center: tuple[float, float]) -> None:
    row, column = (int(place) for place in center)
    after = moved(image, 3, 20, center)
    assert (after - image)[:, :, row, column].abs().max() < 0.1


def test_a_turn_is_counterclockwise(image: torch.Tensor) -> None:
    square = image[:, :, :, 10:70]
    turned = moved(square, 1, 90, (29.5, 29.5))
    torch.testing.assert_close(turned, square.rot90(1, (2, 3)), atol=1e-3, rtol=0)


def test_moves_add_up(image: torch.Tensor) -> None:
    twice = moved(moved(image, 1.1, 4, MIDDLE), 1.1, 4, MIDDLE)
    assert (twice - moved(image, 1.21, 8, MIDDLE))[:, :, 8:-8, 8:-8].abs().max() < 0.02


def test_what_is_outside_is_a_reflection(image: torch.Tensor) -> None:
    small = moved(image, 0.5, 0, MIDDLE)
    assert small.isfinite().all()
    assert (small[:, :, 14] - small[:, :, 15]).abs().max() < 0.2  # no jump at the edge


def test_the_image_ends_in_a_soft_edge(image: torch.Tensor) -> None:
    share = inside(image, 0.5, 0, MIDDLE, 0.2)
    assert share.shape == (1, 1, 60, 80)
    assert share[0, 0, 30, 40] == 1
    assert (share[0, 0, :14] == 0).all()
    column = share[0, 0, 14:30, 40]
    assert (column.diff() >= 0).all()
    assert ((column > 0.05) & (column < 0.95)).sum() >= 3
    assert (inside(image, 2, 0, MIDDLE, 0.2) == 1).all()
    assert (inside(image, 1, 0, MIDDLE, 0) == 1).all()
