"""Art forms and networks that other packages add, by their entry points.

A package names an `ArtForm` in the group ``dreamcli.forms``, or a `PackagedNetwork` in ``dreamcli.networks``. What they
consist of is named by ``MODULE:NAME``, and imported only when it is needed, so that the command line starts without
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import DreamcliError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FORM_GROUP, NETWORK_GROUP = "dreamcli.forms", "dreamcli.networks"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ArtForm:
    """An art form; its command is called as its entry point is.

    Attributes:
        settings: ``MODULE:NAME`` of its subclass of `dreamcli.settings.base.Settings`, whose ``command`` is that name.
        recipe: likewise, of the function that makes its pictures; see `dreamcli.art.dream.dream` for its arguments.
        command: likewise, of its Click command.
        about: what it does, in a line.
    """

    settings: str
    recipe: str
    command: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class PackagedNetwork:
    """A network; dreamcli registers its own in the same way. A package's is called as its entry point is.

    Attributes:
        build: ``MODULE:NAME`` of a class or function that takes ``num_classes`` and returns a ``torch.nn.Module`` that
            maps ``(N, 3, H, W)`` to logits.
        weights: its state dict, ``.safetensors`` or ``.pth``.
        convert: ``MODULE:NAME`` of a function from what the file holds to a state dict; empty if it holds one.
        mean, std: of each color, subtracted from and divided into an image in [0, 1]; by default, ImageNet's.
        minimum: pixels; a smaller side is padded.
        labels: the names of its classes, in order.
        has_imagenet_classes: whether its classes are ImageNet's, in the usual order, instead of ``labels``.
        layers: those that low, mid and high stand for; by default, they are chosen by their depth.
        earlier_layers: those that low, mid and high stood for before recipe 3, if others; see `Settings`.
        style_layers, content_layer: where style is measured, from fine to coarse, and where content is; likewise.
        is_residual: whether every block adds to the one before, so that activations are few and large.
        parameters: their number, if the file doesn't say it; 0 if unknown.
        uncounted: parameters that published numbers leave out, by the beginnings of their names.
        source, license, year, paper: who made the weights, what one may do with them, and who described the network.
    """

    build: str = ""
    weights: Path | None = None
    convert: str = ""
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    minimum: int = 32  # five halvings leave one; networks that need more say so
    labels: tuple[str, ...] = ()
    has_imagenet_classes: bool = False
    layers: tuple[str, str, str] | None = None
    earlier_layers: tuple[str, str, str] | None = None
    style_layers: tuple[str, ...] = ()
    content_layer: str = ""
    is_residual: bool = False
    parameters: int = 0
    uncounted: tuple[str, ...] = ()
    source: str = ""
    license: str = ""
    year: int = 0
    paper: str = ""

    @property
    def path(self) -> Path | None:
        """Where the weights are, or will be; None if somebody else knows."""
        return self.weights

    def verified_path(self) -> Path:
        """Where the weights are, once it is sure that they are the right ones.

        Raises:
            DreamcliError: they aren't.
        """
        assert self.weights
        return self.weights


def form(name: str) -> ArtForm | None:
    """The art form of this name; None if no package adds one.

    Raises:
        DreamcliError: it can't be loaded.
    """
    return _load(FORM_GROUP, name, ArtForm)


def network(name: str) -> PackagedNetwork | None:
    """The network of this name; None if no package adds one.

    Raises:
        DreamcliError: it can't be loaded.
    """
    return _load(NETWORK_GROUP, name, PackagedNetwork)


def names(group: str) -> Mapping[str, str]:
    """What packages add to a group, and which package each comes from. Nothing of theirs is imported."""
    return {name: entry.dist.name if entry.dist else "" for name, entry in _entries(group).items()}


def part(name: str, place: str) -> Any:
    """Import what ``MODULE:NAME`` names, for the art form or network ``name``.

    Raises:
        DreamcliError: it can't be imported.
    """
    module, _, attribute = place.partition(":")
    if module.startswith("dreamcli."):
        return getattr(import_module(module), attribute)
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # another package's code may raise anything
        raise DreamcliError(f"{name} can't be loaded: {type(error).__name__}: {error}") from error


@cache
def _entries(group: str) -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points  # takes as long as all of --help

    return {entry.name: entry for entry in sorted(entry_points(group=group), key=lambda entry: entry.name)}


def _load(group: str, name: str, kind: type[T]) -> T | None:
    entry = _entries(group).get(name)
    if entry is None:
        return None
    found = part(name, entry.value)
    if not isinstance(found, kind):
        raise DreamcliError(f"{name} can't be loaded: {entry.value} isn't an instance of {kind.__name__}")
    return found
