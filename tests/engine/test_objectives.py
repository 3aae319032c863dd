from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from dreamcli.engine.objectives import (
    L2,
    Apiece,
    BatchNormStatistics,
    Channel,
    Distributions,
    Diversity,
    Guide,
    LayerEnergy,
    Neuron,
    Objective,
    TotalVariation,
    quantiles,
    rms,
)

IMAGE = torch.zeros(1, 3, 4, 4)


@pytest.fixture
def captured() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"a": torch.randn(1, 5, 4, 6), "b": torch.randn(1, 3, 2, 2), "tokens": torch.randn(1, 7, 5)}


@pytest.mark.parametrize(
    ("objective", "wanted"),
    [
        (lambda a, b: a + b, lambda a, b: a + b),
        (lambda a, b: a - b, lambda a, b: a - b),
        (lambda a, b: -a, lambda a, b: -a),
        (lambda a, b: 0.5 * a + b * 3, lambda a, b: 0.5 * a + 3 * b),
        (lambda a, b: sum([a, b, a]), lambda a, b: a + b + a),
        (lambda a, b: -(a - 2 * b), lambda a, b: 2 * b - a),
    ],
)
def test_objectives_form_an_algebra(captured: dict[str, torch.Tensor], objective, wanted) -> None:
    a, b = LayerEnergy("a"), Channel("b", 1)
    combined: Objective = objective(a, b)
    values = a(captured, IMAGE), b(captured, IMAGE)
    torch.testing.assert_close(combined(captured, IMAGE), wanted(*values))


def test_each_part_of_a_batch_has_its_own_objective() -> None:
    torch.manual_seed(0)
    batch = {"a": torch.randn(4, 5, 3, 3)}
    image = torch.zeros(4, 3, 8, 8)
    first, second = Channel("a", 1), LayerEnergy("a")
    wanted = first({"a": batch["a"][:2]}, image[:2]) + second({"a": batch["a"][2:]}, image[2:])
    both = Apiece((first, second))
    torch.testing.assert_close(both(batch, image), wanted)


def test_only_objectives_can_be_added() -> None:
    with pytest.raises(TypeError, match="only be added to another objective"):
        LayerEnergy("a") + 1.5


def test_energy_is_the_logarithm_of_the_rms(captured: dict[str, torch.Tensor]) -> None:
    wanted = math.log(float(captured["a"].pow(2).mean().sqrt()))
    assert float(LayerEnergy("a")(captured, IMAGE)) == pytest.approx(wanted, abs=1e-5)


def test_energys_gradient_points_along_the_activation(captured: dict[str, torch.Tensor]) -> None:
    leaf = captured["a"].requires_grad_()
    LayerEnergy("a")(captured, IMAGE).backward()
    assert leaf.grad is not None
    torch.testing.assert_close(leaf.grad / leaf.grad.norm(), leaf.detach() / leaf.detach().norm())


def test_in_units_of_the_rms_channels_and_neurons_do_not_depend_on_the_layers_scale(
    captured: dict[str, torch.Tensor],
) -> None:
    scaled = {name: 100 * activation for name, activation in captured.items()}
    for make in (partial(Channel, "a", 2), partial(Neuron, "a", 2, 0.5, 0.5)):
        values = [make(scale=rms(now["a"]))(now, IMAGE) for now in (captured, scaled)]
        torch.testing.assert_close(values[0], values[1])


def test_channel_and_neuron_read_the_right_values(captured: dict[str, torch.Tensor]) -> None:
    torch.testing.assert_close(Channel("a", 2, 4.0)(captured, IMAGE), captured["a"][0, 2].mean() / 4)
    torch.testing.assert_close(Neuron("a", 2, 0.99, 0.5, 4.0)(captured, IMAGE), captured["a"][0, 2, 3, 3] / 4)
    torch.testing.assert_close(Channel("tokens", 4)(captured, IMAGE), captured["tokens"][0, :, 4].mean())


def test_a_layer_of_tokens_has_no_neurons(captured: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="no rows and columns"):
        Neuron("tokens", 1, 0.5, 0.5)(captured, IMAGE)


@pytest.mark.parametrize("objective", [LayerEnergy("a"), Channel("a", 0), Neuron("a", 0, 0.5, 0.5)])
def test_images_of_a_batch_do_not_mix(objective: Objective) -> None:
    torch.manual_seed(0)
    one, other = torch.randn(1, 5, 4, 4), 1000 * torch.randn(1, 5, 4, 4)
    both = torch.cat([one, other]).requires_grad_()
    alone = one.clone().requires_grad_()
    objective({"a": both}, IMAGE).backward()
    objective({"a": alone}, IMAGE).backward()
    assert both.grad is not None
    assert alone.grad is not None
    torch.testing.assert_close(both.grad[:1] * 2, alone.grad)


def test_a_dead_layer_has_a_finite_value_and_no_gradient() -> None:
    dead = torch.zeros(1, 4, 3, 3, requires_grad=True)
    for objective in (LayerEnergy("a"), Channel("a", 0)):
        assert bool(objective({"a": dead}, IMAGE).isfinite())
    LayerEnergy("a")({"a": dead}, IMAGE).backward()
    assert dead.grad is not None
    assert float(dead.grad.abs().max()) == 0


