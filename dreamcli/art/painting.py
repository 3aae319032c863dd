"""What style is painted on: a photograph, or noise that becomes a texture."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import noise
from dreamcli.engine.octaves import resize
from dreamcli.engine.parameterization import Parameterization
from dreamcli.settings.style import StyleSettings

from .artwork import Inputs
from .colors import grey, recolored
from .octaves import Canvas, Size
from .pixels import scaled_size, to_tensor

TEXTURE_CONTRAST = 0.1  # of the noise that a texture starts from, as a share of a photograph's


class Painting(Canvas):
    """The painting: a repainted photograph, or a texture.

    Attributes:
        photograph: ``(1, 3, H, W)`` in [0, 1]; None for a texture.
        opaque: the photograph's alpha, ``(1, 1, H, W)`` in [0, 1]; None if it is opaque everywhere.
        target: whose content is kept, at the octave's size; for a texture, the noise it started from.
        current: what the octaves before made of it, or a video's frame before, at the octave's size; None if it is new.

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
        self._keeps_colors = settings.colors == "luminance"
        self.photograph: Tensor | None = None
        self.opaque: Tensor | None = None
        self.target: Tensor | None = None
        self.current: Tensor | None = None
        self._image: Tensor | None = None
        if inputs.start is None:
            self.size = (settings.side(None),) * 2
            return
        pixels, alpha = inputs.start.pixels, inputs.start.alpha
        self.size = scaled_size(pixels.shape[0], pixels.shape[1], settings.size)
        self.photograph = to_tensor(pixels, compute.device)
        if inputs.painted is not None:
            self._image = to_tensor(inputs.painted.pixels, compute.device)
        if alpha is not None:
            self.opaque = torch.tensor(alpha, device=compute.device)[None, None] / 255

    def begin(self, size: Size) -> Parameterization:
        if self.photograph is not None:
            image = grey(self.photograph) if self._keeps_colors else self.photograph
            self.target = resize(image, size).clamp(0, 1)
        elif self.target is None:
            self.target = noise(1, *size, TEXTURE_CONTRAST, self._generator).to(self._device)
        self._octave = size
        self.current = None if self._image is None else resize(self._image, size).clamp(0, 1)
        start = resize(self.target, size).clamp(0, 1) if self.current is None else self.current
        self._painted = self._parameterize(start)
        return self._painted

    def end(self) -> None:
        self._image = self._painted.render().detach()

    def shown(self) -> Tensor:
        return self._completed(self._painted.render())

    def finished(self) -> Tensor:
        return self._completed(resize(self.image, self.size).clamp(0, 1))

    @property
    def image(self) -> Tensor:
        """The painting after the last octave, at that octave's size."""
        assert self._image is not None
        return self._image

    @property
    def before(self) -> Tensor:
        """What the last octave would have started from without the octaves before it."""
        assert self.target is not None
        return resize(self.target, self._octave).clamp(0, 1)

    def _completed(self, image: Tensor) -> Tensor:
        """The painting with what is kept of the photograph: its colors, if asked for, and its transparent parts."""
        if self.photograph is None:
            return image
        size = (image.shape[2], image.shape[3])
        if self._keeps_colors:
            image = recolored(image, resize(self.photograph, size).clamp(0, 1))
        if self.opaque is not None:
            image = torch.where(resize(self.opaque, size) <= 0, resize(self.photograph, size), image)
        return image
