"""The size of a zoom, and where nothing of a video's frame has been painted yet."""

from __future__ import annotations

import pytest
import torch

from dreamcli.art.film import frame_size, like_the_rest
from dreamcli.settings.film import FilmSettings


@pytest.mark.parametrize(
    ("size", "picture", "wanted"),
    [(None, (300, 451), (300, 450)), (None, (600, 900), (342, 512)), (128, (600, 900), (86, 128)),
     (None, (1, 1), (2, 2)), (3, (1, 900), (2, 2)), (None, (513, 1), (512, 2))],
)  # fmt: skip
def test_a_film_has_an_even_size(size: int | None, picture: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert frame_size(FilmSettings(size=size), *picture) == wanted


def test_a_place_that_came_into_view_starts_in_the_colors_of_similar_places() -> None:
    red, green = torch.tensor([0.9, 0.1, 0.1]), torch.tensor([0.1, 0.9, 0.1])
    blue, yellow = torch.tensor([0.1, 0.1, 0.9]), torch.tensor([0.9, 0.9, 0.1])

    def halves(above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        return torch.stack([above] * 32 + [below] * 32)[None].permute(0, 2, 1)[..., None].repeat(1, 1, 1, 48)

    seen = torch.ones(1, 1, 64, 48)
    seen[..., 36:] = 0
    frame, painting = halves(red, green), halves(blue, yellow)
    painting[..., 36:] = 0.5  # nobody knows
    found = like_the_rest(frame, painting, seen)
    away = (slice(0, 28), slice(36, 64))  # from the border between the colors
    for rows in away:
        torch.testing.assert_close(found[..., rows, 36:], halves(blue, yellow)[..., rows, 36:], atol=0.1, rtol=0)
    assert torch.equal(found[..., :36], frame[..., :36])
