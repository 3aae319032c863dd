"""Whether other networks recognize class images: ``uv run python -m benchmarks.recognition --data DATA``.

Draws 50 classes spread over ImageNet's 1,000 with the defaults of ``dreamcli class``, one seed each, and again with
the parameterization and the schedule that used to be the default. EfficientNet-Lite2, which takes no part, says what
it sees. With ``--judge``, so does a network that learned from Tiny-ImageNet's labels alone
(``models/training/judge.py``), in 50 of the classes it knows. For comparison, both look at photographs of the same
classes: DATA is described in ``models/training/README.md``.

The defaults were chosen by looking at classes 0, 20, 40 and so on, none of which is drawn here.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dreamcli import Session
from dreamcli.art.pixels import to_tensor
from dreamcli.art.score import probabilities
from dreamcli.engine.natural import high_frequency_share
from dreamcli.files.reading import Pixels
from dreamcli.networks import zoo
from models.training.data import load_sharp, load_small, square
from models.training.evaluate import accuracy
from models.training.judge import Judge, load_judge

CLASSES = tuple(range(10, 1000, 20))
TUNED_ON_EVERY = 20
JUDGED = 50  # classes that the second judge knows
SIZE = 224
EARLIER: Mapping[str, object] = {
    "parameterization": "fourier",
    "mirror": False,
    "crop": 1.0,
    "zoom": 0.1,
    "steps": 48,
    "octaves": 4,
    "octave_scale": 1.4,
    "jitter": 8,
}
# what each row was drawn with: the networks (None: the default), and settings
ROWS: Mapping[str, tuple[str | None, Mapping[str, object]]] = {
    "dreamnet, frequencies": ("dreamnet", EARLIER),
    "both networks, frequencies": (None, EARLIER),
    "the defaults": (None, {}),
}


@dataclass(frozen=True)
class Drawn:
    """Class images by class, and the mean seconds that one took in an open session."""

    pictures: Mapping[int, Pixels]
    seconds: float


def draw(classes: Sequence[int], model: str | None, settings: Mapping[str, object], folder: Path | None) -> Drawn:
    """Draw each class once, and save the pictures if there is a folder."""
    pictures = {}
    with Session(model, judge="none") as session:
        session.visualize_class(0, steps=1, octaves=1)  # loads the networks
        started = time.perf_counter()
        for index in classes:
            pictures[index] = session.visualize_class(index, **settings)[0].picture.pixels
        seconds = (time.perf_counter() - started) / len(classes)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for index, pixels in pictures.items():
            Image.fromarray(pixels).save(folder / f"{index:03}.png")
    return Drawn(pictures, seconds)


def recognized(network: zoo.Network, pictures: Mapping[int, Pixels]) -> str:
    """How many of the pictures a network of ImageNet's classes names right, at once and among five, in percent."""
    ranks = []
    for index, pixels in pictures.items():
        found = probabilities(network, pixels)
        ranks.append(int((found > found[index]).sum()))
    top1, top5 = (100 * np.mean(np.array(ranks) < place) for place in (1, 5))
    return f"{top1:.0f} / {top5:.0f}"


def judged(judge: Judge, pictures: Mapping[int, Pixels]) -> str:
    """The same of the second judge, whose classes are Tiny-ImageNet's."""
    images = torch.stack([torch.from_numpy(pixels.copy()).permute(2, 0, 1) for pixels in pictures.values()])
    columns = torch.searchsorted(judge.classes, torch.tensor(list(pictures), dtype=judge.classes.dtype))
    return accuracy(judge, images, columns, judge.image_size, None)


def row(name: str, network: zoo.Network, judge: Judge | None, first: Drawn, second: Mapping[int, Pixels]) -> str:
    """One line of the table."""
    shares = [high_frequency_share(to_tensor(pixels, torch.device("cpu"))) for pixels in first.pictures.values()]
    by_judge = judged(judge, second) if judge else ""
    seconds = f"{first.seconds:.1f}" if first.seconds else ""
    return f"{name:<28} {recognized(network, first.pictures):>11} {by_judge:>15} {np.mean(shares):>10.4f} {seconds:>9}"


def main() -> None:
    """Draw, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--judge", type=Path, help="the second judge's weights")
    parser.add_argument("--out", type=Path, help="a folder for the pictures")
    arguments = parser.parse_args()
    lite2, judge = zoo.load("efficientnet_lite2"), load_judge(arguments.judge) if arguments.judge else None
    sharp, indices, wordnet = load_sharp(arguments.data / "imagenet-samples" / "images.zip")
    photographs = {
        index: np.asarray(Image.fromarray(square(picture).permute(1, 2, 0).numpy()).resize((SIZE, SIZE)))
        for picture, index in zip(sharp, indices, strict=True)
        if index in CLASSES
    }
    known: list[int] = []
    if judge:
        all_known = [int(index) for index in judge.classes if int(index) % TUNED_ON_EVERY]
        # those that are drawn anyway come first
        known = sorted(all_known, key=lambda index: (index not in CLASSES, index % 7, index))[:JUDGED]
    print(f"{'% at once / among five':<28} {'Lite2':>11} {'second judge':>15} {'high freq.':>10} {'seconds':>9}")
    print(row("photographs", lite2, None, Drawn(photographs, 0), {}), flush=True)
    if judge:
        small, labels = load_small([arguments.data / "tiny-imagenet" / "val.zip"], wordnet)
        real = torch.isin(labels, torch.tensor(known))
        columns = torch.searchsorted(judge.classes.long(), labels[real])
        print(f"{'small photographs':<40} {accuracy(judge, small[real], columns, 64, None):>15}", flush=True)
    for name, (model, settings) in ROWS.items():
        folder = arguments.out / name.replace(" ", "-").replace(",", "") if arguments.out else None
        first = draw(CLASSES, model, settings, folder)
        rest = [index for index in known if index not in CLASSES and not settings]  # of the defaults only
        others = draw(rest, model, settings, folder).pictures if rest else {}
        drawn = {**first.pictures, **others}
        second = {index: drawn[index] for index in known if index in drawn}
        print(row(name, lite2, judge, first, second), flush=True)


if __name__ == "__main__":
    main()