def test_a_guide_matches_itself_best(captured: dict[str, torch.Tensor]) -> None:
    for layer in ("a", "tokens"):
        guide = Guide.of(layer, captured[layer])
        assert guide.features.shape[1] == 5
        own = float(guide(captured, IMAGE))
        assert own >= 1 - 1e-5  # every position finds its own feature
        other = {layer: torch.randn_like(captured[layer])}
        assert float(guide(other, IMAGE)) < own
        assert float(guide({layer: 2 * captured[layer]}, IMAGE)) == pytest.approx(2 * own, rel=1e-4)


def test_many_positions_are_matched_in_chunks() -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 4, 80, 70)
    guide = Guide.of("a", torch.randn(1, 4, 5, 5))
    wanted = (image.permute(0, 2, 3, 1).flatten(0, 2) @ guide.features.T).max(1).values.mean()
    found = guide({"a": image}, IMAGE) * guide.features.square().sum(1).mean()
    torch.testing.assert_close(found, wanted)


def test_equal_pictures_have_no_difference() -> None:
    torch.manual_seed(0)
    one = torch.randn(1, 5, 4, 4)
    assert float(Diversity("a")({"a": one.expand(3, -1, -1, -1)}, IMAGE)) == pytest.approx(0, abs=1e-5)
    apart = torch.zeros(2, 2, 3, 3)
    apart[0, 0], apart[1, 1] = 1, 1
    assert float(Diversity("a")({"a": apart}, IMAGE)) == pytest.approx(1)


def test_the_batch_norm_prior_is_zero_for_the_statistics_in_training() -> None:
    torch.manual_seed(0)
    mean, deviation = torch.randn(4), torch.rand(4) + 0.5
    activation = torch.randn(1, 4, 200, 200) * deviation.view(4, 1, 1) + mean.view(4, 1, 1)
    prior = BatchNormStatistics({"a": (mean, deviation)})
    assert float(prior({"a": activation}, IMAGE)) < 1e-3
    assert float(prior({"a": activation + 1}, IMAGE)) == pytest.approx(float((1 / deviation**2).mean()), rel=0.05)


def test_total_variation_and_contrast() -> None:
    flat, stripes = torch.full((1, 3, 6, 6), 0.5), torch.tensor([0.0, 1.0]).repeat(3).expand(1, 3, 6, 6)
    assert [float(o({}, flat)) for o in (TotalVariation(), L2())] == [0, 0]
    assert [float(o({}, stripes)) for o in (TotalVariation(), L2())] == [1, 0.25]


def test_quantiles_are_sorted_and_blind_to_places(generator: torch.Generator) -> None:
    activation = torch.randn(2, 3, 12, 10, generator=generator)
    found = quantiles(activation)
    assert found.shape == (2, 3, 16)
    assert bool((found.diff(dim=2) >= 0).all())
    torch.testing.assert_close(found, quantiles(activation.flip(2).transpose(2, 3)))
    torch.testing.assert_close(found.mean(2), activation.mean((2, 3)), atol=0.02, rtol=0)


def test_distributions_are_matched_by_climbing(generator: torch.Generator) -> None:
    wanted = 2 + 3 * torch.randn(1, 4, 9, 9, generator=generator)
    objective = -Distributions({"a": (quantiles(wanted), torch.ones(1, 4, 1))})
    image = torch.zeros(1)
    assert float(objective({"a": wanted.flip(2)}, image)) == pytest.approx(0, abs=1e-9)
    found = torch.randn(1, 4, 9, 9, generator=generator).requires_grad_()
    before = objective({"a": found}, image)
    before.backward()
    assert found.grad is not None
    assert objective({"a": found + 20 * found.grad}, image) > before


@pytest.mark.parametrize("shape", [(2, 5, 60, 90), (2, 5, 1, 1), (2, 7, 5)])
def test_layers_of_every_shape_have_quantiles(shape: tuple[int, ...]) -> None:
    channels = 5
    assert quantiles(torch.rand(shape)).shape == (2, channels, 16)


def test_what_stands_out_is_what_differs_from_place_to_place() -> None:
    energy, outstanding = LayerEnergy("a"), LayerEnergy("a", stands_out=True)
    generator = torch.Generator().manual_seed(0)
    even, uneven = torch.full((1, 4, 6, 6), 3.0), torch.randn(1, 4, 6, 6, generator=generator)
    image = torch.zeros(1, 3, 6, 6)
    assert energy({"a": even + uneven}, image) > energy({"a": uneven}, image) + 0.5
    one, other = (outstanding({"a": each}, image) for each in (even + uneven, uneven))
    assert float(one) == pytest.approx(float(other), abs=1e-4)
    expected = (uneven - uneven.mean((2, 3), keepdim=True)).square().mean().sqrt().log()
    assert float(other) == pytest.approx(float(expected), abs=1e-4)
    flat = torch.randn(2, 7, generator=generator)  # a layer without places
    assert outstanding({"a": flat}, image) == energy({"a": flat}, image)
