from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from dreamcli.engine import objectives
from dreamcli.engine.neighbors import NeighborDistance, hypercolumns, nearest, vectors

IMAGE = torch.zeros(1, 3, 8, 8)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_hypercolumns_put_scaled_layers_side_by_side() -> None:
    fine, coarse = noise(1, 2, 8, 12), noise(1, 3, 4, 6, seed=1)
    columns = hypercolumns({"fine": fine, "coarse": coarse, "unused": fine}, {"fine": 1.0, "coarse": 0.5}, (8, 12))
    assert columns.shape == (1, 5, 8, 12)
    torch.testing.assert_close(columns[:, :2], fine)
    torch.testing.assert_close(columns[:, 2:, 0, 0], 0.5 * coarse[:, :, 0, 0])
    rows = vectors(columns)
    assert rows.shape == (96, 5)
    torch.testing.assert_close(rows[13], columns[0, :, 1, 1])


def test_every_vector_finds_itself_wherever_it_has_gone() -> None:
    known = noise(50, 6)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(3))
    index, cosine = nearest(known[order], known)
    torch.testing.assert_close(index, order)
    torch.testing.assert_close(cosine, torch.ones(50))


def test_likeness_counts_from_each_sets_own_mean() -> None:
    known = noise(50, 6)
    index, _ = nearest(known * 3 + 100, known - 7)
    torch.testing.assert_close(index, torch.arange(50))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, known = noise(60, 6), noise(40, 6, seed=1)
    whole = nearest(wanted, known)
    monkeypatch.setattr(objectives, "MAX_PRODUCTS", 7 * 40)  # seven rows at a time
    in_blocks = nearest(wanted, known)
    torch.testing.assert_close(whole[0], in_blocks[0])
    torch.testing.assert_close(whole[1], in_blocks[1])
    monkeypatch.setattr(objectives, "MAX_PRODUCTS", 1)  # never less than one
    torch.testing.assert_close(whole[0], nearest(wanted, known)[0])


def test_the_distance_is_the_mean_over_places() -> None:
    found = noise(1, 4, 5, 5)
    wanted = F.normalize(found, dim=1)
    assert float(NeighborDistance({"a": 2.0}, wanted)({"a": 7 * found}, IMAGE)) == pytest.approx(0, abs=1e-6)
    assert float(NeighborDistance({"a": 2.0}, -wanted)({"a": found}, IMAGE)) == pytest.approx(2)
    half = wanted.clone()
    half[..., :, 2:] *= -1
    assert float(NeighborDistance({"a": 1.0}, half)({"a": found}, IMAGE)) == pytest.approx(2 * 3 / 5)


def test_places_of_weight_zero_do_not_count() -> None:
    found = noise(1, 4, 4, 4)
    wanted = F.normalize(found, dim=1)
    wanted[..., 2:] *= -1
    weight = torch.zeros(1, 1, 8, 8)
    weight[..., :4] = 1
    assert float(NeighborDistance({"a": 1.0}, wanted, weight)({"a": found}, IMAGE)) == pytest.approx(0, abs=1e-6)
    nowhere = NeighborDistance({"a": 1.0}, wanted, torch.zeros(1, 1, 8, 8))
    assert bool(nowhere({"a": found}, IMAGE).isfinite())


def test_the_gradient_leads_toward_the_neighbors() -> None:
    leaf = noise(1, 4, 5, 5, seed=2).requires_grad_()
    distance = NeighborDistance({"a": 1.0}, F.normalize(noise(1, 4, 5, 5), dim=1))
    before = distance({"a": leaf}, IMAGE)
    before.backward()
    assert leaf.grad is not None
    assert float(distance({"a": leaf.detach() - leaf.grad}, IMAGE)) < before.item()
