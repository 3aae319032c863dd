"""Where a network looks: which pixels of a picture a class's score depends on.

The gradient (Simonyan, Vedaldi and Zisserman, 2013, arXiv:1312.6034) is the engine's own step, shown instead of taken.
Integrated gradients (Sundararajan, Taly and Yan, 2017, arXiv:1703.01365) and Grad-CAM (Selvaraju et al., 2017,
arXiv:1610.02391) are Captum's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Channel
from dreamcli.engine.parameterization import blurred
from dreamcli.errors import WrongRequest, check, needs
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.explain import ExplainSettings

from .artwork import Artwork, Inputs, NotFinite, OnStep
from .features import blended
from .pixels import scaled_tensor, to_pixels
from .score import shown
from .sheet import contact_sheet

BRIGHTEST = 0.995  # the quantile of a map's values that is shown at full strength
SMOOTH = 0.008  # the standard deviation of the blur before a map is shown, as a share of the shorter side
AT_ONCE = 8  # pictures on the path of integrated gradients that go through the network together

Attribute = Callable[[Tensor, int], Tensor]  # of an image and a class: how much each place counts, (1, 1, any, any)


def explain(
    settings: ExplainSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, _on_step: OnStep | None = None
) -> list[Artwork]:
    """Show where a network looks, on a sheet: a row for each class, a column for each method.

    Args:
        settings, ensemble, compute: see `dream`.
        inputs: the picture.

    Returns:
        a sheet, whose maps are ``{"CLASS, METHOD": (1, rows, columns) float32}``, in [0, 1].

    Raises:
        WrongRequest: a layer or a class is unknown, a layer has no rows and columns, or there are several networks.
        DreamcliError: Captum isn't installed, or the network's values aren't finite.
    """
    assert inputs.start is not None
    network = ensemble.only.on(compute.device)
    network.check_classes()
    pixels, size = inputs.start.on_white, settings.size
    image = scaled_tensor(pixels, size, compute.device) if size else shown(pixels, compute.device)
    image = network.input_format.fit(image)
    score = _Score(network)
    with torch.inference_mode():
        probabilities = score(image)[0].softmax(0)
    labels = network.card.labels
    check(max(settings.classes, default=0) < len(labels), f"{network.card.name} has {len(labels)} classes, from 0")
    classes = settings.classes or probabilities.topk(min(settings.top, len(labels))).indices.tolist()
    methods = _methods(settings, network, compute, score)
    photograph = to_pixels(image)
    tiles, captions, maps = [], [], {}
    for index in classes:
        tiles.append(photograph)
        captions.append(f"{labels[index]} {100 * float(probabilities[index]):.0f}%")
        for name, attribute in methods.items():
            found = _at_size(attribute(image, index), image)
            if not bool(found.isfinite().all()):
                raise NotFinite
            maps[f"{labels[index]}, {name}"] = _normalized(found)[None]
            # single pixels are too small to see
            smooth = blurred(found, SMOOTH * min(image.shape[2:]))
            tiles.append(blended(_normalized(smooth), photograph, settings.colormap))
            captions.append(name)
    return [Artwork(contact_sheet(tiles, captions, 1 + len(methods)), maps=maps)]


class _Score(nn.Module):
    """A network's logits for a picture in [0, 1]."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self._format = network.module, network.input_format

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network(self._format.normalize(image))
        return logits.flatten(1).float()


def _methods(settings: ExplainSettings, network: Network, compute: Compute, score: nn.Module) -> dict[str, Attribute]:
    """The attribution methods, by name."""
    captum = needs("captum").attr
    integrated = captum.IntegratedGradients(score, multiply_by_inputs=True)

    def integrate(image: Tensor, index: int) -> Tensor:
        found: Tensor = integrated.attribute(image, target=index, n_steps=settings.steps, internal_batch_size=AT_ONCE)
        return found.sum(1, keepdim=True)

    methods: dict[str, Attribute] = {"gradient": _Gradient(network, compute), "integrated gradients": integrate}
    for layer in [network.find(spec) for spec in settings.layers] or [_last_map(network)]:
        if not _is_map(network, layer):
            raise WrongRequest(f"layer {layer} of {network.card.name} isn't a feature map, so Grad-CAM can't use it")
        methods[f"Grad-CAM, {layer}"] = _GradCAM(captum.LayerGradCam(score, network.module.get_submodule(layer)))
    return methods


def _is_map(network: Network, layer: str) -> bool:
    shape = network.trace.shapes[layer]
    return len(shape) == 4 and shape[2] * shape[3] > 1 and layer not in network.trace.channels_last


def _last_map(network: Network) -> str:
    """The last layer that has rows and columns."""
    maps = [layer for layer in network.trace.shapes if _is_map(network, layer)]
    check(bool(maps), f"{network.card.name} has no feature maps for Grad-CAM")
    return maps[-1]


class _Gradient:
    """How far each pixel would move in one step up the class's score, in its color that moves most."""

    def __init__(self, network: Network, compute: Compute) -> None:
        self._output = network.output
        self._activations = network.activations([network.output], replace(compute, precision=torch.float32))

    def __call__(self, image: Tensor, index: int) -> Tensor:
        leaf = image.detach().requires_grad_()
        score = Channel(self._output, index)(self._activations(leaf), leaf)
        (gradient,) = torch.autograd.grad(score, leaf)
        return gradient.abs().amax(1, keepdim=True)


class _GradCAM:
    """The places of a layer whose features speak for the class."""

    def __init__(self, captum: Any) -> None:
        self._captum = captum

    def __call__(self, image: Tensor, index: int) -> Tensor:
        found: Tensor = self._captum.attribute(image.detach().requires_grad_(), target=index, relu_attributions=True)
        return found


def _at_size(found: Tensor, image: Tensor) -> Tensor:
    """The evidence for the class, at the image's size: ``(1, 1, H, W)``, at least 0."""
    positive = found.detach().float().clamp(min=0)
    if positive.shape[2:] != image.shape[2:]:
        positive = F.interpolate(positive, image.shape[2:], mode="bicubic").clamp(min=0)
    return positive


def _normalized(positive: Tensor) -> np.ndarray:
    """A map from 0 to 1, ``(rows, columns)`` float32."""
    values: np.ndarray = positive[0, 0].cpu().numpy()
    return (values / max(float(np.quantile(values, BRIGHTEST)), 1e-12)).clip(0, 1)
