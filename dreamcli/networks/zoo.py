"""Load a network by name, or wrap one that is in memory already."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from dreamcli import plugins
from dreamcli.engine.activations import InputFormat, channel_count
from dreamcli.errors import DreamcliError, Hint, WrongRequest, check

from .adapt import original, traced_as_ours, unwrapped
from .checkpoints import State, matched, read_state_dicts
from .ensemble import Ensemble
from .layers import aliases, style_layers
from .model_spec import parse_models
from .network import Card, Network
from .own import OwnBuilder, checked_builder
from .registry import BUNDLED, OURS, find, is_own, listing, torchvision_models
from .weights import LostHead, assign, fetch, state_sha256
from .wheels import WheelNetwork, file_sha256

__all__ = ["BUNDLED", "Card", "Network", "load", "load_all", "load_judge", "skeleton", "wrap"]

IMAGENET_MEAN, IMAGENET_STD = InputFormat().mean, InputFormat().std
Builder = Callable[..., nn.Module]


@dataclass(frozen=True)
class Remarks:
    """What is to be said about weights from a file; see `Network`.

    Attributes:
        lost_head: what is gone, if the file doesn't have it.
    """

    lost_head: LostHead | None = None
    notes: tuple[str, ...] = ()


def load(name: str = BUNDLED, weights: Path | None = None, *, random: bool = False) -> Network:
    """Load a network with its weights.

    Args:
        name: a bundled network, a torchvision classification model, or ``FILE.py:CLASS``, a network of your own. Its
            attributes ``mean``, ``std``, ``labels`` and ``image_size`` are those of `wrap`; other ones are ImageNet's.
        weights: your own state dict, ``.safetensors`` or ``.pth``; None for the bundled or torchvision's default ones.
        random: leave the weights as they are initialized, with a fixed seed (for tests and benchmarks).

    Raises:
        WrongRequest: no network has this name.
        DreamcliError: the weights aren't available or don't fit.
    """
    known = listing(name)
    if is_own(name) and not weights and not random:
        raise WrongRequest(f"{name} needs weights", Hint.WEIGHTS)
    build, remarks = _builder(name), Remarks()
    if random:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module, digest = build(), ""
    elif weights:
        (module, remarks), digest = _build_with(build, weights), file_sha256(weights)
        if isinstance(build, OwnBuilder):
            digest += f"+{build.sha256()}"  # what the network does depends on its code, too
    elif known.url:
        digest = fetch(known.url, known.path)
        module, remarks = _build_with(build, known.path)
    else:
        path = known.entry.verified_path()
        digest = known.entry.sha256 if isinstance(known.entry, WheelNetwork) else file_sha256(path)
        module, remarks = _build_with(build, path, known.entry.convert)
    return _network(name, module, digest, _format(name, module), known.labels, remarks)


def load_all(models: str, weights: Path | None = None, *, blank: bool = False) -> Ensemble:
    """Load the networks that ``NAME[=FILE][*WEIGHT]`` names, or several of these with a ``+`` between.

    Args:
        weights: as for `load`, if a single network is named.
        blank: build `skeleton` networks in place of those whose weights would have to be downloaded.

    Raises:
        WrongRequest, DreamcliError: as `load` and `parse_models`.
    """
    specs = parse_models(models)
    check(not weights or len(specs) == 1, f"one weights file can't be used for {models}; write NAME=FILE for each")
    check(not weights or not specs[0].weights, f"{models} already names a weights file")
    networks = []
    for spec in specs:
        networks.append(_named(spec.name, weights or spec.weights, blank))
    names = [network.short_name for network in networks]
    twice = max(names, key=names.count)
    check(len(set(names)) == len(names), f"two networks are called {twice}; rename one of the classes")
    return Ensemble(tuple(networks), tuple(spec.weight for spec in specs))


def _named(name: str, weights: Path | None, blank: bool) -> Network:
    if blank and not weights and not is_own(name) and not listing(name).is_here:
        return skeleton(name)
    return load(name, weights)


def load_judge(judge: str, *, blank: bool = False) -> Network:
    """Load the network that ``MODEL`` or ``MODEL=WEIGHTS`` names; ``blank`` as for `load_all`.

    Raises:
        WrongRequest, DreamcliError: as `load`.
    """
    name, _, weights = judge.partition("=")  # a single network, whose file may have any name
    network = _named(name, Path(weights) if weights else None, blank)
    check(bool(network.card.labels), f"{name} has no classes, so it can't judge")
    return network


def skeleton(name: str) -> Network:
    """Build a network to look at its layers: without weights, on the "meta" device, unless it is the user's own.

    Raises:
        WrongRequest: no network has this name.
    """
    known = listing(name)
    module = _blank(_builder(name))
    with torch.device(next(module.parameters()).device):
        return _network(name, module, "", _format(name, module), known.labels)


def wrap(
    module: nn.Module,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    labels: Sequence[str] = (),
    name: str | None = None,
) -> Network:
    """Use a network that is in memory. It is copied, and the original left as it is.

    Args:
        module: maps ``(N, 3, H, W)`` or ``(N, 1, H, W)`` to ``(N, classes)`` logits. ``module.image_size``, if any, is
            the one size in pixels that it takes.
        mean, std: of each color, or one for all, subtracted from and divided into an image in [0, 1]; by default those
            that the module has as attributes, or ImageNet's.
        labels: the names of the classes, in order; by default ``module.labels``, or their numbers.
        name: what records call it; by default the name of its class.

    Raises:
        WrongRequest: an argument is out of range, or the number of labels isn't that of the classes.
        DreamcliError: a picture doesn't go through the network.
    """
    module = unwrapped(module)
    name = name or type(module).__name__
    module = original(copy.deepcopy(module), name)
    check(any(True for _ in module.parameters()), f"{name} has no weights")
    check(not isinstance(labels, str), "labels must be a list of names, not a text")
    input_format = _own_format(name, module, mean, std)
    digest = state_sha256(module.state_dict())
    network = _network(name, module.to("cpu", torch.float32), digest, input_format, tuple(labels))
    count = len(network.card.labels)
    check(not labels or len(labels) == count, f"{name} has {count} classes, but there are {len(labels)} labels")
    return network


def _own_format(
    name: str, module: nn.Module, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> InputFormat:
    """The format of a network of somebody else's: as given, or as its attributes say, or ImageNet's."""
    mean, std = (
        given if given is not None else _attribute(name, module, key) for key, given in (("mean", mean), ("std", std))
    )
    mean = IMAGENET_MEAN if mean is None else mean
    std = IMAGENET_STD if std is None else std
    lengths = f"mean and std must have 3 values each, or 1 for all colors, not {len(mean)} and {len(std)}"
    check({len(mean), len(std)} <= {1, 3}, lengths)
    mean, std = (tuple(values) * (3 // len(values)) for values in (mean, std))
    check(all(map(math.isfinite, mean)), f"mean must be finite, not {mean}")
    check(all(0 < value < math.inf for value in std), f"std must be more than 0, not {std}")
    red, green, blue = zip(map(float, mean), map(float, std), strict=True)
    return InputFormat((red[0], green[0], blue[0]), (red[1], green[1], blue[1]))


def _attribute(name: str, module: nn.Module, key: str) -> list[float] | None:
    """Three numbers, or one, that a network has as an attribute; its buffers and methods are its own business."""
    value = getattr(module, key, None)
    own = {**dict(module.named_buffers(recurse=False)), **dict(module.named_parameters(recurse=False))}
    if value is None or callable(value) or key in own:
        return None
    try:
        return [float(value)] if isinstance(value, int | float) else [float(each) for each in value]
    except (TypeError, ValueError) as error:
        raise WrongRequest(f"the {key} of {name} must be three numbers, or one, not {value!r}") from error


def _own_labels(name: str, module: nn.Module) -> tuple[str, ...]:
    """The names of the classes that a network of somebody else's has as an attribute."""
    labels = getattr(module, "labels", ())
    check(
        isinstance(labels, list | tuple), f"the labels of {name} must be a list of names, not {type(labels).__name__}"
    )
    return tuple(map(str, labels))


