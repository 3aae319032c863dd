"""How evenly style is spread: ``uv run python -m benchmarks.evenness [--quick] [--paintings FOLDER]``.

Every photograph in ``samples`` is painted at 256 px in every style there (and those in FOLDER), with the defaults of
``dreamcli style``, and as the default was before, with Gram matrices. Then each is cut into 4x4 tiles, and each tile's
distance from the style is compared with that of the same tile of the photograph, by the Gram matrices of networks that
took no part. The distance is that from the nearest of the style's own tiles: no tile of a painting, cut from a sky or a
tree, is like the whole of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from dreamcli.art.artwork import Inputs
from dreamcli.art.style import stylize
from dreamcli.engine.compute import Compute
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.references import References, StyleInput
from dreamcli.settings.style import StyleSettings

from .style import LARGE, SIZE, Judge, edges, load_judges, read, relative_distance, ssim
from .whole import SAMPLES

TILES = 4  # along each side
ROWS: Mapping[str, Mapping[str, object]] = {
    "the defaults": {},
    "Gram matrices": {"statistics": "gram", "steps": 120, "octave_scale": 1.414},
}
QUICK = ("glass", "strokes")


def tiles(pixels: Pixels) -> list[Pixels]:
    """The tiles of a picture, row by row."""
    return [tile for row in np.array_split(pixels, TILES, 0) for tile in np.array_split(row, TILES, 1)]


def grams_of_tiles(judge: Judge, pixels: Pixels) -> list[list[Tensor]]:
    """The Gram matrices of each tile, by layer."""
    return [judge.grams(tile, side=SIZE // TILES) for tile in tiles(pixels)]


def distances(judge: Judge, pixels: Pixels, wanted: list[list[Tensor]]) -> np.ndarray:
    """How far each tile is from the nearest of a style's tiles, relative to that one's Gram matrices."""
    found = grams_of_tiles(judge, pixels)
    return np.array([min(relative_distance(grams, of_style) for of_style in wanted) for grams in found])


def main() -> None:
    """Paint, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two styles only")
    parser.add_argument("--paintings", type=Path, help="a folder of more styles")
    options = parser.parse_args()
    network = Ensemble.of(zoo.load(StyleSettings.model))
    compute = Compute.resolve("cpu", "float32")
    judges = load_judges()
    paths = sorted((SAMPLES / "styles").glob("*.jpg")) + sorted((options.paintings or Path("none")).glob("*.jpg"))
    styles = [read(path, LARGE) for path in paths if not options.quick or path.stem in QUICK]
    photos = [read(path, SIZE) for path in sorted(SAMPLES.glob("*.jpg"))]
    pairs = [(photo, style) for photo in photos for style in styles]
    starts = {}  # by judge, of each pair: the style's tiles, and the distances of the photograph's from these
    for title, judge in judges.items():
        wanted = [grams_of_tiles(judge, style) for style in styles]
        starts[title] = [(grams, distances(judge, photo, grams)) for photo in photos for grams in wanted]
    for name, changes in ROWS.items():
        start = time.perf_counter()
        settings = StyleSettings.from_json({"size": SIZE} | dict(changes))
        painted = []
        for photo, style in pairs:
            inputs = Inputs(Picture(photo), References(styles=(StyleInput(Picture(style)),)))
            painted.append(stylize(settings, network, inputs, compute)[0].pixels)
        seconds = (time.perf_counter() - start) / len(pairs)
        likeness = [ssim(edges(photo), edges(made), 1.0) for (photo, _), made in zip(pairs, painted, strict=True)]
        print(f"{name}: {seconds:.1f} s a picture; SSIM of the edges {np.median(likeness):.2f} in the median")
        report(name, judges, starts, painted)


def report(
    name: str,
    judges: Mapping[str, Judge],
    starts: Mapping[str, list[tuple[list[list[Tensor]], np.ndarray]]],
    painted: list[Pixels],
) -> None:
    """Print how far the worst tile has gone, and how much the tiles differ, in the median over all pairs."""
    for title, judge in judges.items():
        pairs = zip(starts[title], painted, strict=True)
        left = [distances(judge, made, wanted) / before for (wanted, before), made in pairs]
        gone = f"the worst tile has gone {np.median([1 - each.max() for each in left]):.0%} of the way"
        spread = np.median([each.std() for each in left])
        print(f"{name}, {title}: {gone}; deviation between tiles {spread:.2f}", flush=True)


if __name__ == "__main__":
    main()
