"""(g) How well style is transferred, by judges that had no part in it; over every photograph and style in ``samples``.

- style: how much of the photograph's own distance from the style is gone, by the Gram matrices of a VGG19 with fixed
  random weights and of SqueezeNet 1.0 (``../shared``, if it is there);
- content: the SSIM of the edges of brightness of the photograph and of the result (Wang et al., 2004);
- strengths 0.2, 0.5 and 0.9 in this order, for every pair;
- the same strength at 256 and at 768 px.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from dreamcli.art.pixels import to_tensor
from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize
from dreamcli.engine.parameterization import blurred
from dreamcli.engine.style import Statistics
from dreamcli.files.reading import Pixels
from dreamcli.networks import zoo
from dreamcli.settings.style import StyleSettings
from dreamcli.studio.session import Session

from .whole import ROOT, SAMPLES

SQUEEZENET = ROOT.parent / "shared" / "networks" / "squeezenet1_0.safetensors"
STYLES = ("glass", "hatching", "impasto", "ornament", "strokes")
SIZE, LARGE = 256, 768
DEFAULT = StyleSettings().strength
STRENGTHS = (0.2, DEFAULT, 0.9)
ACROSS_SIZES = "glass"


class Judge:
    """Measures distances of style by the Gram matrices of a network's layers."""

    def __init__(self, network: zoo.Network, layers: tuple[str, ...]) -> None:
        exact = Compute.resolve("cpu", "float32")
        self._activations = Activations(network.module, layers, network.input_format, exact, network.trace)

    def grams(self, pixels: Pixels, side: int = SIZE) -> list[Tensor]:
        """The Gram matrix of each layer, for the picture with this many pixels on its longer side."""
        image = to_tensor(pixels, torch.device("cpu"))
        scale = side / max(image.shape[2:])
        size = (round(image.shape[2] * scale), round(image.shape[3] * scale))
        with torch.inference_mode():
            seen = self._activations(resize(image, size).clamp(0, 1))
        return [Statistics.of(activation).gram[0] for activation in seen.values()]

    def distance(self, pixels: Pixels, style: Pixels) -> float:
        """The squared distance from the style, relative to the style's own size, over the layers."""
        return relative_distance(self.grams(pixels), self.grams(style))


def relative_distance(found: list[Tensor], wanted: list[Tensor]) -> float:
    """The squared distance of Gram matrices from others, relative to these, over the layers."""
    return float(sum((a - b).square().sum() / b.square().sum() for a, b in zip(found, wanted, strict=True)))


def load_judges() -> dict[str, Judge]:
    """The networks that take no part, by name; SqueezeNet only where it is."""
    judges = {"random VGG19": Judge(zoo.load("vgg19", random=True), tuple(f"features.{i}" for i in (1, 6, 11, 20)))}
    if SQUEEZENET.exists():
        squeezenet = zoo.load("squeezenet1_0", SQUEEZENET)
        judges["SqueezeNet 1.0"] = Judge(squeezenet, tuple(f"features.{i}" for i in (1, 3, 5, 8)))
    return judges


def edges(pixels: Pixels) -> Tensor:
    """The strength of the edges of brightness, ``(1, 1, H, W)``."""
    brightness = to_tensor(pixels, torch.device("cpu")).mean(1, keepdim=True)
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None] / 8
    padded = F.pad(brightness, (1, 1, 1, 1), mode="replicate")
    return torch.hypot(F.conv2d(padded, kernel), F.conv2d(padded, kernel.transpose(2, 3)))


def ssim(a: Tensor, b: Tensor, span: float) -> float:
    """The structural similarity of two single-channel images, with the usual Gaussian window of 1.5 px."""
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    mean_a, mean_b = blurred(a, 1.5), blurred(b, 1.5)
    var_a, var_b = blurred(a * a, 1.5) - mean_a**2, blurred(b * b, 1.5) - mean_b**2
    covariance = blurred(a * b, 1.5) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((likeness / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


@dataclass(frozen=True)
class Transfer:
    """What became of one photograph in one style.

    Attributes:
        left: by judge, the share of the photograph's distance from the style that is left at each of STRENGTHS.
        likeness: of its edges at the default strength.
    """

    left: dict[str, tuple[float, ...]]
    likeness: float


def rows(_compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit): for each photograph, then for all."""
    session = Session()
    judges = load_judges()
    styles = {name: read(SAMPLES / "styles" / f"{name}.jpg", LARGE) for name in STYLES}

    def paint(photo: Pixels, style: str, strength: float, size: int = SIZE) -> Pixels:
        return session.stylize(photo, styles[style], strength=strength, size=size).picture.pixels

    transfers = []
    for path in sorted(SAMPLES.glob("*.jpg")):
        photo = read(path, SIZE)
        painted = {style: [paint(photo, style, strength) for strength in STRENGTHS] for style in STYLES}
        of_this = [_transfer(photo, painted[style], styles[style], judges) for style in STYLES]
        yield from _summary(path.stem, of_this)
        transfers += of_this
        large = paint(read(path, LARGE), ACROSS_SIZES, DEFAULT, LARGE)
        small, style = painted[ACROSS_SIZES][STRENGTHS.index(DEFAULT)], styles[ACROSS_SIZES]
        for name, judge in judges.items():
            ratio = judge.distance(large, style) / judge.distance(small, style)
            yield f"{path.stem}: style distance at 768 px / at 256 px, {name}", f"{ratio:.2f}", "0.75 to 1.33"
    yield from _summary("all", transfers)


def _transfer(photo: Pixels, painted: list[Pixels], style: Pixels, judges: dict[str, Judge]) -> Transfer:
    left = {}
    for name, judge in judges.items():
        before = judge.distance(photo, style)
        left[name] = tuple(judge.distance(pixels, style) / before for pixels in painted)
    return Transfer(left, ssim(edges(photo), edges(painted[STRENGTHS.index(DEFAULT)]), 1.0))


def _summary(title: str, transfers: list[Transfer]) -> Iterator[tuple[str, str, str]]:
    for judge in transfers[0].left:
        gone = [1 - transfer.left[judge][STRENGTHS.index(DEFAULT)] for transfer in transfers]
        text = f"{np.mean(gone):.0%}, at the worst {min(gone):.0%}"
        yield f"{title}: share of the style distance gone, {judge}", text, "at least 70%"
        in_order = sum(list(t.left[judge]) == sorted(t.left[judge], reverse=True) for t in transfers)
        yield f"{title}: strengths in order, {judge}", f"{in_order} of {len(transfers)}", "all"
    likeness = [transfer.likeness for transfer in transfers]
    text = f"{np.mean(likeness):.2f}, at the worst {min(likeness):.2f}"
    yield f"{title}: SSIM of the edges with the photograph", text, "at least 0.35"


def read(path: Path, longest: int) -> Pixels:
    """A picture in RGB, with this many pixels on its longer side."""
    with Image.open(path) as image:
        scale = longest / max(image.size)
        return np.array(image.convert("RGB").resize((round(image.width * scale), round(image.height * scale))))
