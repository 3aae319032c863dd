"""A network that is ready to use, and the facts about it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

import torch
from torch import nn

from dreamcli.engine.activations import Activations, InputFormat, channel_count, replace_module
from dreamcli.engine.compute import Compute
from dreamcli.engine.trace import Layer, Trace, frozen_copy
from dreamcli.errors import Hint, WrongRequest, check, did_you_mean, suggestion
from dreamcli.settings.layer_spec import ALIASES, LayerSpec

from .layers import DEFAULT_SIZE, earlier_aliases, layer_table
from .registry import is_own, is_residual

T = TypeVar("T")
MAX_KEPT = 6  # each may hold a copy of the weights


@dataclass(frozen=True)
class Card:
    """What a network is.

    Attributes:
        aliases: ``{"low": layer, "mid": layer, "high": layer}``.
        labels: the names of the classes, in order; their numbers if they have no names.
        style_layers, content_layer: where style is measured, from fine to coarse, and where content is.
        is_grey: whether it sees brightness only.
        headless: why it has no head, and so no classes; empty if it has one.
    """

    name: str
    aliases: Mapping[str, str]
    labels: tuple[str, ...]
    style_layers: tuple[str, ...]
    content_layer: str
    is_grey: bool = False
    headless: str = ""

    @property
    def is_residual(self) -> bool:
        """Whether its activations need smoothing for style."""
        return is_residual(self.name)


@dataclass(frozen=True)
class Network:
    """A network that is ready to use.

    Attributes:
        module: maps ``(N, 3, H, W)`` to ``(N, classes)`` logits.
        weights_sha256: the SHA-256 of its weights; empty for random ones.
        notes: for people: what was unusual about its weights.
    """

    card: Card
    module: nn.Module
    input_format: InputFormat
    weights_sha256: str
    trace: Trace
    notes: tuple[str, ...] = ()
    # what was made of the network, for later pictures; a changed network begins with none
    _kept: dict[Hashable, object] = field(default_factory=dict, init=False, compare=False, repr=False)

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` makes of the network, made once for each key; only the latest few are kept."""
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            with torch.inference_mode(False):  # so that a later picture can climb with it
                self._kept[key] = make()
        else:
            self._kept[key] = self._kept.pop(key)  # now the latest
        return cast("T", self._kept[key])

    def forget(self) -> None:
        """Free the memory of what was kept."""
        self._kept.clear()

    @property
    def output(self) -> str:
        """The layer that returns the logits."""
        return self.trace.output

    @property
    def short_name(self) -> str:
        """Its name in ``NETWORK/LAYER``: for one of the user's own, the class's."""
        return self.card.name.rpartition(":")[2]

    @property
    def prefers_float32(self) -> bool:
        """Whether it is faster in float32 than in bfloat16, on a CPU that has both."""
        return bool(getattr(self.module, "prefers_float32", False))

    def of_recipe(self, recipe: int) -> Network:
        """The network with the aliases that pictures of this recipe mean; see `Settings`."""
        aliases = {} if recipe > 2 else earlier_aliases(self.card.name)
        if not aliases:
            return self
        return self.kept("earlier aliases", lambda: replace(self, card=replace(self.card, aliases=aliases)))

    def with_average_pooling(self) -> Network:
        """The network with averages in place of every maximum over a window; its weights are shared.

        Raises:
            WrongRequest: it has none.
        """
        return self.kept("average pooling", self._with_average_pooling)

    def _with_average_pooling(self) -> Network:
        module = frozen_copy(self.module)
        pools = [(name, pool) for name, pool in module.named_modules() if isinstance(pool, nn.MaxPool2d)]
        check(bool(pools), f"{self.card.name} has no max pooling to replace with average pooling")
        for name, pool in pools:
            average = nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode, count_include_pad=False)
            replace_module(module, name, average)
        return replace(self, module=module)

    def layer(self, name: str) -> str:
        """Resolve ``low``, ``mid`` or ``high`` to a layer's name; a layer's name stays what it is.

        Raises:
            WrongRequest: there is no such layer.
        """
        found = self.card.aliases.get(name, name)
        if found not in self.trace.shapes:
            outermost = [layer for layer in self.trace.shapes if "." not in layer]
            inner = [layer for layer in self.trace.shapes if layer.rpartition(".")[2] == name]
            reason = f" ({self.card.headless})" if self.card.headless else ""
            hint = suggestion(inner[:3]) or did_you_mean(name, [*ALIASES, *self.trace.shapes])
            hint = hint or f"; it has {', '.join([*ALIASES, *outermost])}"
            raise WrongRequest(f"{self.card.name} has no layer {name!r}{reason}{hint}")
        return found

    def find(self, spec: LayerSpec) -> str:
        """Resolve a spec to its layer's name.

        Raises:
            WrongRequest: there is no such layer, or it has no such channel.
        """
        layer = self.layer(spec.layer)
        count = channel_count(self.trace.shapes[layer])
        if spec.channel is not None and spec.channel >= count:
            raise WrongRequest(
                f"layer {layer} of {self.card.name} has channels 0 to {count - 1}; there is no {spec.channel}"
            )
        return layer

    def activations(self, layers: Iterable[str], compute: Compute) -> Activations:
        """The activations of these layers, by their names, on a device."""
        names = tuple(dict.fromkeys(layers))
        return self.kept(
            (names, compute.device, compute.precision),
            lambda: Activations(self.module, names, self.input_format, compute, self.trace),
        )

    @property
    def usual_side(self) -> int:
        """Pixels on each side of the input that it was made for."""
        return self.input_format.fixed or DEFAULT_SIZE

    def table(self, size: int | tuple[int, int] | None = None, blocks: Iterable[str] = ()) -> list[Layer]:
        """The layer table for an input of this (height, width), or side; by default, of the size it was made for.

        Blocks have a row of their own if an alias means them, or if they are among ``blocks``.

        Raises:
            WrongRequest, DreamcliError: the network doesn't take this size.
        """
        side = size or self.usual_side
        height, width = (side, side) if isinstance(side, int) else side
        fixed = self.input_format.fixed
        takes = fixed is None or (height, width) == (fixed, fixed)
        check(takes, f"{self.card.name} takes pictures of {fixed}x{fixed} pixels only, not {width}x{height}")
        return layer_table(self.module, (height, width), {*self.card.aliases.values(), *blocks})

    def on(self, device: torch.device) -> Network:
        """The same network with its weights on a device; this one stays where it is."""
        if device == next(self.module.parameters()).device:
            return self
        return self.kept(device, lambda: replace(self, module=frozen_copy(self.module).to(device)))

    def check_classes(self) -> None:
        """Raise WrongRequest if it has no classes."""
        why = f": {self.card.headless}" if self.card.headless else ""
        check(bool(self.card.labels), f"{self.card.name} has no classes{why}")

    def class_index(self, wanted: str) -> int:
        """Find a class by its name, in upper or lower case, or by its number.

        Raises:
            WrongRequest: there is no such class.
        """
        self.check_classes()
        check(bool(wanted.strip()), "a class has an empty name")
        labels = self.card.labels
        if wanted in labels:
            return labels.index(wanted)  # before ignoring case: ImageNet has both Cardigan and cardigan
        if wanted.isdecimal() and int(wanted) < len(labels):
            return int(wanted)
        names = {label.casefold(): index for index, label in enumerate(labels)}
        plain = " ".join(wanted.replace("_", " ").split()).casefold()
        if plain in names:
            return names[plain]
        within = [label for label in labels if plain and plain in label.casefold()]
        whole = [label for label in within if plain in label.casefold().split()]
        near = suggestion(whole[:5]) or did_you_mean(plain, names) or suggestion(within[:5])
        problem = f"{self.card.name} has no class {wanted!r}"
        if near:
            raise WrongRequest(problem + near)
        if all(map(str.isdecimal, labels)) or is_own(self.card.name):
            raise WrongRequest(f"{problem}; its {len(labels)} classes are {_in_short(labels)}")
        raise WrongRequest(f"{problem} among its {len(labels)}", Hint.LIST_CLASSES)


def _in_short(labels: tuple[str, ...]) -> str:
    return f"{labels[0]}, {labels[1]}, and so on to {labels[-1]}" if len(labels) > 2 else " and ".join(labels)
