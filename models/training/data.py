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
from torch import Tensor, nn
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
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_decode, contents)), indices, load_sharp_names(source)


def load_sharp_names(source: Path) -> dict[str, int]:
    """Read the class index of each WordNet id off the names of the sharp photographs."""
    return {name.split("_")[1]: int(name.split("_")[0]) for name, _ in _files(source)}


def load_small(sources: list[Path], wordnet: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Load small square photographs: ``(N, 3, S, S)`` uint8 and their ImageNet class indices."""
    files = [file for source in sources for file in _files(source)]
    labels = torch.tensor([wordnet[name.split("/")[0]] for name, _ in files])
    with ThreadPoolExecutor() as pool:
        pictures = torch.stack(list(pool.map(_decode, (contents for _, contents in files))))
    return pictures, labels


def square(picture: Tensor) -> Tensor:
    """Cut the middle square out of a ``(3, H, W)`` picture."""
    return TF.center_crop(picture, [min(picture.shape[1:])] * 2)


def normalise(pictures: Tensor) -> Tensor:
    """Turn uint8 pictures into the network's normalised input."""
    mean, std = (torch.tensor(values, device=pictures.device).view(3, 1, 1) for values in (MEAN, STD))
    return (pictures.float() / 255 - mean) / std


def halves(network: nn.Module) -> dict[str, Tensor]:
    """A network's weights as float16, batch-norm statistics included, to be saved."""
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    return {k: v.detach().cpu().contiguous().half() for k, v in state.items()}


@dataclass
class Mixture:
    """Random batches of ``size`` px crops: sharp photographs, enlarged small ones, 2x2 mosaics of small ones.

    The three sorts cover the scales at which people dream: whole objects, their parts, and busy scenes. A share
    of the pictures is mixed with others: a third of them blended (mixup, Zhang et al., 2018, arXiv:1710.09412),
    a third with a rectangle of another pasted in (CutMix, Yun et al., 2019, arXiv:1905.04899). The teacher says
    what is to be seen in a mixture; without it the few sharp photographs are learnt by heart.
    """

    small: Tensor
    small_labels: Tensor
    sharp: list[Tensor]
    sharp_labels: Tensor
    size: int = 112
    sharp_count: int = 32
    enlarged_count: int = 22
    mosaic_count: int = 10
    scales: tuple[int, int] = (112, 320)

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
        jittered = self._colour_jitter(torch.stack(pictures), generator)
        return self._mix(normalise(jittered), torch.cat(labels), generator)

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
        """Cut a random rectangle, resize it to a square, mirror it half of the time.

        Its longer side is ``share`` of the picture's shorter, its other up to a quarter less.
        """
        height, width = picture.shape[1:]
        sides = [share * min(height, width), share * min(height, width) * (0.75 + 0.25 * self._uniform(generator))]
        down, right = (round(side) for side in (sides if self._uniform(generator) < 0.5 else sides[::-1]))
        top = int(self._uniform(generator) * (height - down + 1))
        left = int(self._uniform(generator) * (width - right + 1))
        cut = picture[:, top : top + down, left : left + right]
        resized = TF.resize(cut, [self.size, self.size], antialias=True)
        return resized.flip(2) if self._uniform(generator) < 0.5 else resized

    def _mix(self, pictures: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Blend a third of the pictures with others, paste others into a third; these become UNLABELLED."""
        order = torch.randperm(len(pictures), generator=generator)
        others = pictures[torch.randperm(len(pictures), generator=generator)]
        blended, pasted, _ = order.tensor_split(3)
        share = torch.rand(len(blended), 1, 1, 1, generator=generator)
        mixed = pictures.clone()
        mixed[blended] = pictures[blended].lerp(others[blended], share)
        for i in pasted.tolist():
            height, width = (int(self.size * (0.3 + 0.5 * self._uniform(generator))) for _ in range(2))
            top = int(self._uniform(generator) * (self.size - height))
            left = int(self._uniform(generator) * (self.size - width))
            place = (slice(None), slice(top, top + height), slice(left, left + width))
            mixed[i][place] = others[i][place]
        labels = labels.clone()
        labels[torch.cat([blended, pasted])] = UNLABELLED
        return mixed, labels

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
