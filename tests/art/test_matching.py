from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dreamcli.art import matching
from dreamcli.art.matching import matched_places
from dreamcli.art.styles import Style
from dreamcli.engine.activations import Captured
from dreamcli.engine.neighbors import vectors
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.networks.network import Network

SIZE = (32, 48)
PHOTO = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def layer(network: Network) -> NetworkLayer:
    return Ensemble.of(network).layer_of(network, "stem")


def places(image: torch.Tensor) -> Captured:
    """A layer of stride 2 whose features are the colors and their squares."""
    small = torch.nn.functional.avg_pool2d(image, 2)
    return {"stem": torch.cat([small, small.square()], 1)}


def style(layer: NetworkLayer, image: torch.Tensor = PHOTO, **changes: object) -> Style:
    return replace(Style(image, 1.0, None, None, "all", ((layer, 1.0),), None), **changes)


def match(*styles: Style, painted: torch.Tensor | None = None, opaque: torch.Tensor | None = None):
    return matched_places(styles, [SIZE] * len(styles), PHOTO, painted, opaque, places)


def test_a_picture_is_matched_with_itself(layer: NetworkLayer) -> None:
    ((share, distance),) = match(style(layer))
    assert share == 1
    assert float(distance(places(PHOTO), PHOTO)) == pytest.approx(0, abs=1e-4)
    torch.testing.assert_close(distance.wanted.norm(dim=1), torch.ones(1, 16, 24))


def test_a_turned_style_is_matched_as_well(layer: NetworkLayer) -> None:
    turned = style(layer, torch.rot90(PHOTO, 1, (2, 3)).contiguous())
    ((_, distance),) = matched_places([turned], [SIZE[::-1]], PHOTO, None, None, places)
    assert float(distance(places(PHOTO), PHOTO)) == pytest.approx(0, abs=1e-4)


def test_what_has_been_painted_counts_a_little_and_fine_detail_not_at_all(layer: NetworkLayer) -> None:
    ((_, alone),) = match(style(layer))
    ((_, the_same),) = match(style(layer), painted=PHOTO)
    torch.testing.assert_close(alone.wanted, the_same.wanted)
    ((_, other),) = match(style(layer), painted=1 - PHOTO)
    assert (alone.wanted != other.wanted).any()


def halves() -> tuple[torch.Tensor, torch.Tensor]:
    left = torch.zeros(1, 1, *SIZE)
    left[..., : SIZE[1] // 2] = 1
    return left, 1 - left


def test_bright_places_find_bright_places_though_the_features_are_blind_to_it(layer: NetworkLayer) -> None:
    """The features are the fine detail of red and green, and blue, which marks the style's dark half."""
    left, right = halves()

    def blind(image: torch.Tensor) -> Captured:
        small = torch.nn.functional.avg_pool2d(image, 2)
        fine = small - torch.nn.functional.avg_pool2d(small, 9, 1, 4, count_include_pad=False)
        return {"stem": torch.cat([10 * fine[:, :2], small[:, 2:]], 1)}

    def toned(bright: torch.Tensor, blue: torch.Tensor, seed: int) -> torch.Tensor:
        detail = torch.rand(1, 2, *SIZE, generator=torch.Generator().manual_seed(seed))
        return torch.cat([0.2 + 0.5 * bright + 0.3 * detail, blue], 1)

    photograph, painting = toned(right, torch.full_like(left, 0.5), 1), toned(left, right, 2)
    ((_, distance),) = matched_places([style(layer, painting)], [SIZE], photograph, None, None, blind)
    from_the_dark_half = (distance.wanted[0, 2] > 0).float()
    assert float(from_the_dark_half[:, :10].mean()) > 0.9
    assert float(from_the_dark_half[:, 14:].mean()) < 0.1


def test_each_place_is_matched_with_the_style_of_its_region(layer: NetworkLayer) -> None:
    left, right = halves()
    other = 1 - PHOTO * 0.3
    ((_, distance),) = match(style(layer, other, region=left), style(layer, region=right))
    ((_, alone),) = match(style(layer, other))
    torch.testing.assert_close(distance.wanted[..., :12], alone.wanted[..., :12])
    assert distance.weight is not None
    assert float(distance.weight.min()) == 1


def test_places_outside_every_region_or_transparent_do_not_count(layer: NetworkLayer) -> None:
    left, _ = halves()
    for distance in (match(style(layer, region=left))[0][1], match(style(layer), opaque=left)[0][1]):
        assert distance.weight is not None
        assert float(distance.weight[..., :12].min()) == 1
        assert float(distance.weight[..., 12:].max()) == 0
    ((_, both),) = match(style(layer, region=left), opaque=left * 0.5)
    assert both.weight is not None
    assert float(both.weight.max()) == 0.5


def test_only_bright_parts_of_the_mask_are_offered(layer: NetworkLayer) -> None:
    left, _ = halves()
    ((_, masked),) = match(style(layer, mask=left))
    offered = vectors(places(PHOTO)["stem"])
    wanted, whole = vectors(masked.wanted), torch.nn.functional.normalize(offered, dim=1)
    index = (wanted @ whole.T).argmax(1)
    assert bool((index % 24 < 12).all())


def test_the_heavier_of_two_equal_styles_is_preferred(layer: NetworkLayer) -> None:
    grey = PHOTO.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    shares = []
    for weight in (0.2, 1.0, 5.0):
        ((_, distance),) = match(style(layer, weight=weight), style(layer, grey))
        colorful = (distance.wanted[:, :3].std(1) > 1e-3).float().mean()
        shares.append(float(colorful))
    assert shares == sorted(shares)
    assert shares[0] < shares[2]


def test_styles_of_different_layers_are_matched_apart(layer: NetworkLayer) -> None:
    double = ((layer, 2.0),)
    found = match(style(layer), style(layer, layers=double, weight=3.0))
    assert [share for share, _ in found] == [0.25, 0.75]


def test_few_places_and_candidates_bound_the_memory(layer: NetworkLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MAX_PLACES", 24)
    monkeypatch.setattr(matching, "MAX_CANDIDATES", 8)
    ((_, distance),) = match(style(layer))
    assert distance.wanted.shape == (1, 6, 4, 6)
    assert len({tuple(row) for row in vectors(distance.wanted).tolist()}) <= 8
