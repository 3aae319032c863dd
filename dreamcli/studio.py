"""From pictures and settings to pictures and their records: what the command line and Python both call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import dreamcli
from dreamcli.art.artwork import Artwork, Inputs, OnStep, find_layer, scaled_size, to_tensor
from dreamcli.art.forms import FORMS, settings_to_json
from dreamcli.art.score import top
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import high_frequency_share
from dreamcli.files.reading import Picture
from dreamcli.files.record import Job, Record
from dreamcli.networks.zoo import BUNDLED, Network, load

from .errors import DreamcliError, WrongRequest

LESS_MEMORY = 8  # the share of its budget that a picture is tried with once memory ran out: one eighth


@dataclass(frozen=True)
class Source:
    """A picture that something is made from.

    Attributes:
        picture: it.
        name: how the record names it.
    """

    picture: Picture
    name: str


@dataclass(frozen=True)
class Studio:
    """A network on a device, with the settings of one art form.

    Attributes:
        command: the art form, such as "dream".
        settings: its settings.
        network: what the pictures are made with.
        compute: where, and how precisely.
        others: the pictures that all are made from, beside their own: by role, such as "guide".
        judge: a network that says what it sees in the pictures.
        cache: what one picture finds out that serves the next.
    """

    command: str
    settings: Any
    network: Network
    compute: Compute
    others: Mapping[str, Source] = field(default_factory=dict)
    judge: Network | None = None
    cache: dict[Any, Any] = field(default_factory=dict)

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
        others: Mapping[str, Source] | None = None,
        judge: str | None = None,
    ) -> Studio:
        """Load a network, and check that this machine and this network have what is asked for.

        Args:
            command, settings, model, weights, device, precision, others: as the command line's.
            judge: ``MODEL`` or ``MODEL=WEIGHTS``.

        Raises:
            WrongRequest: the device, the model, a layer or a channel is unknown.
            DreamcliError: the weights can't be had.
        """
        try:
            compute = Compute.resolve(device, precision)
        except ValueError as error:
            raise WrongRequest(str(error)) from error
        studio = cls(command, settings, load(model, weights), compute, dict(others or {}), judge_of(judge))
        return studio.with_settings(settings)

    def with_settings(self, settings: Any) -> Studio:
        """The same with other settings of the same art form.

        Raises:
            WrongRequest: a layer or a channel is unknown.
        """
        for spec in getattr(settings, "layers", ()):
            find_layer(spec, self.network)
            if spec.channel is not None and "guide" in self.others:
                raise WrongRequest("a guide speaks to whole layers: leave out the channel")
            if spec.channel is not None and self.command == "style":
                raise WrongRequest("style is measured in whole layers: leave out the channel")
        if content := getattr(settings, "content", ""):
            self.network.layer(content)
        return replace(self, settings=settings)

    def jobs(self, picture: Picture | None) -> list[Job]:
        """Everything that decides what the pictures become, for each that is made from this one (or from noise)."""
        compute = {
            "device": self.compute.device.type,
            "precision": str(self.compute.precision).removeprefix("torch."),
        }
        count = 1 if self._is_sheet else getattr(self.settings, "count", 1)
        return [
            Job(
                self.command,
                settings_to_json(self.settings) | ({"index": index} if count > 1 else {}) | compute,
                _named(self.network),
                picture.sha256 if picture else "",
                {role: source.picture.sha256 for role, source in self.others.items()},
                _named(self.judge) if self.judge else {},
            )
            for index in range(count)
        ]

    @property
    def _is_sheet(self) -> bool:
        return bool(getattr(self.settings, "sheet", False))

    def size(self, picture: Picture | None) -> tuple[int, int] | None:
        """The (height, width) in pixels that `make` will give; None for a sheet, which is as large as it turns out."""
        if self._is_sheet:
            return None
        if picture is None:
            side = self.settings.size or FORMS[self.command].size_from_noise
            return side, side
        height, width = picture.pixels.shape[:2]
        return scaled_size(height, width, self.settings.size)

    def make(self, source: Source | None, on_step: OnStep | None = None) -> list[tuple[Picture, Record]]:
        """Make the pictures, each with its record. Transparency stays as it was.

        Args:
            source: the input; None for noise.
            on_step: called after every step.

        Raises:
            DreamcliError: it can't be made, with the reason.
        """
        picture = source.picture if source else None
        others = {role: other.picture.pixels for role, other in self.others.items()}
        inputs = Inputs(
            picture.pixels if picture else None, others, self.judge, picture.alpha if picture else None, self.cache
        )
        artworks, notes = self._within_memory(inputs, on_step)
        made = []
        for artwork, job in zip(artworks, self.jobs(picture), strict=True):
            record = Record(
                job,
                source.name if source else "",
                {"dreamcli": dreamcli.__version__, "torch": str(torch.__version__)},
                self._score(artwork),
                artwork.stopped,
                {role: other.name for role, other in self.others.items()},
                notes,
            )
            alpha = None if self._is_sheet else _resized_alpha(picture, artwork.pixels.shape[:2])
            made.append((Picture(artwork.pixels, alpha), record))
        return made

    def _within_memory(self, inputs: Inputs, on_step: OnStep | None) -> tuple[list[Artwork], tuple[str, ...]]:
        """Make the pictures, once more in smaller tiles if memory runs out; with what is to be noted about it."""
        smaller = replace(self.compute, budget=self.compute.budget // LESS_MEMORY)
        for compute, notes in ((self.compute, ()), (smaller, ("memory ran out, so it was made in smaller tiles",))):
            try:
                return FORMS[self.command].make(self.settings, self.network, inputs, compute, on_step), notes
            except (MemoryError, RuntimeError) as error:
                if not _is_of_memory(error):
                    raise
                cause = error.with_traceback(None)  # which holds what the attempt had in memory
        raise DreamcliError("not enough memory for a picture of this size; make it smaller with --size") from cause

    def _score(self, artwork: Artwork) -> dict[str, Any]:
        score: dict[str, Any] = {name: value if math.isfinite(value) else None for name, value in artwork.score.items()}
        if self._is_sheet:
            return score  # of many pictures, whose mean it is
        score["high_frequencies"] = high_frequency_share(to_tensor(artwork.pixels, torch.device("cpu")))
        score["top5"] = [list(pair) for pair in top(self.network, artwork.pixels)]
        if self.judge:
            score["judge"] = [list(pair) for pair in top(self.judge, artwork.pixels)]
        return score


def _is_of_memory(error: Exception) -> bool:
    """Whether memory ran out, as Python or torch on some device says."""
    texts = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or any(text in str(error) for text in texts)


def judge_of(judge: str | None) -> Network | None:
    """Load the network that ``MODEL`` or ``MODEL=WEIGHTS`` names; none for none."""
    if not judge:
        return None
    name, _, weights = judge.partition("=")
    return load(name, Path(weights) if weights else None)


def _named(network: Network) -> dict[str, str]:
    return {"name": network.card.name, "sha256": network.weights_sha256}


def _resized_alpha(picture: Picture | None, size: tuple[int, ...]) -> Any:
    if picture is None:
        return None
    if picture.alpha is None or picture.alpha.shape == size:
        return picture.alpha
    return np.asarray(Image.fromarray(picture.alpha).resize((size[1], size[0]), Image.Resampling.LANCZOS))
