from __future__ import annotations

import torch

from dreamcli.engine.sampling import depth_inside, sample

IMAGE = torch.arange(12.0).reshape(1, 1, 3, 4).expand(2, 1, 3, 4)


def test_an_image_is_sampled_at_pixels_and_beyond_its_edges() -> None:
    columns, rows = torch.tensor([[0.0, 3.0, 5.0, 1.0]]), torch.tensor([[0.0, 2.0, 1.0, -1.0]])
    repeated = sample(IMAGE, columns, rows, "border")
    assert repeated.shape == (2, 1, 1, 4)
    torch.testing.assert_close(repeated[0, 0, 0], torch.tensor([0.0, 11.0, 7.0, 1.0]), atol=1e-5, rtol=0)
    mirrored = sample(IMAGE, columns, rows, "reflection")
    torch.testing.assert_close(mirrored[1, 0, 0], torch.tensor([0.0, 11.0, 6.0, 1.0]), atol=1e-5, rtol=0)


def test_the_depth_is_the_way_to_the_nearest_edge() -> None:
    columns, rows = torch.tensor([[0.0, 1.0, 3.0, -1.0]]), torch.tensor([[1.0, 1.0, 0.5, 1.0]])
    assert depth_inside(IMAGE, columns, rows).tolist() == [[0.5, 1.5, 0.5, -0.5]]
