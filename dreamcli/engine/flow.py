"""Optical flow: how the picture moves from one frame of a video to the next.

Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016 (arXiv:1603.03590), by OpenCV; occlusions as in
Sundaram, Brox and Keutzer, "Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow", 2010.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .sampling import depth_inside, sample

# how far the way there and back may miss the place it started from: pixels^2, and a share of the ways' squared lengths
MISSED, MISSED_SHARE = 0.5, 0.01
SOFTNESS = 1.0  # how gradually a place becomes occluded, relative to these
CHANGED = 0.12  # of a pixel's value in [0, 1]: where the frame carried along differs more, the flow must be wrong


def flow_between(one: Tensor, other: Tensor) -> Tensor:
    """Where each pixel of one frame is in another: ``(1, 2, H, W)``, columns and rows to move by, in pixels.

    Args:
        one, other: ``(1, 3, H, W)`` in [0, 1], at least 12 pixels high and wide.

    Raises:
        ImportError: OpenCV isn't installed.
    """
    import cv2

    cv2.setNumThreads(1)  # the flow depends on their number
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey: list[Any] = [(image[0].mean(0) * 255).round().byte().cpu().numpy() for image in (one, other)]
    return torch.from_numpy(search.calc(*grey, None)).permute(2, 0, 1)[None].to(one.device)


def carried(image: Tensor, flow: Tensor) -> Tensor:
    """Sample an image ``(1, C, H, W)`` where a flow from the new frame to it points, its edges repeated."""
    return sample(image, *_sources(flow), "border")


def visible(back: Tensor, forth: Tensor, frame: Tensor, before: Tensor) -> Tensor:
    """How certain it is that each pixel of a frame was visible in the previous one: ``(1, 1, H, W)`` in [0, 1].

    Args:
        back: the flow from the frame to the one before.
        forth: the flow from the one before to the frame.
        frame, before: the two, ``(1, 3, H, W)`` in [0, 1].
    """
    there = carried(forth, back)
    missed = (back + there).square().sum(1, keepdim=True)
    allowed = MISSED_SHARE * (back.square() + there.square()).sum(1, keepdim=True) + MISSED
    agrees = (1 + (1 - missed / allowed) / SOFTNESS).clamp(0, 1)
    change = (carried(before, back) - frame).abs().mean(1, keepdim=True)
    looks_alike = (2 - change / CHANGED).clamp(0, 1)
    return agrees * looks_alike * (depth_inside(frame, *_sources(back)) > 0)


def _sources(flow: Tensor) -> tuple[Tensor, Tensor]:
    """The columns and rows that a flow ``(1, 2, H, W)`` points at, in pixels."""
    height, width = flow.shape[2:]
    rows = torch.arange(height, device=flow.device)[:, None] + flow[0, 1]
    return torch.arange(width, device=flow.device) + flow[0, 0], rows
