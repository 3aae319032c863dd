from __future__ import annotations

import pytest
import torch

from dreamcli.engine.style import DISTANCES, ContentDistance, GamutDistance, Statistics, StyleDistance, smoothed

IMAGE = torch.zeros(1, 3, 8, 8)


def activation(seed: int, channels: int = 5, side: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, channels, side, side, generator=generator).relu() * torch.arange(1, channels + 1).view(
        -1, 1, 1
    )


def test_statistics_are_the_mean_and_the_gram_matrix() -> None:
    a = activation(0)
    flat = a[0].flatten(1)
    found = Statistics.of(a)
    torch.testing.assert_close(found.mean[0], flat.mean(1))
    torch.testing.assert_close(found.gram[0], flat @ flat.T / flat.shape[1])
    torch.testing.assert_close(found.covariance[0], torch.cov(flat, correction=0))
    torch.testing.assert_close(found.root @ found.root, found.covariance, atol=1e-4, rtol=1e-4)


def test_tokens_count_like_the_positions_of_a_map() -> None:
    a = activation(0)
    tokens = a.flatten(2).transpose(1, 2)
    found, wanted = Statistics.of(tokens), Statistics.of(a)
    torch.testing.assert_close(found.gram, wanted.gram)
    torch.testing.assert_close(found.mean, wanted.mean)


def test_parts_of_weight_zero_do_not_count() -> None:
    a = activation(0)
    weight = torch.zeros(1, 1, 40, 40)
    weight[..., :20] = 1
    found, wanted = Statistics.of(a, weight), Statistics.of(a[..., :10])
    torch.testing.assert_close(found.gram, wanted.gram)
    torch.testing.assert_close(found.mean, wanted.mean)


@pytest.mark.parametrize("kind", DISTANCES)
def test_the_distance_to_the_style_itself_is_zero_even_if_shuffled(kind: str) -> None:
    wanted = Statistics.of(activation(0))
    shuffled = activation(0).flatten(2)[..., torch.randperm(400, generator=torch.Generator().manual_seed(1))]
    same = DISTANCES[kind](Statistics.of(shuffled.view(1, 5, 20, 20)), wanted)
    other = DISTANCES[kind](Statistics.of(activation(3) + 1), wanted)
    assert abs(float(same)) < 1e-2 * float(other)


def test_the_distance_of_moments_is_the_distance_between_normal_distributions() -> None:
    # for independent channels it is the sum of the squared differences of means and of deviations
    torch.manual_seed(0)
    base = torch.randn(1, 1, 300, 300).expand(1, 2, -1, -1) * 0
    noise = torch.randn(1, 2, 300, 300)
    one, other = base + noise, base + 3 * noise + 2
    found = float(DISTANCES["moments"](Statistics.of(other), Statistics.of(one)))
    assert found == pytest.approx(2 * (2**2 + 2**2), rel=0.02)


@pytest.mark.parametrize("kind", DISTANCES)
def test_gradients_are_finite_and_lead_toward_the_style(kind: str) -> None:
    wanted = Statistics.of(activation(0))
    leaf = torch.zeros(1, 5, 20, 20)
    leaf[:, :2] = activation(5)[:, :2]  # the other channels are silent: a singular covariance
    leaf.requires_grad_()
    distance = StyleDistance("a", wanted, kind)
    before = distance({"a": leaf}, IMAGE)
    before.backward()
    assert leaf.grad is not None
    assert bool(leaf.grad.isfinite().all())
    step = leaf.detach() - 1e-3 * leaf.grad / leaf.grad.abs().mean()
    assert float(distance({"a": step}, IMAGE)) < before.item()


def test_the_baseline_is_the_unit() -> None:
    wanted = Statistics.of(activation(0))
    other = {"a": activation(1) + 1}
    plain = float(StyleDistance("a", wanted, "gram")(other, IMAGE))
    assert float(StyleDistance("a", wanted, "gram", baseline=plain)(other, IMAGE)) == pytest.approx(1)


def test_half_precision_does_not_overflow() -> None:
    large = {"a": (activation(0) * 100).to(torch.bfloat16)}
    assert bool(StyleDistance("a", Statistics.of(activation(1)), "gram")(large, IMAGE).isfinite())


def test_smoothing_flattens_and_keeps_the_mean() -> None:
    peaky = torch.zeros(1, 4, 5, 5)
    peaky[0, 0, 0, 0] = 3
    flat = smoothed(peaky)
    assert float(flat.mean()) == pytest.approx(1)
    assert flat.max() / flat.min() == pytest.approx(20.08, rel=1e-2)


def test_content_is_in_units_of_its_variance() -> None:
    wanted = activation(0)
    content = ContentDistance("a", wanted)
    assert float(content({"a": wanted}, IMAGE)) == 0
    flat = wanted.mean().expand_as(wanted)
    assert float(content({"a": flat}, IMAGE)) == pytest.approx(1, rel=1e-4)
    weight = torch.zeros(1, 1, 20, 20)
    weight[..., :10] = 1
    changed = wanted.clone()
    changed[..., 10:] += 5
    assert float(ContentDistance("a", wanted, weight)({"a": changed}, IMAGE)) == 0


def test_a_batch_has_the_statistics_of_each_image() -> None:
    both = Statistics.of(torch.cat([activation(0), activation(1)]))
    for index in (0, 1):
        one = Statistics.of(activation(index))
        torch.testing.assert_close(both.gram[index], one.gram[0])
        torch.testing.assert_close(both.covariance[index], one.covariance[0])


def test_moments_of_values_that_are_not_finite_are_not_finite() -> None:
    wanted = Statistics.of(activation(0))
    assert not bool(DISTANCES["moments"](Statistics.of(activation(1) * float("inf")), wanted).isfinite())


def test_the_distance_from_a_gamut_is_zero_inside_and_grows_outside(generator: torch.Generator) -> None:
    along = torch.rand(1000, generator=generator)
    colors = torch.stack([along, along, 0.5 * along])  # a line from black to yellowish
    gamut = GamutDistance.of(colors)
    inside = torch.tensor([0.5, 0.5, 0.25]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert float(gamut({}, inside)) == pytest.approx(0, abs=1e-3)
    blue = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert float(gamut({}, blue)) > 0.5
    assert float(gamut({}, (inside + blue) / 2)) == pytest.approx(float(gamut({}, blue)) / 2, abs=0.1)


def test_a_gamut_counts_where_its_weight_does() -> None:
    colors = torch.rand(3, 100, generator=torch.Generator().manual_seed(0)) * 0.1
    image = torch.zeros(1, 3, 8, 8)
    image[..., 4:] = 1
    left, right = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    left[..., :4], right[..., 4:] = 1, 1
    everywhere = float(GamutDistance.of(colors)({}, image))
    assert float(GamutDistance.of(colors, left)({}, image)) < 0.1
    assert float(GamutDistance.of(colors, right)({}, image)) > 1.8 * everywhere
