"""Cards: what a network is, and which of its layers are low, mid and high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    "mobilenet_v2": ("features.4", "features.10", "features.14"),
    "resnet18": ("layer2", "layer3", "layer4"),
    "resnet50": ("layer2", "layer3", "layer4"),
    "squeezenet1_0": ("features.4", "features.8", "features.10"),
    "squeezenet1_1": ("features.4", "features.7", "features.10"),
    "vgg16": ("features.15", "features.22", "features.29"),
    "vgg19": ("features.17", "features.26", "features.35"),
}
# where the others have theirs: the share of their weighted layers that lie before
DEPTHS = (0.3, 0.55, 0.8)


@dataclass(frozen=True)
class Card:
    """What a network is.

    Attributes:
        name: as in ``--model``.
        source: who made the weights, and of what.
        licence: of the weights, as far as their makers say.
        aliases: ``{"low": layer, "mid": layer, "high": layer}``.
        labels: the names of its classes, in order; their numbers where nobody named them.
    """

    name: str
    source: str
    licence: str
    aliases: Mapping[str, str]
    labels: tuple[str, ...]


def aliases_by_depth(network: nn.Module, plan: Outline) -> dict[str, str]:
    """Choose low, mid and high for a network that nobody chose for, by the share of its weights passed.

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

    chosen = (min(candidates, key=lambda name: distance(name, wanted)) for wanted in DEPTHS)
    return dict(zip(("low", "mid", "high"), chosen, strict=True))


def _has_own_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))
