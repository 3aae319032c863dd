"""(f) How well style is transferred, by judges that had no part in it; over every photograph and style in ``samples``.

- style: how much of the photograph's own distance from the style is gone, by the Gram matrices of a VGG19 with fixed
  random weights and of SqueezeNet 1.0 (``../shared``, if it is there);
- content: the SSIM of the edges of brightness of the photograph and of the result (Wang et al., 2004);
- strengths 0.2, 0.5 and 0.9 in this order, for every pair;
- the same strength at 256 and at 768 px.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from dreamcli.art.artwork import Inputs, to_tensor
from dreamcli.art.style import StyleSettings, stylize
from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize
from dreamcli.engine.parameterization import blurred
from dreamcli.engine.style import Statistics
from dreamcli.files.reading import Pixels
from dreamcli.networks import zoo

ROOT = Path(__file__).resolve().parents[1]
SQUEEZENET = ROOT.parent / "shared" / "networks" / "squeezenet1_0.safetensors"
STYLES = ("dots", "waves", "mosaic", "woodcut", "watercolour")
SIZE, LARGE = 256, 768


class Judge:
    """Measures distances of style by the Gram matrices of a network's layers."""

    def __init__(self, network: zoo.Network, layers: tuple[str, ...]) -> None:
        exact = Compute.resolve("cpu", "float32")
        self._activations = Activations(network.module, layers, network.input_format, exact, network.plan)

    def grams(self, pixels: Pixels) -> list[Tensor]:
        """The Gram matrix of each layer, for the picture at 256 px."""
        image = to_tensor(pixels, torch.device("cpu"))
        scale = SIZE / max(image.shape[2:])
        size = (round(image.shape[2] * scale), round(image.shape[3] * scale))
        with torch.inference_mode():
            seen = self._activations(resize(image, size).clamp(0, 1))
        return [Statistics.of(activation).gram for activation in seen.values()]

    def distance(self, pixels: Pixels, style: Pixels) -> float:
        """The squared distance from the style, relative to the style's own size, over the layers."""
        pairs = zip(self.grams(pixels), self.grams(style), strict=True)
        return float(sum((found - wanted).square().sum() / wanted.square().sum() for found, wanted in pairs))


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


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit)."""
    network = zoo.load()
    judges = {"random VGG19": Judge(zoo.load("vgg19", random=True), tuple(f"features.{i}" for i in (1, 6, 11, 20)))}
    if SQUEEZENET.exists():
        squeezenet = zoo.load("squeezenet1_0", SQUEEZENET)
        judges["SqueezeNet 1.0"] = Judge(squeezenet, tuple(f"features.{i}" for i in (1, 3, 5, 8)))
    photographs = {path.stem: _read(path, SIZE) for path in sorted((ROOT / "samples").glob("*.jpg"))}
    styles = {name: _read(ROOT / "samples" / "styles" / f"{name}.jpg", SIZE) for name in STYLES}

    def paint(photo: Pixels, style: str, strength: float, size: int = SIZE) -> Pixels:
        inputs = Inputs(photo, {"style-1": _read(ROOT / "samples" / "styles" / f"{style}.jpg", LARGE)})
        return stylize(StyleSettings(strength=strength, size=size), network, inputs, compute)[0].pixels

    left: dict[str, list[float]] = {name: [] for name in judges}
    orders: dict[str, list[bool]] = {name: [] for name in judges}
    likeness, sizes = [], []
    for photo_name, photo in photographs.items():
        for style_name, style in styles.items():
            weak, default, strong = (paint(photo, style_name, strength) for strength in (0.2, 0.5, 0.9))
            own = edges(photo)
            likeness.append((ssim(own, edges(default), 1.0), photo_name, style_name))
            for name, judge in judges.items():
                before = judge.distance(photo, style)
                shares = [judge.distance(pixels, style) / before for pixels in (weak, default, strong)]
                left[name].append(shares[1])
                orders[name].append(shares[0] > shares[1] > shares[2])
        large = paint(_read(ROOT / "samples" / f"{photo_name}.jpg", LARGE), "mosaic", 0.5, LARGE)
        judge = judges["random VGG19"]
        small = judge.distance(paint(photo, "mosaic", 0.5), styles["mosaic"])
        sizes.append(judge.distance(large, styles["mosaic"]) / small)
    for name in judges:
        mean, worst = 1 - np.mean(left[name]), 1 - max(left[name])
        yield f"share of the style distance gone: {name}", f"{mean:.0%}, at the worst {worst:.0%}", "at least 70%"
        yield f"strengths 0.2, 0.5, 0.9 in order: {name}", f"{sum(orders[name])} of {len(orders[name])}", "all"
    worst_likeness = min(likeness)
    mean_likeness = np.mean([value for value, *_ in likeness])
    text = f"{mean_likeness:.2f}, at the worst {worst_likeness[0]:.2f} ({worst_likeness[1]}, {worst_likeness[2]})"
    yield "SSIM of the edges with the photograph", text, "at least 0.35"
    yield "style distance at 768 px / at 256 px", ", ".join(f"{ratio:.2f}" for ratio in sizes), "0.75 to 1.25"


def _read(path: Path, longest: int) -> Pixels:
    with Image.open(path) as image:
        scale = longest / max(image.size)
        return np.array(image.convert("RGB").resize((round(image.width * scale), round(image.height * scale))))