def _network(
    name: str,
    module: nn.Module,
    digest: str,
    input_format: InputFormat,
    labels: tuple[str, ...],
    remarks: Remarks = Remarks(),
) -> Network:
    """Combine what is known about a network with what a trace shows."""
    module.requires_grad_(False).eval()
    # vision transformers and LeNet-5 take one size, in pixels, and say so; torchvision's MaxVit doesn't say it
    size = getattr(module, "image_size", 224 if type(module).__name__ == "MaxVit" else None)
    if isinstance(size, tuple | list) and len(set(size)) == 1:
        size = size[0]
    if size is not None:
        check(isinstance(size, int) and size > 0, f"image_size of {name} must be a number of pixels, not {size!r}")
        input_format = replace(input_format, fixed=size)
    trace, input_format = traced_as_ours(module, name, input_format)
    check(trace.output in trace.shapes, f"{name} doesn't end with a layer that returns a tensor")
    shape = trace.shapes[trace.output]
    lost = remarks.lost_head
    if lost:  # what is in its place isn't what its layers would be
        shapes = {layer: each for layer, each in trace.shapes.items() if not f"{layer}.".startswith(f"{lost.name}.")}
        trace = replace(trace, shapes=shapes)
    # feature maps or tokens aren't one score for each class
    has_classes = not lost and math.prod(shape[2:]) == 1
    labels = _labels(name, module, labels, channel_count(shape)) if has_classes else ()
    is_grey = bool(getattr(module, "is_grey", False))
    style, content = style_layers(name, module, trace)
    card = Card(name, aliases(name, module, trace), labels, style, content, is_grey, lost.reason if lost else "")
    return Network(card, module, input_format, digest, trace, remarks.notes)


