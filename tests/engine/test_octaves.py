from __future__ import annotations

import pytest
import torch

from dreamcli.engine.octaves import octave_sizes, resize


@pytest.mark.parametrize(
    ("arguments", "sizes"),
    [
        ((384, 512, 3, 2.0, 1), [(96, 128), (192, 256), (384, 512)]),
        ((384, 512, 3, 2.0, 100), [(192, 256), (384, 512)]),
        ((100, 100, 1, 1.4, 64), [(100, 100)]),
        ((1, 1, 6, 1.4, 64), [(1, 1)]),
        ((1, 20000, 4, 1.4, 64), [(1, 20000)]),
        ((3, 3, 4, 1.1, 1), [(2, 2), (3, 3)]),
    ],
)
def test_sizes_grow_to_exactly_the_full_size(arguments, sizes: list[tuple[int, int]]) -> None:
    assert octave_sizes(*arguments) == sizes


@pytest.mark.parametrize("size", [(30, 50), (7, 9), (13, 21)])
def test_resizing_keeps_a_flat_image_flat(size: tuple[int, int]) -> None:
    resized = resize(torch.full((1, 3, 13, 21), 0.7), size)
    assert tuple(resized.shape) == (1, 3, *size)
    torch.testing.assert_close(resized, torch.full((1, 3, *size), 0.7))
