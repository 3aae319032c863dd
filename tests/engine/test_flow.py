from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("cv2", reason="videos need the extra `video`")
from dreamcli.engine.flow import carried, flow_between, visible


@pytest.fixture
def wide(generator: torch.Generator) -> torch.Tensor:
    coarse = torch.rand(1, 3, 30, 45, generator=generator)
    return F.interpolate(coarse, (120, 180), mode="bicubic").clamp(0, 1)


def test_the_flow_of_a_pan_is_its_speed(wide: torch.Tensor) -> None:
    one, other = wide[..., :80, :120], wide[..., 2:82, 5:125]
    back = flow_between(other, one)
    assert (back[:, 0, 10:-10, 10:-10] - 5).abs().median() < 0.2
    assert (back[:, 1, 10:-10, 10:-10] - 2).abs().median() < 0.2
    torch.testing.assert_close(flow_between(other, one), back)


def test_a_frame_carried_along_the_flow_is_the_next_one(wide: torch.Tensor) -> None:
    one, other = wide[..., :80, :120], wide[..., 2:82, 5:125]
    flow = torch.tensor([5.0, 2.0]).view(1, 2, 1, 1).expand(1, 2, 80, 120)
    inner = (..., slice(0, 77), slice(0, 114))
    torch.testing.assert_close(carried(one, flow)[inner], other[inner], atol=1e-4, rtol=0)


def test_what_came_into_the_picture_was_not_visible(wide: torch.Tensor) -> None:
    one, other = wide[..., :80, :120], wide[..., 2:82, 5:125]
    seen = visible(flow_between(other, one), flow_between(one, other), other, one)
    assert seen.shape == (1, 1, 80, 120)
    assert seen[..., -2:].max() < 0.2
    assert seen[..., 10:-10, 10:-15].mean() > 0.95


def test_what_a_thing_uncovers_was_not_visible(wide: torch.Tensor, generator: torch.Generator) -> None:
    thing = F.interpolate(torch.rand(1, 3, 8, 8, generator=generator), (30, 30), mode="bicubic").clamp(0, 1)
    one, other = wide[..., :80, :120].clone(), wide[..., :80, :120].clone()
    one[..., 20:50, 30:60] = thing
    other[..., 20:50, 34:64] = thing
    seen = visible(flow_between(other, one), flow_between(one, other), other, one)
    assert seen[..., 24:46, 31:33].mean() < 0.35  # behind where it was
    assert seen[..., 25:45, 39:59].mean() > 0.9  # the thing itself
    assert seen[..., 60:, :].mean() > 0.95  # far from it


def test_another_scene_was_not_visible(wide: torch.Tensor) -> None:
    one, other = wide[..., :80, :120], 1 - wide[..., :80, 60:]
    assert visible(flow_between(other, one), flow_between(one, other), other, one).mean() < 0.3
