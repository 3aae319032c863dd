"""From an artwork to a finished picture with its record."""

from __future__ import annotations

import math

import torch
from PIL import Image

import dreamcli
from dreamcli.art.artwork import Artwork
from dreamcli.art.pixels import to_tensor
from dreamcli.art.score import top, top_of
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import high_frequency_share
from dreamcli.files.reading import Picture, Pixels, resized
from dreamcli.files.record import Provenance, Record
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.base import Settings
from dreamcli.settings.references import References

from .pictures import ReadInput


def provenances_of(
    settings: Settings,
    ensemble: Ensemble,
    compute: Compute,
    judge: Network | None,
    start: Picture | None,
    references: References[ReadInput],
) -> list[Provenance]:
    """Return one provenance per output: everything that determines the picture."""
    values = settings.to_json()
    if references.styles:
        values["weights"] = references.weights
    values |= {"device": compute.device.type, "precision": str(compute.precision).removeprefix("torch.")}
    count = settings.output_count
    return [
        Provenance(
            settings.command,
            values | ({"index": index} if count > 1 else {}),
            {"name": ensemble.name, "sha256": ensemble.weights_sha256},
            start.sha256 if start else "",
            references.map(lambda each: each.picture.sha256).by_role(),
            {"name": judge.card.name, "sha256": judge.weights_sha256} if judge else {},
        )
        for index in range(count)
    ]


def score_of(
    artwork: Artwork, pixels: Pixels, settings: Settings, ensemble: Ensemble, witness: Network | None
) -> dict[str, object]:
    """The score that a record holds: the objective, the share of high frequencies, and what the networks see.

    ``pixels`` is the picture to show them.
    """
    score: dict[str, object] = {name: value if math.isfinite(value) else None for name, value in artwork.score.items()}
    score |= artwork.facts
    if settings.is_sheet:
        return score  # the mean over many pictures
    score["high_frequencies"] = high_frequency_share(to_tensor(pixels, torch.device("cpu")))
    score["top5"] = [list(pair) for pair in top_of(ensemble.networks, pixels)]
    if witness:
        score["seen_by"] = {"network": witness.card.name, "top5": [list(pair) for pair in top(witness, pixels)]}
    return score


def picture_of(artwork: Artwork, settings: Settings, start: ReadInput | None) -> Picture:
    """The artwork with the start's transparency, which a sheet doesn't have."""
    alpha = start.picture.alpha if start and not settings.is_sheet else None
    height, width = artwork.pixels.shape[:2]
    if alpha is not None and alpha.shape != (height, width):
        # sharper filters overshoot, and so show what is hidden
        sharpness = Image.Resampling.LANCZOS if settings.recipe == 1 else Image.Resampling.BILINEAR
        alpha = resized(alpha, (width, height), sharpness)
    return Picture(artwork.pixels, alpha)


def record_of(
    provenance: Provenance,
    start: ReadInput | None,
    references: References[ReadInput],
    score: dict[str, object],
    stopped: str = "done",
    notes: tuple[str, ...] = (),
) -> Record:
    """The record of a picture made by this version."""
    return Record(
        provenance,
        start.name if start else "",
        {"dreamcli": dreamcli.__version__, "torch": str(torch.__version__)},
        score,
        stopped,
        references.map(lambda each: each.name).by_role(),
        notes,
    )
