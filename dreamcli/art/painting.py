"""What style is painted on: a photograph, or noise that becomes a texture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import noise
from dreamcli.engine.octaves import over_white, resize, resize_alpha, resize_visible
from dreamcli.engine.parameterization import Masked, Parameterization
from dreamcli.settings.style import StyleSettings

from .artwork import Inputs, softened
from .colors import grey, recolored
from .octaves import Canvas, Octave, Size, on_white
from .pixels import alpha_tensor, mask_tensor, scaled_picture, scaled_size, to_tensor

TEXTURE_CONTRAST = 0.1  # of the noise that a texture starts from, as a share of a photograph's


@dataclass(frozen=True)
class PaintedOctave(Octave):
    """One size of a painting.

    Attributes:
        target: the photograph whose content is kept, on white; for a texture, the initial noise.
        current: the painting so far, by earlier octaves or a video's previous frame, on white; None if there is none.
    """

    target: Tensor
    current: Tensor | None

    @property
    def before(self) -> Tensor:
        """What it would have started from without earlier octaves."""
        return resize(self.target, self.size).clamp(0, 1)


class Painting(Canvas[PaintedOctave]):
    """The painting: a repainted photograph, or a texture.

    Attributes:
        photograph: ``(1, 3, H, W)`` in [0, 1]; None for a texture.
        opaque: the photograph's alpha, ``(1, 1, H, W)`` in [0, 1]; None if it is opaque everywhere.
        regions: where anything is painted, ``(1, 1, H, W)`` in [0, 1]; None for everywhere.

    Args:
        inputs: the photograph, if there is one.
        generator: of the noise that a texture starts from.
        parameterize: turns an octave's first image into what is climbed.
    """

    def __init__(
        self,
        settings: StyleSettings,
        inputs: Inputs,
        generator: torch.Generator,
        compute: Compute,
        parameterize: Callable[[Tensor], Parameterization],
    ) -> None:
        self._generator, self._device, self._parameterize = generator, compute.device, parameterize
        self._keeps_colors, self._recipe = settings.colors == "luminance", settings.recipe
        self.photograph: Tensor | None = None
        self.opaque: Tensor | None = None
        self.regions: Tensor | None = None
        self._noise: Tensor | None = None
        self._image: Tensor | None = None
        self._start = inputs.start
        if inputs.start is None:
            self.size = (settings.side(None),) * 2
            return
        pixels = inputs.start.pixels
        self.size = scaled_size(pixels.shape[0], pixels.shape[1], settings.size)
        self.photograph = to_tensor(pixels, compute.device)
        if inputs.painted is not None:
            self._image = to_tensor(inputs.painted.pixels, compute.device)
        self.opaque = alpha_tensor(inputs.start, compute.device)
        regions = [style.region for style in inputs.references.styles]
        if self._recipe > 1 and regions and all(regions):
            parts = [resize(mask_tensor(region, compute.device), self.size) for region in regions if region]
            self.regions = torch.cat(parts).amax(0, keepdim=True).clamp(0, 1)

    def begin(self, size: Size) -> PaintedOctave:
        photograph = None
        if self.photograph is not None:
            image = grey(self.photograph) if self._keeps_colors else self.photograph
            photograph = self._resized(image, size)
            target = self._seen(photograph)
        else:
            if self._noise is None:
                self._noise = noise(1, *size, TEXTURE_CONTRAST, self._generator).to(self._device)
            target = self._noise
        current = None if self._image is None else resize(self._image, size).clamp(0, 1)
        start = photograph if current is None else current
        self._painted = self._parameterize(resize(target, size).clamp(0, 1) if start is None else start)
        if photograph is not None and self.regions is not None:
            self._painted = Masked(self._painted, photograph, self._painted_share(size))
        climbed = self._painted
        if self.opaque is not None and self._recipe > 1:
            climbed = on_white(climbed, resize_alpha(self.opaque, size))
        return PaintedOctave(size, climbed, target, None if current is None else self._seen(current))

    def end(self) -> None:
        self._image = self._painted.render().detach()

    def shown(self) -> Tensor:
        return self._seen(self._completed(self._painted.render()))

    def finished(self) -> Tensor:
        if self._image is None:  # nothing was painted
            assert self._start is not None
            return scaled_picture(self._start, max(self.size), self._device)
        return self._completed(resize(self._image, self.size).clamp(0, 1))

    @property
    def image(self) -> Tensor | None:
        """The painting after the last octave, at that octave's size, on white; None if nothing was painted."""
        return None if self._image is None else self._seen(self._image)

    def _resized(self, photograph: Tensor, size: Size) -> Tensor:
        """The photograph, or its brightness, at a size, without its hidden colors."""
        if self.opaque is None or self._recipe == 1:
            return resize(photograph, size).clamp(0, 1)
        return resize_visible(photograph, self.opaque, size)

    def _painted_share(self, size: Size) -> Tensor:
        """Where anything is painted at a size, with soft edges."""
        assert self.regions is not None
        return softened(resize_alpha(self.regions, size))

    def _seen(self, image: Tensor) -> Tensor:
        """An image of the painting as it looks on white."""
        if self.opaque is None or self._recipe == 1:
            return image
        return over_white(image, resize_alpha(self.opaque, (image.shape[2], image.shape[3])))

    def _completed(self, image: Tensor) -> Tensor:
        """The painting with what it keeps of the photograph: the colors, if asked for, and whatever isn't painted."""
        if self.photograph is None:
            return image
        size = (image.shape[2], image.shape[3])
        if self._keeps_colors:
            image = recolored(image, resize(self.photograph, size).clamp(0, 1))
        if self.regions is not None:
            image = self._resized(self.photograph, size).lerp(image, self._painted_share(size))
        if self.opaque is not None:
            image = torch.where(resize_alpha(self.opaque, size) <= 0, resize(self.photograph, size), image)
        return image
