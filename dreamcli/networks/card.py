"""Cards: what a network is, and which of its layers are low, mid and high."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # torch takes seconds to import, and completion reads the names below
    from torch import nn

    from dreamcli.engine.activations import Outline

# chosen by hand. low: edges and textures; mid: patterns and parts; high: whole objects
ALIASED_LAYERS: Mapping[str, tuple[str, str, str]] = {
    "dreamnet": ("fire4", "fire6", "fire9"),
    "alexnet": ("features.4", "features.7", "features.11"),
    "convnext_tiny": ("features.1", "features.3", "features.5"),
    "densenet121": ("features.denseblock1", "features.denseblock2", "features.denseblock3"),
    "efficientnet_b0": ("features.3", "features.5", "features.6"),
    "googlenet": ("inception3b", "inception4c", "inception4e"),
    "inception_v3": ("Mixed_5d", "Mixed_6c", "Mixed_7a"),
    "lenet5": ("maps.tanh1", "maps.tanh3", "maps.tanh5"),
    "mobilenet_v2": ("features.4", "features.10", "features.14"),
    "resnet18": ("layer2", "layer3", "layer4"),
    "resnet50": ("layer2", "layer3", "layer4"),
    "squeezenet1_0": ("features.4", "features.8", "features.10"),
    "squeezenet1_1": ("features.4", "features.7", "features.10"),
    "vgg16": ("features.15", "features.22", "features.29"),
    "vgg19": ("features.17", "features.26", "features.35"),
}
# where style is measured, from fine to coarse, and where content is: chosen by hand
STYLE_LAYERS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "dreamnet": (("stem", "fire2", "fire4", "fire6", "fire8"), "fire4"),
    "alexnet": (("features.1", "features.4", "features.7", "features.9"), "features.9"),
    "googlenet": (("conv1", "conv3", "inception3b", "inception4b", "inception4e"), "inception4b"),
    "lenet5": (("maps.tanh1", "maps.tanh3"), "maps.tanh3"),
    "resnet18": (("relu", "layer1", "layer2", "layer3"), "layer3"),
    "resnet50": (("relu", "layer1", "layer2", "layer3"), "layer3"),
    "squeezenet1_0": (("features.1", "features.3", "features.5", "features.8", "features.10"), "features.5"),
    "squeezenet1_1": (("features.1", "features.3", "features.6", "features.9", "features.11"), "features.6"),
    "vgg16": (("features.1", "features.6", "features.11", "features.18", "features.25"), "features.20"),
    "vgg19": (("features.1", "features.6", "features.11", "features.20", "features.29"), "features.22"),
}
STYLE_DEPTHS, CONTENT_DEPTH = (0.05, 0.15, 0.3, 0.5, 0.7), 0.55
# networks whose activations are few and large, since every block adds to the one before
RESIDUAL = ("resnet", "resnext", "wide_resnet", "regnet")
# where the others have theirs: the share of their weighted layers that lie before
DEPTHS = (0.3, 0.55, 0.8)


@dataclass(frozen=True)
class Card:
    """What a network is.

    Attributes:
        name: as in ``--model``.
        aliases: ``{"low": layer, "mid": layer, "high": layer}``.
        labels: the names of its classes, in order; their numbers where nobody named them.
        style_layers: where style is measured, from fine to coarse.
        content_layer: where content is measured.
    """

    name: str
    aliases: Mapping[str, str]
    labels: tuple[str, ...]
    style_layers: tuple[str, ...]
    content_layer: str

    @property
    def is_grey(self) -> bool:
        """Whether it sees brightness alone."""
        return self.name == "lenet5"

    @property
    def is_residual(self) -> bool:
        """Whether its activations need smoothing for style."""
        return self.name.startswith(RESIDUAL)


def style_layers(name: str, network: nn.Module, plan: Outline) -> tuple[tuple[str, ...], str]:
    """The layers where a network's style is measured, and the one for content."""
    if name in STYLE_LAYERS:
        return STYLE_LAYERS[name]
    *style, content = layers_at_depths((*STYLE_DEPTHS, CONTENT_DEPTH), network, plan)
    return tuple(dict.fromkeys(style)), content


def aliases_by_depth(network: nn.Module, plan: Outline) -> dict[str, str]:
    """Choose low, mid and high for a network that nobody chose for."""
    return dict(zip(("low", "mid", "high"), layers_at_depths(DEPTHS, network, plan), strict=True))


def layers_at_depths(depths: Sequence[float], network: nn.Module, plan: Outline) -> list[str]:
    """Find the layers before which these shares of a network's weighted layers lie.

    Whole blocks are preferred to the convolutions inside them, and layers without room (a picture's
    scores) are left out.
    """
    weighted = {name for name, module in network.named_modules() if _has_own_weights(module)}
    total = sum(1 for what, name in plan.events if what == "end" and name in weighted)
    passed = 0
    candidates: dict[str, float] = {}
    for what, name in plan.events:
        if what == "end":
            passed += name in weighted
            shape = plan.shapes.get(name, ())
            if len(shape) == 3 or (len(shape) == 4 and shape[2] > 1):
                candidates[name] = passed / total

    def distance(name: str, wanted: float) -> float:
        return abs(candidates[name] - wanted) + 0.03 * name.count(".")

    return [min(candidates, key=lambda name: distance(name, wanted)) for wanted in depths]


def _has_own_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))
