"""The tensors behind an image: what is optimized."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from . import natural
from .mps import layout

# of `Pyramid`: how fast the weights fall with size, and those of the few values that set the color of whole regions
PYRAMID_FALL = 0.7
COARSEST, COARSE_WEIGHT = 3, 0.2  # pixels on the longer side
LIGHT_SIDE = 20  # likewise: light and shade are what is left of a picture of this size
LAPLACIAN_LEVELS, SMALLEST_LEVEL = 8, 4  # the latter in pixels on the shorter side


class Parameterization(ABC):
    """Owns the leaf tensors that are optimized, and renders them to an image."""

    leaves: list[Tensor]

    @abstractmethod
    def render(self) -> Tensor:
        """The image, ``(N, 3, H, W)`` in [0, 1]; gradients flow back to the leaves."""

    @abstractmethod
    def project(self) -> None:
        """Make the leaves render to a valid image again; called after every step."""


class Pixels(Parameterization):
    """The image itself.

    Args:
        image: ``(N, 3, H, W)`` in [0, 1]; copied.
        blurs: the image is blurred after each of the first steps, by Gaussians of these standard deviations in
            pixels; a decreasing schedule draws large shapes first.
    """

    def __init__(self, image: Tensor, blurs: Sequence[float] = ()) -> None:
        self.leaves = [image.detach().clone(memory_format=layout(image.device)).requires_grad_()]
        self._blurs = iter(blurs)

    def render(self) -> Tensor:
        return self.leaves[0]

    def project(self) -> None:
        # clipped after the step and not in render(), where clipped pixels would get no gradient
        with torch.no_grad():
            if deviation := next(self._blurs, 0.0):
                self.leaves[0].copy_(blurred(self.leaves[0], deviation))
            self.leaves[0].clamp_(0, 1)


class Masked(Parameterization):
    """Another parameterization, visible only through a mask.

    Args:
        image: visible elsewhere, ``(1 or N, 3, H, W)`` in [0, 1].
        mask: ``(1, 1, H, W)``: 1 shows ``inner``, 0 shows ``image``, and values in between blend them.
    """

    def __init__(self, inner: Parameterization, image: Tensor, mask: Tensor) -> None:
        self._inner, self._image, self._mask = inner, image, mask
        self.leaves = inner.leaves

    def render(self) -> Tensor:
        return torch.lerp(self._image, self._inner.render(), self._mask)

    def project(self) -> None:
        self._inner.project()


class Fourier(Parameterization):
    """An image plus a spectrum along the axes of natural colors, scaled like that of photographs.

    A step changes each frequency and color in proportion to its amplitude in photographs, which keeps noise down
    (Olah, Mordvintsev and Schubert, "Feature Visualization", 2017). What is added is periodic: its left border
    continues at the right.

    Args:
        image: the start, ``(N, 3, H, W)`` in [0, 1]; values are clipped to 0.01 .. 0.99.
        color: the size of steps in color, from 0 to 1, as a share of the amplitudes in photographs.
    """

    def __init__(self, image: Tensor, color: float = 1.0) -> None:
        self._size = (image.shape[2], image.shape[3])
        self._start = natural.to_components(image)
        scale = natural.amplitudes(*self._size)
        scale[0, 0] = scale.max() if scale.numel() > 1 else 1  # the mean, which is all that a single pixel has
        self._scale = (scale * torch.tensor([1, color, color]).view(3, 1, 1)).to(image.device)
        spectrum = torch.zeros(*image.shape[:2], *scale.shape, 2, device=image.device)
        self.leaves = [spectrum.requires_grad_()]

    def render(self) -> Tensor:
        spectrum = torch.view_as_complex(self.leaves[0]) * self._scale
        return natural.to_image(self._start + torch.fft.irfft2(spectrum, self._size, norm="ortho"))

    def project(self) -> None:
        """Does nothing: every spectrum renders to an image in (0, 1)."""


class Phase(Parameterization):
    """Only the phases of an image's frequencies; their amplitudes are fixed to those of photographs (MACO).

    Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization", 2023
    (arXiv:2306.06805).

    Args:
        image: ``(N, 3, H, W)`` in [0, 1]: gives the initial phases and the mean color.
        color: scales the amplitudes of the color axes, from 0 to 1 (as in photographs).
    """

    def __init__(self, image: Tensor, color: float = 1.0) -> None:
        self._size = (image.shape[2], image.shape[3])
        spectrum = torch.fft.rfft2(natural.to_components(image), norm="ortho")
        self._mean = torch.zeros_like(spectrum)
        self._mean[:, :, 0, 0] = spectrum[:, :, 0, 0]
        amplitudes = natural.amplitudes(*self._size) * torch.tensor([1, color, color]).view(3, 1, 1)
        self._amplitudes = amplitudes.to(image.device).expand(spectrum.shape)
        self.leaves = [spectrum.angle().requires_grad_()]

    def render(self) -> Tensor:
        spectrum = self._mean + torch.polar(self._amplitudes, self.leaves[0])
        return natural.to_image(torch.fft.irfft2(spectrum, self._size, norm="ortho"))

    def project(self) -> None:
        """Does nothing: all phases render to an image in (0, 1)."""


class Pyramid(Parameterization):
    """An image plus a sum of enlarged images of many sizes, along the axes of natural colors.

    As in Fort and Whitaker, "Direct Ascent Synthesis", 2025 (arXiv:2502.07753): large shapes need no more steps than
    small ones, and calm areas stay calm. Two differences: each size is added to the enlarged sum of all smaller ones,
    which is faster; and sizes count for less the larger they are, as frequencies do in photographs.

    Args:
        image: the start, ``(N, 3, H, W)`` in [0, 1]; values are clipped to 0.01 .. 0.99.
        color: the size of steps in color, from 0 to 1, relative to those in brightness along natural colors.
        light: how much of the start's light and shade to keep, from 0 to 1: this share of the change in them is taken
            back.
        coarsest: pixels on the longer side: smaller sizes count for less, by the square.
    """

    def __init__(self, image: Tensor, color: float = 1.0, light: float = 0.0, coarsest: float = 0.0) -> None:
        self._start = natural.to_components(image)
        self._color = image.new_tensor([1, color, color]).view(1, 3, 1, 1)
        height, width = image.shape[2:]
        longest = max(height, width)
        halvings = 2 * math.log2(longest)  # by the root of two
        sides = {round(longest * 2 ** (-level / 2)): None for level in range(math.ceil(halvings), -1, -1)}
        self._weights = [_weight(side, coarsest) for side in sides]
        shapes = [_scaled((height, width), side) for side in sides]
        # two small matrices enlarge an image in half the time that torch takes to interpolate it
        self._enlargements = [
            (_enlargement(down, height, image.device), _enlargement(right, width, image.device).T)
            for (down, right), (height, width) in pairwise(shapes)
        ]
        self.leaves = [torch.zeros(*image.shape[:2], *shape, device=image.device).requires_grad_() for shape in shapes]
        self._light = light
        if light:
            small = _scaled((height, width), min(LIGHT_SIDE, longest))
            pairs = list(zip((height, width), small, strict=True))
            self._reduction = [_enlargement(before, after, image.device) for before, after in pairs]
            self._return = [_enlargement(after, before, image.device) for before, after in pairs]

    def render(self) -> Tensor:
        total = self._weights[0] * self.leaves[0]
        larger = zip(self._weights[1:], self.leaves[1:], self._enlargements, strict=True)
        for weight, leaf, (rows, columns) in larger:
            total = rows @ total @ columns + weight * leaf
        if self._light:
            changed = self._reduction[0] @ total @ self._reduction[1].T
            total = total - self._light * (self._return[0] @ changed @ self._return[1].T)
        return natural.to_image(self._start + self._color * total)

    def project(self) -> None:
        """Does nothing: every sum renders to an image in (0, 1)."""


class LaplacianPyramid(Parameterization):
    """The image as a Laplacian pyramid: a small image, and the detail that each doubling of its size adds.

    A step changes a large area as easily as a pixel, so a night sky can turn white (Kolkin et al., "Neural Neighbor
    Style Transfer", 2022, arXiv:2203.13215).

    Args:
        image: ``(N, 3, H, W)`` in [0, 1].
    """

    def __init__(self, image: Tensor) -> None:
        details: list[Tensor] = []
        left = image.detach()
        while len(details) < LAPLACIAN_LEVELS - 1 and min(left.shape[2:]) >= 2 * SMALLEST_LEVEL:
            half = [(side + 1) // 2 for side in left.shape[2:]]
            small = F.interpolate(left, half, mode="bilinear", antialias=True)
            details.append(left - F.interpolate(small, left.shape[2:], mode="bilinear"))
            left = small
        self.leaves = [leaf.clone().requires_grad_() for leaf in (*details, left)]

    def render(self) -> Tensor:
        *details, image = self.leaves
        for detail in reversed(details):
            image = F.interpolate(image, detail.shape[2:], mode="bilinear") + detail
        return image

    def project(self) -> None:
        with torch.no_grad():
            image = self.render()
            self.leaves[0] += image.clamp(0, 1) - image


def _weight(side: int, coarsest: float) -> float:
    """How much a size of a pyramid counts, by its longer side in pixels."""
    weight = math.pow(side / 16, -PYRAMID_FALL)
    if coarsest:
        return weight * min(1.0, (side / coarsest) ** 2)
    return weight * (1 if side > COARSEST else COARSE_WEIGHT)


def _scaled(size: tuple[int, int], longest: int) -> list[int]:
    return [max(1, round(length * longest / max(size))) for length in size]


def _enlargement(before: int, after: int, device: torch.device) -> Tensor:
    """The bicubic interpolation of ``before`` values to ``after``, as a matrix ``(after, before)``."""
    unit = torch.eye(before, device=device)[None, None]
    return F.interpolate(unit, (after, before), mode="bicubic", antialias=after < before)[0, 0]


def blurred(image: Tensor, deviation: float) -> Tensor:
    """Blur ``(N, C, H, W)`` with a Gaussian of this standard deviation in pixels; borders are repeated."""
    if not deviation:
        return image
    radius = math.ceil(3 * deviation)
    offsets = torch.arange(-radius, radius + 1, device=image.device)
    kernel = (-0.5 * (offsets / deviation).square()).exp()
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, 1, -1)
    padded = F.pad(image, (radius, radius, radius, radius), mode="replicate")
    across = F.conv2d(padded, kernel, groups=image.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=image.shape[1])
