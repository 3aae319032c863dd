"""A map of what a layer sees in photographs, drawn with similar features side by side.

Carter, Armstrong, Schubert, Johnson and Olah, "Activation Atlas", Distill, 2019
(https://distill.pub/2019/activation-atlas). The features are laid out by UMAP (McInnes, Healy and Melville, 2018,
arXiv:1802.03426).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Alignment, positions_of
from dreamcli.errors import needs
from dreamcli.files.reading import Pixels
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.visualization import BoostSettings

from .artwork import Inputs
from .pixels import to_tensor
from .sheet import BACKGROUND, grid
from .visualization import Target, draw_targets

FEATURES, MOST_OF_ONE = 6000, 64  # features to lay out, from all photographs and from one
FEWEST = 256  # features for a map
LARGEST = 12  # cells on each side
PER_CELL = 40  # features on average: fewer features make fewer cells
FEWEST_IN_CELL = 4  # features, for a cell to be drawn
OUTLIERS = 1  # percent of the features beyond each edge
NEIGHBORS, SPACING = 20, 0.01  # UMAP's: how far it looks around each feature, and how close it may put two
MARGIN = 8  # a cell is drawn larger, and one part in this many of its side is cropped at each edge


def digest_of(photographs: Sequence[Pixels], *others: str) -> str:
    """The SHA-256 of everything that a map depends on."""
    digest = hashlib.sha256("\n".join(others).encode())
    for photograph in photographs:
        digest.update(photograph.tobytes())
    return digest.hexdigest()


def activation_atlas(
    settings: BoostSettings, ensemble: Ensemble, photographs: Sequence[Pixels], compute: Compute
) -> Pixels | None:
    """Draw a map of the features that a layer finds in photographs.

    Features are taken at random places, laid out in two dimensions by UMAP, and averaged in the cells of a grid; each
    cell shows what raises its average (`Alignment`).

    Args:
        settings: of the drawings, with one layer and the size of a cell.
        photographs: ``(height, width, 3)`` uint8, all of one size.

    Returns:
        the map, ``(side, side, 3)``; None if there are too few features: a fully connected layer has one for each
        photograph, and a feature map at most 64.

    Raises:
        WrongRequest: the layer is unknown.
        KeyboardInterrupt: it was interrupted.
        DreamcliError: umap-learn isn't installed.
    """
    features = _features(settings, ensemble, photographs, compute)
    if len(features) < FEWEST:
        return None
    side = min(LARGEST, math.isqrt(len(features) // PER_CELL))
    cells = _cells(_laid_out(features, settings.seed), side)
    (layer,) = ensemble.find(settings.layers[0])
    targets = [_target(layer, features[members].mean(0).to(compute.device)) for members in cells.values()]
    drawn = [row[0] for row in draw_targets(targets, settings, ensemble, Inputs(), compute, None)]
    if any(artwork.stopped == "interrupted" for artwork in drawn):
        raise KeyboardInterrupt  # half a map is of no use
    squares = [artwork.pixels for artwork in drawn]
    margin = len(squares[0]) // MARGIN
    cut = len(squares[0]) - 2 * margin
    inner = [square[margin : margin + cut, margin : margin + cut] for square in squares]
    return grid(dict(zip(cells, inner, strict=True)), (side, side), (cut, cut), BACKGROUND)


def _target(layer: NetworkLayer, wanted: Tensor) -> Target:
    objective = Alignment(layer.key, wanted[None])
    return Target(str(layer), (layer,), lambda _seen: objective)


def _features(settings: BoostSettings, ensemble: Ensemble, photographs: Sequence[Pixels], compute: Compute) -> Tensor:
    """What the layer finds at random places of the photographs, ``(N, channels)``."""
    layer = ensemble.only.find(settings.layers[0])
    activations = ensemble.only.activations([layer], compute)
    count = min(MOST_OF_ONE, math.ceil(FEATURES / max(1, len(photographs))))
    generator = torch.Generator().manual_seed(settings.seed)
    found = []
    with torch.inference_mode():
        for photograph in photographs:
            places = positions_of(activations(to_tensor(photograph, compute.device))[layer].float())[0].cpu()
            found.append(places[torch.randperm(len(places), generator=generator)[:count]])
    return torch.cat(found) if found else torch.empty(0, 0)


def _laid_out(features: Tensor, seed: int) -> np.ndarray:
    """A place for each feature, ``(N, 2)``, with similar features near each other."""
    layout = needs("umap").UMAP(
        n_neighbors=NEIGHBORS, min_dist=SPACING, metric="cosine", random_state=seed % 2**32, n_jobs=1
    )
    threads = torch.get_num_threads()
    try:
        places: np.ndarray = layout.fit_transform(features.numpy())
    finally:
        torch.set_num_threads(threads)  # Numba sets it for the whole process, and another number makes other pictures
    return places


def _cells(places: np.ndarray, side: int) -> dict[tuple[int, int], list[int]]:
    """The features in each (row, column) of a grid, for all cells with enough of them."""
    low, high = np.percentile(places, OUTLIERS, 0), np.percentile(places, 100 - OUTLIERS, 0)
    scaled = np.floor((places - low) / np.maximum(high - low, 1e-9) * side).astype(int)
    cells: dict[tuple[int, int], list[int]] = {}
    for number, (column, row) in enumerate(scaled.tolist()):
        if 0 <= row < side and 0 <= column < side:
            cells.setdefault((row, column), []).append(number)
    return {cell: cells[cell] for cell in sorted(cells) if len(cells[cell]) >= FEWEST_IN_CELL}
