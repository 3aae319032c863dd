"""Networks held open on a device, and the making of any art form that settings describe."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from torch import nn

from dreamcli.art.artwork import Inputs, OnStep
from dreamcli.art.pixels import scaled_size
from dreamcli.art.recipes import recipe
from dreamcli.engine.compute import Compute
from dreamcli.engine.memory import is_out_of_memory
from dreamcli.engine.modes import default_modes
from dreamcli.engine.tiles import TileError
from dreamcli.errors import DreamcliError, Hint, check
from dreamcli.files.clip import Clip
from dreamcli.files.reading import Picture
from dreamcli.files.record import Provenance
from dreamcli.networks.catalog import AUTO
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.base import Schedule, Settings
from dreamcli.settings.references import References

from .filming import Film
from .films import film_of
from .opening import OpenNetworks
from .pictures import ReadInput, Result
from .results import jobs_for, picture_of, record_of, score_of

T = TypeVar("T")
BUDGET_SHARE_AFTER_FAILURE = 1 / 8  # of the memory budget, for a second try once memory has run out


class Workshop:
    """Networks held open on a device: what `dreamcli.Session` and the command line make pictures with.

    Args:
        model, weights, mean, std, labels, device, precision, judge: see `dreamcli.Session`.
        blank: download nothing, but build networks whose weights aren't here without them, for what they have.

    Raises:
        WrongRequest, DreamcliError: see `dreamcli.Session`.
    """

    def __init__(
        self,
        model: str | nn.Module | None = None,
        *,
        weights: str | os.PathLike[str] | None = None,
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
        labels: Sequence[str] = (),
        device: str = "auto",
        precision: str = "auto",
        judge: str | None = AUTO,
        blank: bool = False,
    ) -> None:
        path = Path(weights) if weights else None
        self._networks: OpenNetworks | None = OpenNetworks(
            model, path, mean, std, labels, device, precision, judge, blank
        )

    @property
    def _open(self) -> OpenNetworks:
        check(self._networks is not None, "the session is closed: its networks are released")
        assert self._networks
        return self._networks

    def ensemble(self, form: type[Settings]) -> Ensemble:
        """The networks that make this art form."""
        return self._open.of(form).ensemble

    def compute(self, form: type[Settings]) -> Compute:
        """Where and how precisely it is made."""
        return self._open.of(form).compute

    def chooser(self, settings: Settings) -> Network | None:
        """The judge that chooses among attempts; None if there is none."""
        return self._open.chooser_of(settings)

    def witness(self, settings: Settings) -> Network | None:
        """The judge that says what it sees in the results; None if there is none."""
        return self._open.witness_of(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the networks; nothing can be made any more."""
        self._networks = None

    def check(self, settings: Settings, references: References[ReadInput]) -> None:
        """Check that the networks have the layers and channels that are asked for.

        Raises:
            WrongRequest: they don't, or a guide is combined with a channel, or there are too many networks.
        """
        ensemble = self.ensemble(type(settings))
        if not isinstance(settings, Schedule):
            _ = ensemble.only  # several networks climb together, but are shown one at a time
        for spec in settings.layer_specs:
            ensemble.find(spec)
            guided = references.guide is not None and spec.channel is not None
            check(not guided, "a guide works on whole layers: leave out the channel")

    def jobs(self, settings: Settings, start: Picture | None, references: References[ReadInput]) -> list[Provenance]:
        """Return one job per output: everything that determines the picture."""
        opened, chooser = self._open.of(type(settings)), self.chooser(settings)
        return jobs_for(settings, opened.ensemble, opened.compute, chooser, start, references)

    def result_size(self, settings: Settings, start: Picture | None) -> tuple[int, int] | None:
        """The (height, width) in pixels that a result will have; None for a contact sheet, which has no fixed size."""
        if settings.is_sheet:
            return None
        if start is None:
            return (settings.side(None),) * 2
        return scaled_size(start.pixels.shape[0], start.pixels.shape[1], settings.size)

    @default_modes()
    def make(
        self,
        settings: Settings,
        start: ReadInput | None = None,
        references: References[ReadInput] = References(),  # noqa: B008 (frozen)
        on_step: OnStep | None = None,
        jobs: list[Provenance] | None = None,
    ) -> list[Result]:
        """Make the pictures that settings describe. Transparency stays as it was.
        If memory runs out, they are made once more in smaller tiles.

        Args:
            settings: what to make, and how.
            start: the input; None for noise.
            references: the pictures besides it.
            on_step: called after every step.
            jobs: what `jobs` returned, if it was called before.

        Raises:
            DreamcliError: it can't be made.
        """
        picture, ensemble = start.picture if start else None, self.ensemble(type(settings))
        inputs = self.inputs(settings, picture, references)
        seed = settings.seed if isinstance(settings, Schedule) else 0
        artworks, notes = self.within_memory(
            type(settings), seed, lambda compute: recipe(settings.command)(settings, ensemble, inputs, compute, on_step)
        )
        notes = (*(note for network in ensemble.networks for note in network.notes), *notes)
        jobs = jobs or self.jobs(settings, picture, references)
        results, witness = [], self.witness(settings)
        with self.compute(type(settings)).repeatable(seed):
            for artwork, job in zip(artworks, jobs, strict=True):
                made = picture_of(artwork, settings, start)
                score = score_of(artwork, made.on_white, settings, ensemble, witness)
                record = record_of(job, start, references, score, artwork.stopped, notes)
                results.append(Result(made, record, artwork.maps))
        return results

    def film(
        self,
        source: ReadInput | Clip,
        settings: Settings,
        references: References[ReadInput],
        output: Path,
        overwrite: bool,
        keep_frames: bool = False,
    ) -> Film:
        """A film to make: a zoom into a picture, or a video repainted frame by frame.

        Args:
            source: what it is made from.
            settings: of a zoom, or of what to do with each frame of the video.
            references, output, overwrite, keep_frames: see `Film`.

        Raises:
            WrongRequest: it doesn't fit its format, or see `ZoomFilm`.
        """
        return film_of(source, settings, self, references, output, overwrite, keep_frames)

    def inputs(self, settings: Settings, start: Picture | None, references: References[ReadInput]) -> Inputs:
        """What a recipe makes pictures from, besides networks.

        Raises:
            DreamcliError: the start's transparency should be its mask, and it has none.
        """
        memo, pictures = self._open.of(type(settings)).memo, references.map(lambda each: each.picture)
        if isinstance(settings, Schedule) and settings.alpha_mask:
            pictures = replace(pictures, mask=_opaque_part(start))
        if settings.recipe == 1 and start and not pictures.styles:
            start = replace(start, alpha=None)
        return Inputs(start, pictures, self.chooser(settings), memo, recipe=settings.recipe)

    def within_memory(self, form: type[Settings], seed: int, make: Callable[[Compute], T]) -> tuple[T, tuple[str, ...]]:
        """Make something; if memory runs out, once more in smaller tiles. Also return notes for its record.

        Args:
            form: whose networks make it.
            seed: of the networks' own random numbers, if they draw any.
            make: called with where and how precisely to compute.

        Raises:
            DreamcliError: there isn't enough memory for tiles, either, or the network can't be used in tiles.
        """
        whole = self.compute(form)
        smaller = replace(whole, budget=int(whole.budget * BUDGET_SHARE_AFTER_FAILURE))
        notes: tuple[str, ...] = ()
        for compute in (whole, smaller):
            try:
                with compute.repeatable(seed):
                    return make(compute), notes
            except TileError as error:
                problem = f"the picture is so large that the network must see it in tiles, but {error}"
                raise DreamcliError(problem, Hint.SMALLER) from error
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                cause = error.with_traceback(None)  # the traceback holds on to the first attempt's memory
                notes = ("memory ran out, so it was made in smaller tiles",)
        raise DreamcliError("not enough memory for a picture of this size", Hint.SMALLER) from cause


def _opaque_part(picture: Picture | None) -> Picture:
    """A mask of the opaque part of a picture."""
    if picture is None or picture.alpha is None:
        raise DreamcliError("it has no transparency to use as its mask")
    return Picture(np.dstack([picture.alpha] * 3))
