from __future__ import annotations

import pytest
import torch

from dreamcli.engine.transforms import Jitter


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


def test_jitter_leaves_the_global_randomness_alone(generator: torch.Generator) -> None:
    before = torch.get_rng_state()
    Jitter(8)(torch.rand(1, 3, 9, 9, generator=generator), generator)
    assert torch.equal(before, torch.get_rng_state())
