"""How dreams keep to their photograph: ``uv run python -m benchmarks.dreams [--photos FOLDER] [--keep FOLDER]``.

Every photograph in ``samples``, and in a folder of more, is dreamed with the defaults, and as the default was before,
in turns. Compared with the photograph:

- the share of the energy in high frequencies, which is grit;
- the correlation of the blurred lightness, which is light and shade;
- the share of the pixels that are crushed to black or burnt to white, beyond the photograph's own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dreamcli.art.artwork import Inputs
from dreamcli.art.dream import dream
from dreamcli.art.pixels import scaled_picture, to_pixels, to_tensor
from dreamcli.engine.compute import Compute, keep_freed_memory
from dreamcli.engine.natural import high_frequency_share
from dreamcli.engine.parameterization import blurred
from dreamcli.files.reading import Picture, Pixels, read_picture
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.dream import DreamSettings

from .whole import SAMPLES

SIZE = 448
BLUR = 1 / 20  # of the longer side
CRUSHED, BURNT = 8, 247  # levels of 255, for all three colors
WAYS: Mapping[str, Mapping[str, object]] = {
    "before": {
        "parameterization": "pixels", "steps": 10, "octaves": 6, "octave_scale": 1.3, "recipe": 2,
    },
    "now": {},
}  # fmt: skip


def correlation_of_light(image: Tensor, other: Tensor) -> float:
    """How alike the blurred lightness of two images ``(1, 3, H, W)`` is, from -1 to 1."""
    deviation = BLUR * max(image.shape[2:])
    both = [blurred(each.mean(1, keepdim=True), deviation).flatten() for each in (image, other)]
    return float(torch.corrcoef(torch.stack(both))[0, 1])


def clipped_share(pixels: Pixels) -> float:
    """The share of the pixels that are black or white."""
    return float(((pixels <= CRUSHED).all(2) | (pixels >= BURNT).all(2)).mean())


def measured(photograph: Pixels, made: Pixels) -> list[float]:
    """High frequencies, correlation of light, and pixels clipped beyond the photograph's own."""
    cpu = torch.device("cpu")
    before, after = to_tensor(photograph, cpu), to_tensor(made, cpu)
    clipped = max(0.0, clipped_share(made) - clipped_share(photograph))
    return [high_frequency_share(after), correlation_of_light(before, after), clipped]


def dreamed(ensemble: Ensemble, photograph: Picture, way: Mapping[str, object], compute: Compute) -> Pixels:
    """A dream on a photograph."""
    settings = DreamSettings(**way)  # type: ignore[arg-type]
    (made,) = dream(settings, ensemble.of_recipe(settings.recipe), Inputs(photograph), compute)
    return made.pixels


def photographs(folders: Sequence[Path]) -> list[Path]:
    """Those in some folders."""
    return [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in (".jpg", ".png", ".webp")]


def main() -> None:
    """Dream, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, help="a folder of more photographs")
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    options = parser.parse_args()
    keep_freed_memory()
    compute = Compute.resolve()
    ensemble = zoo.load_all(DreamSettings.model)
    results: dict[str, list[list[float]]] = {"photograph": [], **{way: [] for way in WAYS}}
    for path in photographs([SAMPLES, *([options.photos] if options.photos else [])]):
        shown = to_pixels(scaled_picture(read_picture(path), SIZE, torch.device("cpu")))
        results["photograph"].append([*measured(shown, shown), 0.0])
        for name, way in WAYS.items():
            begun = time.perf_counter()
            made = dreamed(ensemble, Picture(shown), way, compute)
            results[name].append([*measured(shown, made), time.perf_counter() - begun])
            if options.keep:
                options.keep.mkdir(exist_ok=True)
                Image.fromarray(made).save(options.keep / f"{path.stem}-{name}.png")
        print(path.stem, *(f"{name} {results[name][-1][1]:.3f}" for name in WAYS), flush=True)
    print(f"{'':12}  {'high frequencies':>16}  {'light kept':>10}  {'clipped':>7}  {'seconds':>7}")
    for name, rows in results.items():
        high, light, clipped, seconds = np.mean(rows, 0)
        print(f"{name:12}  {high:16.4f}  {light:10.3f}  {clipped:7.2%}  {seconds:7.2f}")


if __name__ == "__main__":
    main()
