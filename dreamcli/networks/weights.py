"""Weights that a network gets: checked against its names and shapes, or downloaded."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dreamcli.engine.activations import replace_module
from dreamcli.errors import DreamcliError, first_line

from .checkpoints import State, some
from .wheels import file_sha256

# the classifiers for training only of torchvision's GoogLeNet and Inception3
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a state dict, in hexadecimal: of every tensor's name, dtype, shape and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def head_of(names: Iterable[str]) -> str | None:
    """The name of the last module of those that hold a network's weights, such as ``fc``, with all that is in it.

    Args:
        names: as in the network's state dict. What they all begin with is passed over.

    Returns:
        None if the network consists of a single one.
    """
    parts = [name.split(".") for name in names]
    depth = 0
    while all(len(each) > depth + 1 and each[depth] == parts[0][depth] for each in parts):
        depth += 1
    last = parts[-1]
    return ".".join(last[: depth + 1]) if len(last) > depth + 1 else None


@dataclass(frozen=True)
class LostHead:
    """The last module of a network, which the weights don't fit.

    Attributes:
        name: as in ``network.named_modules()``.
        reason: in a line.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Misfit:
    """What keeps a state dict from fitting a network.

    Attributes:
        total: the number of weights that the network needs.
        missing, unexpected: names that only the network has, and that only the state dict has.
        misshaped: of other shapes than the network needs, and how they differ.
    """

    total: int
    missing: list[str]
    unexpected: list[str]
    misshaped: dict[str, str]

    @classmethod
    def of(cls, network: nn.Module, state: State) -> Misfit:
        """Compare the names and shapes; the parts for training only may be missing, or left over."""
        wanted = network.state_dict()
        names = wanted.keys() | state.keys()
        auxiliary = AUXILIARY if hasattr(network, "aux_logits") else ()
        spare = {name for name in names if name.endswith("num_batches_tracked") or name.startswith(auxiliary)}
        shapes = {name: (tuple(state[name].shape), tuple(wanted[name].shape)) for name in wanted if name in state}
        return cls(
            len(wanted.keys() - spare),
            [name for name in wanted if name not in state and name not in spare],
            [name for name in state if name not in wanted and name not in spare],
            {name: f"has shape {one}, but the network needs {other}" for name, (one, other) in shapes.items()
             if one != other},
        )  # fmt: skip

    def __str__(self) -> str:
        """Which names and shapes don't fit, in a line."""
        if self.missing or self.unexpected:
            parts = [f"{len(self.missing)} of {self.total} weights missing ({some(self.missing)})"]
            parts += [f"{len(self.unexpected)} unexpected ({some(self.unexpected)})"]
            return ", ".join(part for part, names in zip(parts, (self.missing, self.unexpected), strict=True) if names)
        (name, how), *others = self.misshaped.items()
        return f"{name} {how}" + (f" ({1 + len(others)} weights differ in shape)" if others else "")

    def is_about(self, head: str, wanted: Iterable[str]) -> bool:
        """Whether only a network's head is missing, or replaced; ``wanted`` are the names of all its weights."""
        depth = head.count(".")
        body = {tuple(name.split(".")[: depth + 1]) for name in wanted if not name.startswith(f"{head}.")}
        return (
            bool(self.missing or self.misshaped)
            and all(name.startswith(f"{head}.") for name in (*self.missing, *self.misshaped))
            and not any(tuple(name.split(".")[: depth + 1]) in body for name in self.unexpected)
        )


def assign(network: nn.Module, state: State, origin: Path) -> LostHead | None:
    """Give ``network`` the weights in ``state``, as float32. A head that they don't fit becomes `nn.Identity`.

    Returns:
        what is gone; None if all is there.

    Raises:
        DreamcliError: names or shapes don't match, or a weight isn't finite; says which.
    """
    misfit, lost = Misfit.of(network, state), None
    if misfit.missing or misfit.unexpected or misfit.misshaped:
        head = head_of(network.state_dict())
        if head is None or not misfit.is_about(head, network.state_dict()):
            raise DreamcliError(f"{origin} doesn't fit the network: {misfit}")
        replace_module(network, head, nn.Identity())
        lost = LostHead(head, f"the network's head isn't in {origin.name}: {misfit}")
    wanted, fitting = network.state_dict(), {}
    for name, tensor in state.items():
        if name not in wanted:
            continue
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise DreamcliError(f"{origin}: {name} holds values that are not finite (NaN or infinity)")
        fitting[name] = tensor.float() if tensor.is_floating_point() else tensor
    for name in wanted.keys() - fitting.keys():
        fitting[name] = torch.zeros(wanted[name].shape, dtype=wanted[name].dtype)
    network.load_state_dict(fitting, assign=True)
    return lost


def fetch(url: str, path: Path) -> str:
    """Download torchvision's weights from ``url`` to ``path``, unless they are there; return their SHA-256.

    The eight hexadecimal digits in the file's name are the start of its SHA-256. Unlike torch.hub, this checks
    them for a cached file, too.

    Raises:
        DreamcliError: there is no connection, or the file is damaged.
    """
    digits = path.stem.rpartition("-")[2]
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            in_terminal = bool(getattr(sys.stderr, "isatty", bool)())  # a notebook's may lack it
            torch.hub.download_url_to_file(url, str(path), hash_prefix=digits, progress=in_terminal)
        except OSError as error:  # URLError is one
            raise DreamcliError(
                f"{path.name} is not cached and could not be downloaded ({first_line(error)}); "
                f"download {url} on a connected machine and put it at {path}"
            ) from error
        except RuntimeError as error:
            raise DreamcliError(f"{path.name} was damaged in transit from {url}; try again") from error
    digest = file_sha256(path)
    if not digest.startswith(digits):
        raise DreamcliError(f"{path} is damaged (its SHA-256 does not begin with {digits}); delete it and try again")
    return digest
