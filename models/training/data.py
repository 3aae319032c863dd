"""The photographs that networks are trained on, held in memory and cropped at random, on any device.

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
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as TF

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
UNLABELED = -1
HELD_OUT_EVERY = 5  # sharp photographs whose class index divides by this are never trained on
SHARP_SIZE = 288  # pixels on the shorter side


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


def three_squares(picture: Tensor) -> Tensor:
    """Cut the first, middle and last square out of a ``(3, H, W)`` picture: ``(3, 3, SHARP_SIZE, SHARP_SIZE)``."""
    side = min(picture.shape[1:])
    squares = torch.stack([picture[:, :side, :side], square(picture), picture[:, -side:, -side:]])
    return TF.resize(squares, [SHARP_SIZE, SHARP_SIZE], antialias=True)


def normalize(pictures: Tensor) -> Tensor:
    """Turn uint8 pictures into the network's normalized input."""
    mean, std = (torch.tensor(values, device=pictures.device).view(3, 1, 1) for values in (MEAN, STD))
    return (pictures.float() / 255 - mean) / std


def halves(network: nn.Module) -> dict[str, Tensor]:
    """A network's weights as float16, batch-norm statistics included, to be saved."""
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    return {k: v.detach().cpu().contiguous().half() for k, v in state.items()}


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Draw ``(count,)`` numbers between ``low`` and ``high`` on the generator's device."""
    return low + (high - low) * torch.rand(count, generator=generator, device=generator.device)


