from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dreamcli.art.colors import grey, matched, recolored
from dreamcli.art.pixels import to_tensor
from tests.conftest import scene

CPU = torch.device("cpu")
PHOTO = to_tensor(scene(50, 60) // 3 + 80, CPU)
OTHER = to_tensor(np.random.default_rng(0).integers(90, 160, (40, 30, 3), np.uint8), CPU)


def moments(image: Tensor) -> tuple[Tensor, Tensor]:
    pixels = image[0].flatten(1).double()
    return pixels.mean(1), pixels.cov()


def test_grey_is_the_brightness() -> None:
    image = grey(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1))
    assert image.flatten().tolist() == [np.float32(0.299)] * 3
    assert torch.allclose(grey(grey(PHOTO)), grey(PHOTO), atol=1e-6)
    assert torch.allclose(grey(torch.ones(1, 3, 2, 2)), torch.ones(1, 3, 2, 2))


def test_matched_colors_have_the_others_mean_and_covariance() -> None:
    image = matched(OTHER, PHOTO * 0.3 + 0.35)  # nothing is clipped
    assert image.shape == OTHER.shape
    for found, wanted in zip(moments(image), moments(PHOTO * 0.3 + 0.35), strict=True):
        assert torch.allclose(found, wanted, atol=1e-3)


def test_colors_that_match_already_stay() -> None:
    assert torch.allclose(matched(PHOTO, PHOTO), PHOTO, atol=1e-4)


def test_a_picture_of_one_color_can_be_matched() -> None:
    flat = torch.full((1, 3, 8, 8), 0.25)
    assert torch.allclose(matched(PHOTO, flat), flat.mean(), atol=0.01)
    assert matched(flat, PHOTO).isfinite().all()


def test_a_recolored_picture_keeps_its_brightness() -> None:
    result = (0.5 * grey(PHOTO) + 0.2).clamp(0, 1)
    image = recolored(result, PHOTO)
    inside = ((image > 0) & (image < 1)).all(1, keepdim=True)
    assert float(inside.float().mean()) > 0.9
    assert float(((grey(image) - grey(result)) * inside).abs().max()) < 1e-5
    assert float((((image - grey(image)) - (PHOTO - grey(PHOTO))) * inside).abs().max()) < 1e-5
    assert torch.allclose(recolored(PHOTO, PHOTO), PHOTO)
