from __future__ import annotations

import pytest
import torch

from dreamcli.engine import natural


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 20), (1, 9)])
def test_noise_has_the_variance_and_the_mean_color_of_photographs(
    size: tuple[int, int], generator: torch.Generator
) -> None:
    images = natural.noise(64, *size, 1.0, generator)
    assert images.shape == (64, 3, *size)
    assert 0 < float(images.min()) < float(images.max()) < 1
    components = natural.to_components(images)
    torch.testing.assert_close(components.mean((0, 2, 3)), torch.zeros(3), atol=0.05, rtol=0)
    assert float(components[:, 0].std()) == pytest.approx(1, abs=0.12)
    flat = natural.noise(1, *size, 0.0, generator)
    torch.testing.assert_close(flat.logit().mean((0, 2, 3)), torch.tensor(natural.MEAN))


def test_components_and_image_are_inverses() -> None:
    image = torch.rand(2, 3, 5, 7) * 0.9 + 0.05
    torch.testing.assert_close(natural.to_image(natural.to_components(image)), image)
    assert bool(natural.to_components(torch.ones(1, 3, 2, 2)).isfinite().all())


def test_amplitudes_fall_as_measured_and_are_larger_along_the_axes() -> None:
    amplitudes = natural.amplitudes(64, 64)
    assert float(amplitudes[0, 0]) == 0
    assert float(amplitudes[0, 4] / amplitudes[0, 8]) == pytest.approx(2**natural.FALL)
    torch.testing.assert_close(amplitudes[8, 0], amplitudes[0, 8])
    assert amplitudes[0, 8] > amplitudes[0, 8] * 8 / 8.5 > natural.amplitudes(64, 64)[6, 6]


def test_noise_has_high_frequencies_and_waves_have_none() -> None:
    torch.manual_seed(0)
    assert natural.high_frequency_share(torch.rand(1, 3, 64, 64)) > 0.7
    waves = torch.linspace(0, 12.6, 64).sin().expand(1, 3, 64, 64)
    assert natural.high_frequency_share(waves) < 0.01
    assert natural.high_frequency_share(torch.ones(1, 3, 8, 8)) == 0