def random_crops(pictures: Tensor, share: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cut one random rectangle out of each picture, resize it to a square, mirror it half of the time.

    Args:
        pictures: ``(N, 3, S, S)``.
        share: ``(N,)``: the rectangle's longer side as a share of the picture's; the other is up to a quarter less.
        size: of the square.
        generator: on the pictures' device.

    Returns:
        ``(N, 3, size, size)`` from 0 to 255.
    """
    count = len(pictures)
    shorter = share * uniform(count, 0.75, 1, generator)
    upright = uniform(count, 0, 1, generator) < 0.5
    width, height = torch.where(upright, shorter, share), torch.where(upright, share, shorter)
    right = uniform(count, -1, 1, generator) * (1 - width)
    down = uniform(count, -1, 1, generator) * (1 - height)
    mirrored = torch.where(uniform(count, 0, 1, generator) < 0.5, -width, width)
    none = torch.zeros_like(width)
    rows = [torch.stack([mirrored, none, right], 1), torch.stack([none, height, down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 3, size, size], align_corners=False)
    return F.grid_sample(pictures.float(), grid, "bicubic", "reflection", align_corners=False).clamp(0, 255)


@dataclass
class Mixture:
    """Random batches of square crops: sharp photographs, enlarged small ones, 2x2 mosaics of small ones.

    The three sorts cover the scales at which people dream: whole objects, their parts, and busy scenes. A share
    of the pictures is mixed with others: a third of them blended (mixup, Zhang et al., 2018, arXiv:1710.09412),
    a third with a rectangle of another pasted in (CutMix, Yun et al., 2019, arXiv:1905.04899). The teacher says
    what is to be seen in a mixture; without it the few sharp photographs are learned by heart.

    Attributes:
        small: ``(N, 3, S, S)`` uint8, on the device where batches are wanted, and their classes.
        sharp: ``(M, 3, SHARP_SIZE, SHARP_SIZE)`` uint8, there too, and their classes.
        scales: of the sharp photographs: the smallest and the largest size in pixels that a crop is cut from.
    """

    small: Tensor
    small_labels: Tensor
    sharp: Tensor
    sharp_labels: Tensor
    sharp_share: float = 0.5
    mosaic_share: float = 0.15
    scales: tuple[int, int] = (112, 360)

    def __post_init__(self) -> None:
        # seen from far, a photograph is cropped from a smaller copy: bilinear sampling alone would alias
        self.far = torch.cat([TF.resize(some, [SHARP_SIZE // 2] * 2, antialias=True) for some in self.sharp.split(256)])

    def batch(self, count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``(count, 3, size, size)`` normalized pictures and their classes (mixed ones: UNLABELED)."""
        sharp_count, mosaic_count = round(self.sharp_share * count), round(self.mosaic_share * count)
        parts = (
            self._sharp(sharp_count, size, generator),
            self._enlarged(count - sharp_count - mosaic_count, size, generator),
            self._mosaics(mosaic_count, size, generator),
        )
        pictures, labels = (torch.cat(part) for part in zip(*parts, strict=True))
        order = torch.randperm(count, generator=generator, device=generator.device)
        return self._mix(normalize(self._color_jitter(pictures[order], generator)), labels[order], generator)

    @staticmethod
    def _draw(population: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return torch.randint(len(population), (count,), generator=generator, device=generator.device)

    def _sharp(self, count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = self._draw(self.sharp, count, generator)
        scale = uniform(count, *self.scales, generator).clamp(min=size)
        is_far = scale < SHARP_SIZE / 1.5
        near, far = chosen[~is_far], chosen[is_far]
        crops = [
            random_crops(pictures[those], size / scales, size, generator)
            for pictures, those, scales in ((self.sharp, near, scale[~is_far]), (self.far, far, scale[is_far]))
            if len(those)
        ]
        return torch.cat(crops), self.sharp_labels[torch.cat([near, far])]

    def _enlarged(self, count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = self._draw(self.small, count, generator)
        share = uniform(count, 0.6, 1, generator)
        return random_crops(self.small[chosen], share, size, generator), self.small_labels[chosen]

    def _mosaics(self, count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        a, b, c, d = self.small[self._draw(self.small, 4 * count, generator)].split(count)
        mosaics = torch.cat([torch.cat([a, b], 3), torch.cat([c, d], 3)], 2)
        share = uniform(count, 0.7, 1, generator)
        labels = torch.full((count,), UNLABELED, device=self.small.device)
        return random_crops(mosaics, share, size, generator), labels

    @staticmethod
    def _color_jitter(pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Change brightness, contrast and saturation of each picture by up to 25%."""
        brightness, contrast, saturation = (
            uniform(len(pictures), 0.75, 1.25, generator).view(-1, 1, 1, 1) for _ in range(3)
        )
        gray = pictures.mean(1, keepdim=True)
        colored = gray + (pictures - gray) * saturation
        middle = colored.mean((1, 2, 3), keepdim=True)
        return ((middle + (colored - middle) * contrast) * brightness).clamp(0, 255)

    def _mix(self, pictures: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Blend the first third of the pictures with others, paste others into the second; these become UNLABELED."""
        count, _, size, _ = pictures.shape
        blended, pasted = count // 3, 2 * count // 3
        share = torch.zeros(count, 1, size, size, device=pictures.device)
        share[:blended] = uniform(blended, 0, 1, generator).view(-1, 1, 1, 1)
        share[blended:pasted] = self._rectangles(pasted - blended, size, generator)
        others = pictures[torch.randperm(count, generator=generator, device=generator.device)]
        labels = labels.clone()
        labels[:pasted] = UNLABELED
        return pictures.lerp(others, share), labels

    @staticmethod
    def _rectangles(count: int, size: int, generator: torch.Generator) -> Tensor:
        """Draw ``(count, 1, size, size)``: 1 in a random rectangle of 0.3 to 0.8 of each side, 0 outside."""
        place = torch.arange(size, device=generator.device) / size

        def stripe() -> Tensor:
            length = uniform(count, 0.3, 0.8, generator)[:, None]
            first = uniform(count, 0, 1, generator)[:, None] * (1 - length)
            return (place >= first) & (place < first + length)

        return (stripe()[:, None, :, None] & stripe()[:, None, None, :]).float()
