"""From a picture and settings to a picture and its record: what the command line and Python both call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import dreamcli
from dreamcli.art.artwork import OnStep, find_layer
from dreamcli.art.dream import scaled_size
from dreamcli.art.forms import FORMS, settings_to_json
from dreamcli.engine.compute import Compute
from dreamcli.files.reading import Picture
from dreamcli.files.record import Job, Record
from dreamcli.networks.zoo import BUNDLED, Network, load

from .errors import DreamcliError, WrongRequest


@dataclass(frozen=True)
class Studio:
    """A network on a device, with the settings of one art form.

    Attributes:
        command: the art form, such as "dream".
        settings: its settings.
        network: what the pictures are made with.
        compute: where, and how precisely.
    """

    command: str
    settings: Any
    network: Network
    compute: Compute

    @classmethod
    def open(
        cls,
        command: str,
        settings: Any,
        *,
        model: str = BUNDLED,
        weights: Path | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> Studio:
        """Load a network, and check that this machine and this network have what is asked for.

        Raises:
            WrongRequest: the device, the model, a layer or a channel is unknown.
            DreamcliError: the weights can't be had.
        """
        try:
            compute = Compute.resolve(device, precision)
        except ValueError as error:
            raise WrongRequest(str(error)) from error
        network = load(model, weights)
        for spec in settings.layers:
            find_layer(spec, network)
        return cls(command, settings, network, compute)

    def job(self, picture: Picture) -> Job:
        """Everything that decides what this picture becomes."""
        compute = {
            "device": self.compute.device.type,
            "precision": str(self.compute.precision).removeprefix("torch."),
        }
        network = {"name": self.network.card.name, "sha256": self.network.weights_sha256}
        return Job(self.command, settings_to_json(self.settings) | compute, network, picture.sha256)

    def size(self, picture: Picture) -> tuple[int, int]:
        """The (height, width) in pixels that `make` will give."""
        height, width = picture.pixels.shape[:2]
        return scaled_size(height, width, self.settings.size)

    def make(self, picture: Picture, source: str, on_step: OnStep | None = None) -> tuple[Picture, Record]:
        """Make the picture, with its record. Transparency stays as it was.

        Args:
            picture: the input.
            source: how the record names it.
            on_step: called after every step.

        Raises:
            DreamcliError: it can't be made, with the reason.
        """
        try:
            artwork = FORMS[self.command].make(self.settings, self.network, picture.pixels, self.compute, on_step)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "alloc" not in str(error) and "memory" not in str(error):
                raise
            raise DreamcliError("not enough memory for a picture of this size; make it smaller with --size") from error
        alpha = _resized_alpha(picture, artwork.pixels.shape[:2])
        score = {name: value if math.isfinite(value) else None for name, value in artwork.score.items()}
        record = Record(
            self.job(picture),
            source,
            {"dreamcli": dreamcli.__version__, "torch": str(torch.__version__)},
            score,
            artwork.stopped,
        )
        return Picture(artwork.pixels, alpha), record


def _resized_alpha(picture: Picture, size: tuple[int, ...]) -> Any:
    if picture.alpha is None or picture.alpha.shape == size:
        return picture.alpha
    return np.asarray(Image.fromarray(picture.alpha).resize((size[1], size[0]), Image.Resampling.LANCZOS))
