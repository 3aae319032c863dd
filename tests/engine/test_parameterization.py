from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
import torch

from dreamcli.engine import natural
from dreamcli.engine.parameterization import Fourier, LaplacianPyramid, Masked, Phase, Pixels, Pyramid, blurred

IMAGE = torch.rand(2, 3, 12, 17, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1


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


def test_pixels_are_blurred_after_the_first_steps_only() -> None:
    pixels = Pixels(IMAGE, [2.0, 0.5])
    contrasts = [float(IMAGE.std())]
    for _ in range(4):
        pixels.project()
        contrasts.append(float(pixels.render().detach().std()))
    assert contrasts[0] > contrasts[1] > contrasts[2] == contrasts[3] == contrasts[4]


@pytest.mark.parametrize(
    "make",
    [
        Pixels,
        Fourier,
        partial(Fourier, color=0.0),
        Pyramid,
        partial(Pyramid, color=0.0),
        partial(Pyramid, light=0.9),
        LaplacianPyramid,
    ],
)
def test_it_starts_at_the_image(make) -> None:
    torch.testing.assert_close(make(IMAGE).render(), IMAGE, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "make", [Pixels, Fourier, Phase, Pyramid, LaplacianPyramid, lambda image: Masked(Fourier(image), image, mask())]
)
def test_steps_along_the_gradient_approach_another_image(make) -> None:
    wanted = IMAGE.flip(3)
    climbed = make(IMAGE)
    optimizer = torch.optim.Adam(climbed.leaves, 0.02)
    before = (climbed.render() - wanted).square().mean().detach()
    for _ in range(5):
        optimizer.zero_grad()
        loss = (climbed.render() - wanted).square().mean()
        loss.backward()
        optimizer.step()
        climbed.project()
    image = climbed.render().detach()
    assert loss < before
    assert 0 <= float(image.min()) <= float(image.max()) <= 1
    assert image.shape == IMAGE.shape


def mask() -> torch.Tensor:
    found = torch.zeros(1, 1, 12, 17)
    found[..., :8] = 1
    return found


def test_outside_the_mask_the_image_stays() -> None:
    inner = Pixels(IMAGE)
    with torch.no_grad():
        inner.leaves[0].zero_()
    seen = Masked(inner, IMAGE, mask()).render().detach()
    assert torch.equal(seen[..., 8:], IMAGE[..., 8:])
    assert float(seen[..., :8].abs().sum()) == 0


def test_a_pyramid_has_every_size_from_one_pixel_to_the_image() -> None:
    shapes = [tuple(leaf.shape[2:]) for leaf in Pyramid(torch.full((1, 3, 40, 80), 0.5)).leaves]
    assert shapes[0] == (1, 1)
    assert shapes[-1] == (40, 80)
    widths = [width for _, width in shapes]
    assert widths == sorted(set(widths))
    assert all(after / before < 1.6 for before, after in pairwise(widths[3:]))


def test_a_pyramid_adds_up_bicubic_enlargements(generator: torch.Generator) -> None:
    pyramid = Pyramid(torch.full((1, 3, 12, 17), 0.5))
    small = pyramid.leaves[-2]
    with torch.no_grad():
        small.copy_(torch.randn(small.shape, generator=generator))
    enlarged = torch.nn.functional.interpolate(small.detach(), (12, 17), mode="bicubic")
    with torch.no_grad():
        expected = pyramid.render()
        small.zero_()
        pyramid.leaves[-1].copy_(enlarged * (12 / 17) ** -0.7)  # their weights
        torch.testing.assert_close(pyramid.render(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (64, 3)])
def test_a_pyramid_of_any_size(size: tuple[int, int]) -> None:
    assert Pyramid(torch.full((2, 3, *size), 0.5)).render().shape == (2, 3, *size)


def test_a_step_of_a_pyramid_moves_large_shapes_more_than_small_ones() -> None:
    changes = []
    for index in range(5, len(Pyramid(torch.full((1, 3, 64, 64), 0.5)).leaves)):
        pyramid = Pyramid(torch.full((1, 3, 64, 64), 0.5))
        before = pyramid.render().detach()
        with torch.no_grad():
            pyramid.leaves[index].add_(0.1)
        changes.append(float((pyramid.render().detach() - before).abs().mean()))
    assert changes == sorted(changes, reverse=True)


def test_a_pyramid_without_color_changes_the_brightness_only() -> None:
    pyramid = Pyramid(torch.full((1, 3, 16, 16), 0.5), color=0.0)
    (pyramid.render() * torch.tensor([1.0, -1.0, 0.3]).view(3, 1, 1)).sum().backward()
    for leaf in pyramid.leaves:
        assert leaf.grad is not None
        assert float(leaf.grad[:, 1:].abs().max()) == 0
        assert float(leaf.grad[:, 0].abs().max()) > 0


@pytest.mark.parametrize("size", [(64, 96), (37, 53), (5, 9), (1, 1)], ids=str)
def test_a_laplacian_pyramid_halves_its_levels_and_adds_up_to_the_image(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    pyramid = LaplacianPyramid(image)
    torch.testing.assert_close(pyramid.render(), image)
    sizes = [tuple(leaf.shape[2:]) for leaf in pyramid.leaves]
    assert sizes[0] == size
    assert all(smaller == tuple((side + 1) // 2 for side in larger) for larger, smaller in pairwise(sizes))


def test_the_smallest_level_of_a_laplacian_pyramid_moves_the_whole_image() -> None:
    pyramid = LaplacianPyramid(torch.full((1, 3, 64, 64), 0.5))
    with torch.no_grad():
        pyramid.leaves[-1] += 0.25
        torch.testing.assert_close(pyramid.render(), torch.full((1, 3, 64, 64), 0.75))
        pyramid.leaves[-1] += 1
    pyramid.project()
    torch.testing.assert_close(pyramid.render(), torch.ones(1, 3, 64, 64))


def test_phases_keep_the_amplitudes_of_photographs_and_the_mean_color() -> None:
    phase = Phase(IMAGE)
    with torch.no_grad():
        phase.leaves[0].add_(torch.randn_like(phase.leaves[0]))
    logits = phase.render().detach().logit().permute(0, 2, 3, 1) - torch.tensor(natural.MEAN)
    components = (logits @ torch.linalg.inv(torch.tensor(natural.COLORS))).permute(0, 3, 1, 2)
    spectrum = torch.fft.rfft2(components, norm="ortho").abs()
    # the first column is its own mirror image, so only the others keep their amplitudes under any phase
    torch.testing.assert_close(spectrum[0, 1, :, 1:8], natural.amplitudes(12, 17)[:, 1:8], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(components.mean((2, 3)), natural.to_components(IMAGE).mean((2, 3)), atol=1e-4, rtol=1e-4)


def test_without_color_only_brightness_changes() -> None:
    climbed = Fourier(IMAGE, color=0.0)
    with torch.no_grad():
        climbed.leaves[0].normal_()
    change = natural.to_components(climbed.render().detach()) - natural.to_components(IMAGE)
    inside = (change[:, 0].abs() < 1).unsqueeze(1)  # where nothing is clipped
    assert float((change[:, 1:].abs() * inside).max()) < 0.05 < float(change[:, 0].abs().max())


def test_blur_keeps_the_mean_and_flat_images() -> None:
    torch.testing.assert_close(blurred(torch.full((1, 3, 5, 9), 0.3), 2.0), torch.full((1, 3, 5, 9), 0.3))
    spot = torch.zeros(1, 1, 31, 31)
    spot[..., 15, 15] = 1
    offsets = torch.arange(31.0) - 15
    assert float((blurred(spot, 2.0)[0, 0].sum(0) * offsets**2).sum()) == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("size", [(48, 64), (12, 17), (1, 9), (1, 1)])
def test_a_pyramid_that_keeps_the_light_changes_shapes_only(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25
    change = {}
    for light in (0.0, 1.0):
        pyramid = Pyramid(image, light=light)
        for leaf in pyramid.leaves:
            leaf.data = torch.randn(leaf.shape, generator=torch.Generator().manual_seed(leaf.numel()))
        changed = natural.to_components(pyramid.render().detach()) - natural.to_components(image)
        assert changed.isfinite().all()
        change[light] = float(changed.mean((2, 3)).abs().max())
    assert change[1.0] < 0.2 * change[0.0]
