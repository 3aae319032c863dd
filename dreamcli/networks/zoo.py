"""Find a network by name, and load it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dreamcli.engine.activations import Activations, InputFormat, Outline, channel_count, outline
from dreamcli.engine.compute import Compute
from dreamcli.errors import DreamcliError, WrongRequest, did_you_mean

from .card import ALIASED_LAYERS, Card, aliases_by_depth, style_layers
from .dreamnet import dreamnet
from .known import BUNDLED, is_own
from .lenet5 import lenet5
from .listing import Listing, listing, names
from .own import code_of, own_builder
from .spec import ALIASES
from .weights import assign, fetch, read_state_dict, sha256

__all__ = ["BUNDLED", "Network", "load", "names", "skeleton"]

SMALLEST_INPUT = 32  # pixels: five halvings leave one; networks that need more say so
BUNDLED_BUILDERS: Mapping[str, Callable[..., nn.Module]] = {"dreamnet": dreamnet, "lenet5": lenet5}
BUNDLED_FORMATS = {
    "dreamnet": InputFormat(minimum=SMALLEST_INPUT),
    "lenet5": InputFormat((0.1,) * 3, (0.28,) * 3),
}


@dataclass(frozen=True)
class Network:
    """A network that is ready to use.

    Attributes:
        card: what it is.
        module: maps ``(N, 3, H, W)`` to ``(N, classes)`` logits.
        input_format: what it wants to be fed.
        weights_sha256: of its weights file; empty for random weights.
        plan: what its forward pass does.
    """

    card: Card
    module: nn.Module
    input_format: InputFormat
    weights_sha256: str
    plan: Outline

    def layer(self, name: str) -> str:
        """Resolve ``low``, ``mid``, ``high`` or a layer's own name to the latter.

        Raises:
            WrongRequest: there is no such layer.
        """
        found = self.card.aliases.get(name, name)
        if found not in self.plan.shapes:
            known = [*ALIASES, *self.plan.shapes]
            outermost = [layer for layer in self.plan.shapes if "." not in layer]
            raise WrongRequest(
                f"{self.card.name} has no layer {name!r}"
                + (did_you_mean(name, known) or f"; it has low, mid, high, {', '.join(outermost)}")
            )
        return found

    def activations(self, layers: Iterable[str], compute: Compute) -> Activations:
        """Give these layers' activations, by the layers' own names, on a device."""
        return Activations(self.module, layers, self.input_format, compute, self.plan)

    @property
    def output(self) -> str:
        """The layer that gives the logits."""
        return self.plan.events[-1][1]

    @property
    def _classes_in_short(self) -> str:
        labels = self.card.labels
        if all(map(str.isdecimal, labels)) or is_own(self.card.name):
            return f"{labels[0]}, {labels[1]}, and so on to {labels[-1]}" if len(labels) > 2 else " and ".join(labels)
        return f"listed by: dreamcli models {self.card.name} --classes"

    def class_index(self, wanted: str) -> int:
        """Find a class by its name, upper or lower case, or by its number.

        Raises:
            WrongRequest: there is no such class.
        """
        labels = self.card.labels
        if wanted.isdecimal() and int(wanted) < len(labels):
            return int(wanted)
        if wanted in labels:
            return labels.index(wanted)  # before upper and lower case are forgotten: there are Cardigan and cardigan
        names = {label.casefold(): index for index, label in enumerate(labels)}
        plain = " ".join(wanted.replace("_", " ").split()).casefold()
        if plain in names:
            return names[plain]
        within = [label for label in labels if plain and plain in label.casefold()]
        hint = did_you_mean(plain, names) or (f"; did you mean {', '.join(within[:5])}?" if within else "")
        raise WrongRequest(
            f"{self.card.name} knows no class {wanted!r}"
            + (hint or f"; its {len(labels)} are {self._classes_in_short}")
        )


def load(name: str = BUNDLED, weights: Path | None = None, *, random: bool = False) -> Network:
    """Load a network: the bundled one, or any of torchvision's classification networks by its name there.

    Args:
        name: ``dreamnet``, ``lenet5``, or as in ``torchvision.models.list_models(module=torchvision.models)``; or
            ``FILE.py:CLASS``, a network of one's own, fed with ImageNet's normalisation.
        weights: a state dict of one's own, ``.safetensors`` or ``.pth``; without it, the bundled or
            torchvision's default pretrained weights.
        random: leave the weights as they are initialised, with a fixed seed (for tests and benchmarks).

    Raises:
        WrongRequest: no network has this name.
        DreamcliError: the weights can't be had or don't fit.
    """
    if is_own(name) and not weights and not random:
        code_of(name)
        raise WrongRequest(f"{name} needs its state dict: --weights FILE, or as a judge --judge {name}=FILE")
    known = listing(name)
    build = _builder(name)
    if random:
        module, digest = _build_random(build), ""
    elif is_own(name) and weights:
        # what the network does depends on its code as well
        module, digest = _build_with(build, weights), f"{sha256(weights)}+{sha256(code_of(name))}"
    elif weights:
        module, digest = _build_with(build, weights), sha256(weights)
    else:
        digest = fetch(known.url, known.path) if known.url else sha256(known.path)
        module = _build_with(build, known.path)
    return _network(known, module, digest)


def skeleton(name: str) -> Network:
    """Build a network to look at its layers: on the "meta" device, without any weights, if it isn't one's own.

    Raises:
        WrongRequest: no network has this name.
    """
    known = listing(name)
    module = _blank(_builder(name))
    with torch.device(next(module.parameters()).device):
        return _network(known, module, "")


def _builder(name: str) -> Callable[..., nn.Module]:
    if is_own(name):
        return own_builder(name)
    return BUNDLED_BUILDERS.get(name) or partial(_build_torchvision, name)


def _network(known: Listing, module: nn.Module, digest: str) -> Network:
    """Put together what is known of a network and what can be seen by following a picture through it."""
    module.requires_grad_(False).eval()
    name, labels = known.name, known.labels or tuple(map(str, getattr(module, "labels", ())))
    input_format = BUNDLED_FORMATS.get(name) or (InputFormat() if is_own(name) else _torchvision_format(name))
    if size := _only_size(module):
        input_format = InputFormat(input_format.mean, input_format.std, fixed=size)
    plan = outline(module, input_format)
    by_hand = ALIASED_LAYERS.get(name)
    aliases = dict(zip(ALIASES, by_hand, strict=True)) if by_hand else aliases_by_depth(module, plan)
    classes = channel_count(plan.shapes[plan.events[-1][1]])
    if classes != len(labels):
        labels = tuple(str(index) for index in range(classes))
    card = Card(name, aliases, labels, *style_layers(name, module, plan))
    return Network(card, module, input_format, digest, plan)


def _build_with(build: Callable[..., nn.Module], path: Path) -> nn.Module:
    """Build a network around the weights of a file, without initialising any first."""
    state = read_state_dict(path)
    module = _blank(build)
    head = list(module.state_dict())[-1]  # its bias; a state dict of one's own may have other classes
    if head in state and state[head].dim() == 1 and state[head].shape != module.state_dict()[head].shape:
        # one's own may take no number of them: then it is told which shapes differ
        with suppress(DreamcliError):
            module = _blank(partial(build, num_classes=len(state[head])))
    assign(module, state, path)
    return module


def _blank(build: Callable[..., nn.Module]) -> nn.Module:
    """Build a network without any weights, on the "meta" device; one's own is on the CPU, with some."""
    try:
        with torch.device("meta"):
            return build()
    except NotImplementedError:  # RegNet computes with tensors while it is built
        return build().to("meta")


def _build_random(build: Callable[..., nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


def _build_torchvision(name: str, **options: Any) -> nn.Module:
    import torchvision

    if name in ("googlenet", "inception_v3"):
        # as torchvision builds them around its pretrained weights, which came from TensorFlow
        options |= {"transform_input": True, "init_weights": False}
    if name.startswith("vit_"):
        options |= {"image_size": torchvision.models.get_model_weights(name).DEFAULT.meta["min_size"][0]}
    module: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return module


def _torchvision_format(name: str) -> InputFormat:
    import torchvision

    weights = torchvision.models.get_model_weights(name).DEFAULT
    preset = weights.transforms()
    return InputFormat(tuple(preset.mean), tuple(preset.std), max(SMALLEST_INPUT, *weights.meta["min_size"]))


def _only_size(module: nn.Module) -> int | None:
    """The one input size, in pixels, that some networks take: vision transformers with absolute positions, LeNet-5."""
    size = getattr(module, "image_size", None)
    if size is None and type(module).__name__ == "MaxVit":
        size = 224
    return size
