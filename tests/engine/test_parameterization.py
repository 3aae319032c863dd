from __future__ import annotations

import torch

from dreamcli.engine.parameterization import Pixels


def test_pixels_copy_the_image_and_stay_in_range() -> None:
    image = torch.rand(1, 3, 8, 8)
    pixels = Pixels(image)
    assert torch.equal(pixels.render(), image)
    with torch.no_grad():
        pixels.leaves[0].mul_(5).sub_(2)
    pixels.project()
    rendered = pixels.render().detach()
    assert (float(rendered.min()), float(rendered.max())) == (0, 1)
    assert float(image.max()) <= 1
    assert pixels.render().is_contiguous(memory_format=torch.channels_last)
