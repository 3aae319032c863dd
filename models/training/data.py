"""The photographs that dreamnet is trained on, held in memory and cropped at random.

Two sources: zip files (or folders) of small square photographs laid out as ``CLASS/NAME``, and one of
sharper photographs named ``INDEX_CLASS_label``. CLASS is a WordNet id.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
UNLABELLED = -1
HELD_OUT_EVERY = 5  # sharp photographs whose class index divides by this are never trained on


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, contents) of every picture in a zip file or a folder, in order of name."""
    if source.is_dir():
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            yield path.relative_to(source).as_posix(), path.read_bytes()
    else:
        with zipfile.ZipFile(source) as archive:
            for name in sorted(n for n in archive.namelist() if not n.endswith("/")):
                yield name, archive.read(name)


def _decode(contents: bytes) -> Tensor:
    """Decode a picture to ``(3, H, W)`` uint8."""
    array = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB"))
    return torch.from_numpy(array.copy()).permute(2, 0, 1)


def load_sharp(source: Path) -> tuple[list[Tensor], list[int], dict[str, int]]:
    """Load the sharp photographs: pictures, class indices, and the index of each WordNet id."""
    names, contents = zip(*_files(source), strict=True)
    indices = [int(name.split("_")[0]) for name in names]
    wordnet = {name.split("_")[1]: index for name, index in zip(names, indices, strict=True)}
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_decode, contents)), indices, wordnet


def load_small(sources: list[Path], wordnet: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Load small square photographs: ``(N, 3, S, S)`` uint8 and their ImageNet class indices."""
    files = [file for source in sources for file in _files(source)]
    labels = torch.tensor([wordnet[name.split("/")[0]] for name, _ in files])
    with ThreadPoolExecutor() as pool:
        pictures = torch.stack(list(pool.map(_decode, (contents for _, contents in files))))
    return pictures, labels


def normalise(pictures: Tensor) -> Tensor:
    """Turn uint8 pictures into the network's normalised input."""
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    return (pictures.float() / 255 - mean) / std


@dataclass
class Mixture:
    """Random batches of ``size`` px crops: sharp photographs, enlarged small ones, 2x2 mosaics of small ones.

    The three sorts cover the scales at which people dream: whole objects, their parts, and busy scenes.
    """

    small: Tensor
    small_labels: Tensor
    sharp: list[Tensor]
    sharp_labels: Tensor
    size: int = 112
    sharp_count: int = 24
    enlarged_count: int = 30
    mosaic_count: int = 10
    scales: tuple[int, int] = (112, 256)

    def batch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``(N, 3, size, size)`` normalised pictures and their classes (mosaics: UNLABELLED)."""
        pictures: list[Tensor] = []
        labels: list[Tensor] = []
        chosen = self._draw(len(self.sharp), self.sharp_count, generator)
        pictures += [self._sharp_crop(self.sharp[i], generator) for i in chosen]
        labels.append(self.sharp_labels[chosen])
        chosen = self._draw(len(self.small), self.enlarged_count, generator)
        pictures += [self._crop(self.small[i], 0.6 + 0.4 * self._uniform(generator), generator) for i in chosen]
        labels.append(self.small_labels[chosen])
        chosen = self._draw(len(self.small), 4 * self.mosaic_count, generator)
        for four in self.small[chosen].split(4):
            mosaic = torch.cat([torch.cat([four[0], four[1]], 2), torch.cat([four[2], four[3]], 2)], 1)
            pictures.append(self._crop(mosaic, 0.85, generator))
        labels.append(torch.full((self.mosaic_count,), UNLABELLED))
        return normalise(self._colour_jitter(torch.stack(pictures), generator)), torch.cat(labels)

    @staticmethod
    def _uniform(generator: torch.Generator) -> float:
        return float(torch.rand((), generator=generator))

    @staticmethod
    def _draw(population: int, count: int, generator: torch.Generator) -> Tensor:
        return torch.randint(population, (count,), generator=generator)

    def _sharp_crop(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.scales
        scale = low + (high - low) * self._uniform(generator)
        return self._crop(picture, self.size / scale, generator)

    def _crop(self, picture: Tensor, share: float, generator: torch.Generator) -> Tensor:
        """Cut a random square of ``share`` of the shorter side, resize it, mirror it half of the time."""
        height, width = picture.shape[1:]
        side = round(share * min(height, width))
        top = int(self._uniform(generator) * (height - side + 1))
        left = int(self._uniform(generator) * (width - side + 1))
        cut = picture[:, top : top + side, left : left + side]
        resized = TF.resize(cut, [self.size, self.size], antialias=True)
        return resized.flip(2) if self._uniform(generator) < 0.5 else resized

    @staticmethod
    def _colour_jitter(pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Change brightness, contrast and saturation of each picture by up to 25 %."""
        x = pictures.float()
        brightness, contrast, saturation = (
            0.75 + 0.5 * torch.rand(len(x), 1, 1, 1, generator=generator) for _ in range(3)
        )
        grey = x.mean(1, keepdim=True)
        x = grey + (x - grey) * saturation
        middle = x.mean((1, 2, 3), keepdim=True)
        return ((middle + (x - middle) * contrast) * brightness).clamp(0, 255)