def _labels(name: str, module: nn.Module, labels: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The names of this many classes: the usual ones, or the network's own, or numbers."""
    own = () if labels else _own_labels(name, module)
    check(not own or len(own) == count, f"{name} has {count} classes, but {len(own)} labels")
    return own or (labels if len(labels) == count else tuple(map(str, range(count))))


def _format(name: str, module: nn.Module) -> InputFormat:
    if is_own(name):
        return _own_format(name, module)
    entry = find(name)
    if entry and entry.build:
        return InputFormat(entry.mean or IMAGENET_MEAN, entry.std or IMAGENET_STD, entry.minimum)
    weights = torchvision_models().get_model_weights(name).DEFAULT
    preset = weights.transforms()
    return InputFormat(tuple(preset.mean), tuple(preset.std), max(InputFormat().minimum, *weights.meta["min_size"]))


def _builder(name: str) -> Builder:
    if is_own(name):
        return OwnBuilder(name)
    entry = find(name)
    if entry and entry.build:
        found: Builder = plugins.part(name, entry.build)
        return found if name in OURS else checked_builder(name, found)
    return partial(_build_torchvision, name)


def _build_torchvision(name: str, **options: object) -> nn.Module:
    models = torchvision_models()
    if name in ("googlenet", "inception_v3"):
        # as torchvision builds them for its pretrained weights, which came from TensorFlow
        options |= {"transform_input": True, "init_weights": False}
    if name.startswith("vit_"):
        options |= {"image_size": models.get_model_weights(name).DEFAULT.meta["min_size"][0]}
    module: nn.Module = models.get_model(name, weights=None, **options)
    return module


def _build_with(build: Builder, path: Path, convert: str = "") -> tuple[nn.Module, Remarks]:
    """Build a network around the weights in a file, without initializing any first."""
    states = read_state_dicts(path)
    if convert:
        change: Callable[[State], State] = plugins.part(str(path), convert)
        states = {place: change(state) for place, state in states.items()}
    module = _blank(build)
    match = matched(states, module.state_dict())
    head = list(module.state_dict())[-1]  # its bias or weight: the file may have another number of classes
    found = match.state.get(head)
    if found is not None and found.dim() and found.shape != module.state_dict()[head].shape:
        # the user's own network may not take that number: then `assign` says which shapes differ
        with suppress(DreamcliError, TypeError):
            module = _blank(partial(build, num_classes=len(found)))
    lost = assign(module, match.state, path)
    return module, Remarks(lost, match.notes + ((lost.reason,) if lost else ()))


def _blank(build: Builder) -> nn.Module:
    """Build a network without weights, on the "meta" device; the user's own gets some, on the CPU."""
    try:
        with torch.device("meta"):
            return build()
    except NotImplementedError:  # RegNet computes with tensors while it is built
        return build().to("meta")
